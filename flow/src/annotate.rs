//! From a checked record to a row: the clock is the only thing added, everything else was decided in the kernel.

use bpf_events::record::{KIND_LOST, MARK_NO_IP, Record};

use crate::clock::Clock;
use crate::row::FlowRow;

/// The row of a record, in wall time.
#[must_use]
pub fn annotate(record: &Record, clock: &Clock) -> FlowRow {
    // A loss carries the time of its last record where a flow carries its bytes.
    let bytes = if record.kind == KIND_LOST {
        clock.wall_ns(record.bytes)
    } else {
        record.bytes
    };
    // Without an IP header there is no protocol: then no filter need look at the marks.
    let protocol = if record.marks & MARK_NO_IP == 0 {
        record.protocol
    } else {
        0
    };
    FlowRow {
        time_ns: clock.wall_ns(record.time_ns),
        bytes,
        source_address: record.source_address,
        destination_address: record.destination_address,
        packets: record.packets,
        record_sequence: record.sequence,
        source_identity: record.source_identity,
        destination_identity: record.destination_identity,
        source_metadata: record.source_metadata,
        destination_metadata: record.destination_metadata,
        rule: record.rule,
        policy_revision: record.policy_revision,
        ifindex: record.ifindex,
        length: record.length,
        edge_slot: record.edge_slot,
        endpoint: record.endpoint,
        cpu: record.cpu,
        source_port: record.source_port,
        destination_port: record.destination_port,
        vlan: record.vlan,
        source_mac: record.source_mac,
        destination_mac: record.destination_mac,
        kind: record.kind,
        verdict: record.verdict,
        reason: record.reason,
        protocol,
        tcp_flags: record.tcp_flags,
        match_type: record.match_type,
        observation_point: record.observation_point,
        trace_reason: record.trace_reason,
        icmp_type: record.icmp_type,
        icmp_code: record.icmp_code,
        direction: record.direction,
        reply: record.reply,
        marks: record.marks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bpf_events::record::{KIND_TRACE, LOST_QUEUE};
    use zerocopy::FromZeros;

    #[test]
    fn a_flow_keeps_its_bytes_and_a_loss_its_last_time() {
        let clock = Clock::from_offset_ns(1_000);
        let check = |kind, expect_bytes| {
            let record = Record {
                time_ns: 5,
                bytes: 9,
                kind,
                reason: LOST_QUEUE,
                ..Record::new_zeroed()
            };
            let row = annotate(&record, &clock);
            assert_eq!(
                (row.time_ns, row.bytes, row.reason),
                (1_005, expect_bytes, LOST_QUEUE)
            );
        };
        check(KIND_TRACE, 9);
        check(KIND_LOST, 1_009);
    }
}
