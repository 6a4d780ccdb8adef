//! What a packet costs above an empty program, alone and with full maps.
//!
//! What is random or new varies its source port inside the kernel; the program that does so, run before an empty one, is
//! subtracted.

use std::net::SocketAddr;

use bpf_events::counters::Counter;
use bpf_loader::Probe;

use crate::frame::{ACK, SYN, tcp};
use crate::node::{Load, Node, ONE_SERVER, client, in_prefix, server};
use crate::{Wanted, print, smallest};

pub(crate) const ROWS: &[&str] = &[
    "kernel-established-v4",
    "kernel-established-v6",
    "kernel-established-random",
    "kernel-new-v4",
    "kernel-new-v6",
];

const REPEAT: u32 = 1_000_000;
const CONNECTIONS: u32 = 65_536;

/// 10,000 policy cells, 10,000 exact addresses and 1,000 prefixes of each family.
const FULL: Load = Load {
    servers: 10_000,
    prefixes: 1_000,
};

pub(crate) fn measure(wanted: &Wanted) {
    for (load, variant) in [(ONE_SERVER, ""), (FULL, "/full-maps")] {
        for (row, ipv6) in [
            ("kernel-established-v4", false),
            ("kernel-established-v6", true),
        ] {
            if wanted.row(row) {
                print(&format!("{row}{variant}"), established(load, ipv6), "ns");
            }
        }
        for (row, ipv6) in [("kernel-new-v4", false), ("kernel-new-v6", true)] {
            if wanted.row(row) {
                let to = server(load.servers / 2 + 1, ipv6);
                print(&format!("{row}{variant}"), new(load, to, 3), "ns");
            }
        }
    }
    if wanted.row("kernel-established-random") {
        print("kernel-established-random", random(), "ns");
    }
    for (row, ipv6) in [("kernel-new-v4", false), ("kernel-new-v6", true)] {
        if wanted.row(row) {
            let by_prefix = new(FULL, in_prefix(ipv6), 1);
            print(&format!("{row}/full-maps-by-prefix"), by_prefix, "ns");
        }
    }
}

fn established(load: Load, ipv6: bool) -> f64 {
    let mut node = Node::new(load);
    let packet = tcp(
        client(ipv6, 40_000),
        server(load.servers / 2 + 1, ipv6),
        ACK,
    );
    let verdict = node.datapath.run(Probe::FromEndpoint, &packet, None, 1);
    assert_eq!(verdict.expect("runs").0, -1, "the packet must pass");
    let empty = node.run(Probe::Empty, &packet, REPEAT);
    node.run(Probe::FromEndpoint, &packet, REPEAT) - empty
}

/// Connections in an order in which each is far from the one before.
fn random() -> f64 {
    let mut node = Node::new(ONE_SERVER);
    let packet = tcp(client(false, 1), server(1, false), ACK);
    node.vary(Probe::FromEndpoint, &packet, CONNECTIONS);
    node.drain();
    let repeat = CONNECTIONS * 8;
    let mut best = |probe| smallest([(); 5].map(|()| node.vary(probe, &packet, repeat)));
    let empty = best(Probe::Empty);
    best(Probe::FromEndpoint) - empty
}

/// Every run is the first packet of a connection. The ring holds all the events, so that only the first wakes a reader.
/// The best of so many fresh datapaths.
fn new(load: Load, to: SocketAddr, times: u32) -> f64 {
    smallest((0..times).map(|_| {
        let mut node = Node::new(load);
        let packet = tcp(client(to.is_ipv6(), 1), to, SYN);
        let empty = node.vary(Probe::Empty, &packet, CONNECTIONS);
        let full = node.vary(Probe::FromEndpoint, &packet, CONNECTIONS);
        let counters = &node.datapath.counters;
        let created = counters.sum(Counter::ConnectionsCreated);
        assert_eq!(created, u64::from(CONNECTIONS), "every run makes one");
        let lost = counters.sum(Counter::ReserveFailed);
        assert_eq!(lost, 0, "every event is told");
        full - empty
    }))
}
