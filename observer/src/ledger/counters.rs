//! The kernel's own counters as rows: packets and bytes by outcome, then connections and the rest.

use bpf_events::counters::{
    TOTAL_ALWAYS_PASSED, TOTAL_AUDIT, TOTAL_EGRESS, TOTAL_FORWARDED, TOTAL_NO_ENDPOINT,
    TOTAL_UNPARSED_PASSED,
};
use proto::flow::DropReason;
use proto::tycho::v1::CounterRow;

use super::reading::{ConnectionReading, KernelReading, Outcome};

pub(super) fn rows(kernel: &KernelReading) -> Vec<CounterRow> {
    let mut rows: Vec<CounterRow> = kernel.outcomes.iter().map(outcome).collect();
    rows.extend(connections(&kernel.connections));
    let others = kernel.counters.iter();
    rows.extend(others.map(|(name, count, meaning)| counter(name, *count, meaning)));
    rows
}

fn outcome(outcome: &Outcome) -> CounterRow {
    let hook = if outcome.code >= TOTAL_EGRESS {
        "egress"
    } else {
        "ingress"
    };
    let (name, meaning) = match outcome.code % TOTAL_EGRESS {
        TOTAL_FORWARDED => ("forwarded".to_owned(), "packets that passed"),
        TOTAL_AUDIT => (
            "audited".to_owned(),
            "packets that passed, but that enforcement would have dropped",
        ),
        TOTAL_ALWAYS_PASSED => (
            "always passed".to_owned(),
            "ARP, neighbour discovery, multicast listener discovery, DHCP",
        ),
        TOTAL_NO_ENDPOINT => (
            "no endpoint".to_owned(),
            "packets at an interface that no endpoint owns, passed",
        ),
        TOTAL_UNPARSED_PASSED => (
            "unparsed, passed".to_owned(),
            "packets that could not be parsed and passed because of the endpoint's mode",
        ),
        reason => (
            format!("dropped {}", reason_name(reason)),
            "packets that were dropped",
        ),
    };
    CounterRow {
        name: format!("{hook} {name}"),
        packets: outcome.packets,
        bytes: outcome.bytes,
        meaning: meaning.to_owned(),
    }
}

fn reason_name(reason: u32) -> String {
    let known = i32::try_from(reason)
        .ok()
        .and_then(|number| DropReason::try_from(number).ok());
    known.map_or_else(
        || format!("reason {reason}"),
        |reason| reason.as_str_name().to_owned(),
    )
}

fn connections(reading: &ConnectionReading) -> Vec<CounterRow> {
    let mut rows: Vec<CounterRow> = [
        (
            "connections at start",
            reading.at_start,
            "entries of connection tracking that this observer found",
        ),
        (
            "connections created",
            reading.created,
            "entries made since the start",
        ),
        (
            "connections replaced",
            reading.removed,
            "entries that gave way to a new connection of the same addresses and ports",
        ),
        (
            "connections expired",
            reading.expired,
            "entries whose lifetime was over",
        ),
        (
            "connections present",
            reading.present,
            "entries at the last sweep",
        ),
        (
            "connections evicted",
            reading.evicted,
            "entries that a full table pushed out",
        ),
    ]
    .into_iter()
    .map(|(name, count, meaning)| counter(name, count, meaning))
    .collect();
    rows.push(CounterRow {
        name: "untold at expiry".to_owned(),
        packets: reading.untold_packets,
        bytes: reading.untold_bytes,
        meaning: "packets of expired connections that no event told, because the ring was full"
            .to_owned(),
    });
    rows
}

/// A counter of things that have no bytes.
fn counter(name: &str, count: u64, meaning: &str) -> CounterRow {
    CounterRow {
        name: name.to_owned(),
        packets: count,
        bytes: 0,
        meaning: meaning.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_named_by_hook_and_reason() {
        for (code, expect) in [
            (1, "ingress forwarded"),
            (257, "egress forwarded"),
            (4, "ingress audited"),
            (133, "ingress dropped POLICY_DENIED"),
            (256 + 181, "egress dropped POLICY_DENY"),
            (256 + 77, "egress dropped reason 77"),
        ] {
            let named = outcome(&Outcome {
                code,
                packets: 1,
                bytes: 60,
            });
            assert_eq!((named.name.as_str(), named.bytes), (expect, 60));
        }
    }
}
