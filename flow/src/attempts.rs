//! Of which new connections, or attempts at one, a flow tells: each counts once at every hook that judged it.
//!
//! A policy verdict tells of one. What is dropped beyond the bound of drop events has no verdict of its own: the next drop
//! event, or a summary, brings the number of those packets. Drops for other reasons than policy come without verdicts.

use bpf_events::record::{
    KIND_DROP, KIND_POLICY_VERDICT, MARK_REJUDGED, MARK_SUMMARY, REASON_POLICY_DENIED,
    REASON_POLICY_DENY, REPLY_YES, VERDICT_DROPPED,
};

use crate::row::FlowRow;

const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

/// Attempts that a row tells of.
#[must_use]
pub fn attempts(row: &FlowRow) -> u64 {
    match row.kind {
        // A connection that was judged again, and passes still, is not a new one.
        KIND_POLICY_VERDICT if row.marks & MARK_REJUDGED != 0 && row.verdict != VERDICT_DROPPED => {
            0
        }
        KIND_POLICY_VERDICT => 1,
        KIND_DROP => {
            let has_verdict = matches!(row.reason, REASON_POLICY_DENIED | REASON_POLICY_DENY)
                && row.marks & MARK_SUMMARY == 0;
            u64::from(row.packets).saturating_sub(has_verdict.into())
        }
        _ => 0,
    }
}

/// Attempts that a flow of a server without details tells of.
#[must_use]
pub fn attempts_of_message(flow: &proto::flow::Flow) -> u64 {
    let kind = flow.event_type.as_ref().map_or(0, |event| event.r#type);
    let reason = flow.drop_reason_desc;
    let by_policy = [REASON_POLICY_DENIED, REASON_POLICY_DENY].map(i32::from);
    let counted = kind == i32::from(KIND_POLICY_VERDICT)
        || (kind == i32::from(KIND_DROP) && !by_policy.contains(&reason));
    counted.into()
}

/// Whether the packet went from who answers to who asked.
#[must_use]
pub fn is_answer(row: &FlowRow) -> bool {
    row.reply == REPLY_YES
}

/// The port that the connection is to; the type for ICMP.
#[must_use]
pub fn service_port(row: &FlowRow) -> u16 {
    match row.protocol {
        ICMP | ICMP_V6 => row.icmp_type.into(),
        _ if is_answer(row) => row.source_port,
        _ => row.destination_port,
    }
}

#[cfg(test)]
mod tests {
    use bpf_events::record::{KIND_TRACE, REASON_INVALID_SOURCE_IP, VERDICT_FORWARDED};

    use super::*;

    #[test]
    fn every_attempt_is_told_once() {
        let drop = |reason, packets, marks| FlowRow {
            kind: KIND_DROP,
            verdict: VERDICT_DROPPED,
            reason,
            packets,
            marks,
            ..FlowRow::default()
        };
        let verdict = |verdict, marks| FlowRow {
            kind: KIND_POLICY_VERDICT,
            verdict,
            marks,
            ..FlowRow::default()
        };
        let trace = FlowRow {
            kind: KIND_TRACE,
            packets: 9,
            ..FlowRow::default()
        };
        for (row, expect) in [
            (verdict(VERDICT_FORWARDED, 0), 1),
            (verdict(VERDICT_DROPPED, 0), 1),
            (verdict(VERDICT_FORWARDED, MARK_REJUDGED), 0),
            (verdict(VERDICT_DROPPED, MARK_REJUDGED), 1),
            // Its verdict has told of it.
            (drop(REASON_POLICY_DENIED, 1, 0), 0),
            (drop(REASON_POLICY_DENY, 5, 0), 4),
            (drop(REASON_POLICY_DENIED, 5, MARK_SUMMARY), 5),
            (drop(REASON_INVALID_SOURCE_IP, 1, 0), 1),
            (trace, 0),
        ] {
            assert_eq!(attempts(&row), expect, "{row:?}");
        }
    }

    #[test]
    fn the_port_is_that_of_who_answers() {
        let row = |protocol, reply| FlowRow {
            protocol,
            reply,
            source_port: 4_000,
            destination_port: 80,
            icmp_type: 8,
            ..FlowRow::default()
        };
        assert_eq!(service_port(&row(6, 0)), 80);
        assert_eq!(service_port(&row(6, REPLY_YES)), 4_000);
        assert_eq!(service_port(&row(1, 0)), 8);
    }
}
