//! `tycho.v1.FlowDetails`: what `flow.Flow` has no room for.

use bpf_events::record::{MARK_FRAGMENT, MARK_MIDSTREAM, MARK_REJUDGED, MARK_SUMMARY, MARK_VLAN};

use super::head::Head;
use crate::row::FlowRow;
use crate::rules::RuleInfo;
use crate::wire::{BYTES, VARINT, put_bytes, put_long_message, tag};

const RESPONSE_DETAILS: [u8; 2] = tag(2000, BYTES);

/// Appends the field `tycho` of `tycho.v1.GetFlowsResponse`; `head` is only room to write in.
pub(super) fn put_details(
    out: &mut Vec<u8>,
    head: &mut Head,
    row: &FlowRow,
    rule: Option<&RuleInfo>,
    reference: &[u8; 36],
) {
    let marked = |mark: u8| u64::from(row.marks & mark != 0);
    let rule_index = rule
        .and_then(|rule| rule.index)
        .map_or(0, |index| u64::from(index) + 1);
    let vlan = if marked(MARK_VLAN) == 1 { row.vlan } else { 0 };
    head.clear();
    let mut number = |number: u32, value: u64| {
        if number < 16 {
            head.put_number(tag1(number), value);
        } else {
            head.put_number(tag2(number), value);
        }
    };
    number(1, row.packets.into());
    number(2, row.bytes);
    number(3, row.rule.into());
    number(4, rule_index);
    number(6, row.edge_slot.into());
    number(7, row.source_metadata.into());
    number(8, row.destination_metadata.into());
    number(9, vlan.into());
    number(10, marked(MARK_FRAGMENT));
    number(11, marked(MARK_MIDSTREAM));
    number(12, marked(MARK_SUMMARY));
    number(13, marked(MARK_REJUDGED));
    number(14, row.ifindex.into());
    number(15, row.cpu.into());
    number(16, row.record_sequence.into());
    number(18, row.endpoint.into());
    number(19, row.tcp_flags.into());
    head.put(tag::<2>(17, BYTES));
    head.put([36]);
    head.put(*reference);
    put_long_message(out, RESPONSE_DETAILS, |out| {
        out.extend_from_slice(head.as_slice());
        if let Some(rule) = rule.filter(|rule| !rule.description.is_empty()) {
            put_bytes(out, tag::<1>(5, BYTES), rule.description.as_bytes());
        }
    });
}

/// The tag of a number whose field number is below 16.
#[inline(always)]
fn tag1(number: u32) -> [u8; 1] {
    tag(number, VARINT)
}

#[inline(always)]
fn tag2(number: u32) -> [u8; 2] {
    tag(number, VARINT)
}
