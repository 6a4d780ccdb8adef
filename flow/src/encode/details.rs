//! `tycho.v1.FlowDetails`: what `flow.Flow` has no room for.

use bpf_events::record::{MARK_FRAGMENT, MARK_MIDSTREAM, MARK_REJUDGED, MARK_SUMMARY, MARK_VLAN};

use crate::row::FlowRow;
use crate::rules::RuleInfo;
use crate::wire::{BYTES, VARINT, put_bytes, put_long_message, put_number, tag};

const RESPONSE_DETAILS: [u8; 2] = tag(2000, BYTES);

/// Appends the field `tycho` of `tycho.v1.GetFlowsResponse`.
pub(super) fn put_details(
    out: &mut Vec<u8>,
    row: &FlowRow,
    rule: Option<&RuleInfo>,
    reference: &[u8; 36],
) {
    let marked = |mark: u8| u64::from(row.marks & mark != 0);
    put_long_message(out, RESPONSE_DETAILS, |out| {
        put_number(out, tag::<1>(1, VARINT), row.packets.into());
        put_number(out, tag::<1>(2, VARINT), row.bytes);
        put_number(out, tag::<1>(3, VARINT), row.rule.into());
        if let Some(rule) = rule {
            put_number(
                out,
                tag::<1>(4, VARINT),
                rule.index.map_or(0, |index| u64::from(index) + 1),
            );
            if !rule.description.is_empty() {
                put_bytes(out, tag::<1>(5, BYTES), rule.description.as_bytes());
            }
        }
        put_number(out, tag::<1>(6, VARINT), row.edge_slot.into());
        put_number(out, tag::<1>(7, VARINT), row.source_metadata.into());
        put_number(out, tag::<1>(8, VARINT), row.destination_metadata.into());
        let vlan = if marked(MARK_VLAN) == 1 { row.vlan } else { 0 };
        put_number(out, tag::<1>(9, VARINT), vlan.into());
        put_number(out, tag::<1>(10, VARINT), marked(MARK_FRAGMENT));
        put_number(out, tag::<1>(11, VARINT), marked(MARK_MIDSTREAM));
        put_number(out, tag::<1>(12, VARINT), marked(MARK_SUMMARY));
        put_number(out, tag::<1>(13, VARINT), marked(MARK_REJUDGED));
        put_number(out, tag::<1>(14, VARINT), row.ifindex.into());
        put_number(out, tag::<1>(15, VARINT), row.cpu.into());
        put_number(out, tag::<2>(16, VARINT), row.record_sequence.into());
        put_bytes(out, tag::<2>(17, BYTES), reference);
        put_number(out, tag::<2>(18, VARINT), row.endpoint.into());
        put_number(out, tag::<2>(19, VARINT), row.tcp_flags.into());
    });
}
