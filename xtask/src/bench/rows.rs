//! The rows of the table: what is measured, by which bench, against which target.

use super::row::{Row, at_least, at_most, nanoseconds, row};
use super::source::{DAY, DEMO, FLOW, KERNEL, MEMORY, OBSERVER, PAGE, REGISTRY, RELAY};

/// All rows. The targets are those of docs/performance.md.
pub(super) const ROWS: &[Row] = &[
    row("decode", "a record's bytes to an event", None, FLOW),
    row(
        "encode",
        "a flow to its protobuf bytes, endpoints spliced",
        nanoseconds(200.0),
        FLOW,
    ),
    row(
        "encode-masked",
        "the same with the default field mask",
        nanoseconds(200.0),
        FLOW,
    ),
    row(
        "filter-label",
        "a label filter, per flow scanned",
        nanoseconds(2.5),
        FLOW,
    ),
    row(
        "filter-labels-port",
        "two labels and a port, per flow scanned",
        nanoseconds(6.7),
        FLOW,
    ),
    row(
        "append",
        "record to annotated flow in the store",
        nanoseconds(120.0),
        FLOW,
    ),
    row(
        "path",
        "the observer's whole path, fed from recorded batches in memory",
        nanoseconds(200.0),
        OBSERVER,
    ),
    row(
        "memory-per-flow",
        "resident memory per flow held",
        at_most(160.0, "bytes"),
        MEMORY,
    ),
    row(
        "floor-cpu",
        "ready bytes of flows over HTTP/2 and TCP, the server's CPU per flow: no server takes less here",
        None,
        RELAY,
    ),
    row(
        "floor-flows",
        "the same by the clock, server and client on this machine",
        None,
        RELAY,
    ),
    row(
        "getflows-cpu",
        "GetFlows without filter over TCP, a node's CPU per flow",
        nanoseconds(280.0),
        RELAY,
    ),
    row(
        "getflows-flows",
        "the same by the clock, node and client on this machine",
        nanoseconds(333.0),
        RELAY,
    ),
    row(
        "relay-cpu-1",
        "relay CPU per flow, 1 Tycho node",
        None,
        RELAY,
    ),
    row(
        "relay-flows-1",
        "the same by the clock, nodes, relay and client on this machine",
        None,
        RELAY,
    ),
    row(
        "relay-cpu-3",
        "relay CPU per flow, 3 Tycho nodes",
        None,
        RELAY,
    ),
    row(
        "relay-flows-3",
        "the same by the clock, nodes, relay and client on this machine",
        None,
        RELAY,
    ),
    row(
        "relay-cpu-10",
        "relay CPU per flow, 10 Tycho nodes",
        nanoseconds(250.0),
        RELAY,
    ),
    row(
        "relay-flows-10",
        "the same by the clock, nodes, relay and client on this machine",
        nanoseconds(286.0),
        RELAY,
    ),
    row(
        "relay-cpu-100",
        "relay CPU per flow, 100 Tycho nodes",
        None,
        RELAY,
    ),
    row(
        "relay-flows-100",
        "the same by the clock, nodes, relay and client on this machine",
        nanoseconds(3_333.0),
        RELAY,
    ),
    row(
        "relay-cpu-10-tls",
        "relay CPU per flow, 10 nodes, TLS on both sides",
        None,
        RELAY,
    ),
    row("relay-flows-10-tls", "the same by the clock", None, RELAY),
    row(
        "relay-cpu-10-hubble",
        "relay CPU per flow, 10 nodes that speak as Hubble",
        nanoseconds(650.0),
        RELAY,
    ),
    row(
        "relay-flows-10-hubble",
        "the same by the clock",
        nanoseconds(714.0),
        RELAY,
    ),
    row(
        "relay-order-3",
        "flows out of the order of time, 3 nodes",
        at_most(0.0, "flows"),
        RELAY,
    ),
    row(
        "relay-order-10",
        "flows out of the order of time, 10 nodes",
        at_most(0.0, "flows"),
        RELAY,
    ),
    row(
        "relay-order-50",
        "flows out of the order of time, 50 nodes",
        at_most(0.0, "flows"),
        RELAY,
    ),
    row(
        "relay-last20-50",
        "`observe --last 20` over 50 nodes: first byte of a flow",
        at_most(12.0, "ms"),
        RELAY,
    ),
    row(
        "relay-last20-100",
        "the same over 100 nodes",
        at_most(150.0, "ms"),
        RELAY,
    ),
    row(
        "relay-follow",
        "one flow each 300 ms, 10 nodes: age on delivery, the oldest of 60",
        at_most(250.0, "ms"),
        RELAY,
    ),
    row("relay-follow-p50", "the same, median", None, RELAY),
    row(
        "relay-memory-peer",
        "relay memory per connected peer",
        at_most(1.0, "MiB"),
        RELAY,
    ),
    row(
        "relay-memory-client",
        "relay memory per streaming client that does not read, 10 nodes",
        at_most(2.0, "MiB"),
        RELAY,
    ),
    row(
        "kernel-established-v4",
        "established packet, above an empty program, IPv4",
        nanoseconds(50.0),
        KERNEL,
    ),
    row(
        "kernel-established-v6",
        "the same, IPv6",
        nanoseconds(60.0),
        KERNEL,
    ),
    row(
        "kernel-established-random",
        "65,536 connections at random",
        nanoseconds(180.0),
        KERNEL,
    ),
    row(
        "kernel-new-v4",
        "new connection with its event, IPv4",
        nanoseconds(500.0),
        KERNEL,
    ),
    row(
        "kernel-new-v6",
        "the same, IPv6",
        nanoseconds(550.0),
        KERNEL,
    ),
    row(
        "kernel-traffic",
        "real datagrams of 10,000 connections, by the kernel's own clock",
        None,
        KERNEL,
    ),
    row(
        "registry-allocation",
        "an identity for a new label set, 10 nodes that ask at once over one etcd",
        at_most(2.0, "ms"),
        REGISTRY,
    ),
    row(
        "registry-allocation-file",
        "the same over a directory",
        None,
        REGISTRY,
    ),
    row(
        "propagation-file",
        "a new endpoint, until 2 other nodes know it by address, over a directory",
        at_most(200.0, "ms"),
        KERNEL,
    ),
    row(
        "propagation-etcd",
        "the same over etcd",
        at_most(200.0, "ms"),
        KERNEL,
    ),
    row(
        "policy-change",
        "250 endpoints, 1,000 identities: a rule more for all, until it is enforced",
        at_most(50.0, "ms"),
        KERNEL,
    ),
    row(
        "policy-change-writes",
        "map writes of that change",
        at_most(20_000.0, "writes"),
        KERNEL,
    ),
    row(
        "policy-change-worst",
        "the same where all select all, and no two endpoints alike",
        None,
        KERNEL,
    ),
    row(
        "policy-change-worst-writes",
        "map writes of that change",
        None,
        KERNEL,
    ),
    row(
        "policy-look-up",
        "one look-up among so many policy entries: the cells, and a trie per set",
        None,
        KERNEL,
    ),
    row(
        "policy-update",
        "writing one of so many policy entries, in batches",
        None,
        KERNEL,
    ),
    row(
        "policy-switch",
        "from one generation of a policy set to another",
        None,
        KERNEL,
    ),
    row(
        "page-bytes",
        "what a tab is sent: 2,000 edges, 50,000 flows/s, no single flows",
        at_most(50.0, "kB/s"),
        PAGE,
    ),
    row(
        "page-count",
        "relay's processor time to count a flow for pages, 10,000 edges; bytes for a tab, memory",
        None,
        PAGE,
    ),
    row(
        "page-day",
        "memory of the relay's counts after a day of 10,000 edges, a third of them active in each second; what is accounted",
        at_most(256.0, "MiB"),
        DAY,
    ),
    row(
        "page-first-picture",
        "from nothing to numbers in the overview, 2,000 edges, 5,000 flows/s",
        at_most(1_500.0, "ms"),
        PAGE,
    ),
    row(
        "page-first-bytes",
        "what the browser loads until then, compressed",
        at_most(250.0, "kB"),
        PAGE,
    ),
    row(
        "page-longest-task",
        "longest task of the main thread in five first visits, 2,000 edges: by the processor's time, by the clock",
        at_most(100.0, "ms"),
        PAGE,
    ),
    row(
        "page-canvas-frames-2000",
        "map and matrix alone while data flows, software drawing, 200 identities and 2,000 edges",
        at_least(55.0, "frames/s"),
        PAGE,
    ),
    row(
        "page-canvas-frames-10000",
        "the same at 1,000 identities and 10,000 edges",
        at_least(30.0, "frames/s"),
        PAGE,
    ),
    row(
        "page-frames-2000",
        "map and matrix in the whole page, over a relay and 5,000 flows/s, 200 identities and 2,000 edges",
        at_least(55.0, "frames/s"),
        PAGE,
    ),
    row(
        "page-frames-10000",
        "the same at 1,000 identities and 10,000 edges",
        at_least(30.0, "frames/s"),
        PAGE,
    ),
    row(
        "page-drop-visible",
        "from before a packet is sent that policy drops until the page shows it, each of a new edge; demo",
        at_most(1_200.0, "ms"),
        DEMO,
    ),
    row(
        "memory-policy-cell",
        "kernel memory per policy cell, and per place in the table",
        None,
        KERNEL,
    ),
    row(
        "memory-connection",
        "kernel memory per conntrack entry",
        None,
        KERNEL,
    ),
    row(
        "memory-edge-slot",
        "kernel memory per edge slot, the cells of all CPUs included",
        None,
        KERNEL,
    ),
];

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;

    #[test]
    fn a_row_has_one_name() {
        for (position, row) in ROWS.iter().enumerate() {
            assert!(
                ROWS[..position].iter().all(|other| other.name != row.name),
                "{} twice",
                row.name
            );
        }
    }

    #[test]
    fn criterion_gets_one_pattern_and_a_harness_the_names() {
        let last = |source: Source| {
            let command = source.command(&["one", "two"]);
            command
                .get_args()
                .last()
                .map(|argument| argument.to_string_lossy().into_owned())
        };
        assert_eq!(last(FLOW).as_deref(), Some("^(one|two)(/|$)"));
        assert_eq!(last(KERNEL).as_deref(), Some("two"));
    }
}
