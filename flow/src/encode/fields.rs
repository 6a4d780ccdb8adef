//! Every field of `flow.Flow` that a row can fill.

use bpf_events::record::{
    DIRECTION_EGRESS, DIRECTION_INGRESS, KIND_DROP, KIND_POLICY_VERDICT, KIND_TRACE,
    POINT_TO_ENDPOINT, REPLY_NO, REPLY_YES, VERDICT_DROPPED, VERDICT_FORWARDED,
};

use super::TimeField;
use super::head::Head;
use super::layer4::{put_layer4, put_summary};
use crate::encode::address::{put_ip, put_mac};
use crate::interfaces::InterfaceNames;
use crate::mask::{Keep, Mask};
use crate::row::FlowRow;
use crate::rules::{Rule, RuleAction};
use crate::wire::{BYTES, VARINT, next_field, put_bytes, put_message, put_number, put_varint, tag};

pub(super) const SOURCE_NUMBER: u32 = 8;
pub(super) const DESTINATION_NUMBER: u32 = 9;

/// A field that is filled, as a place in the plan.
#[derive(Debug, Clone, Copy)]
enum Filled {
    Time,
    Verdict,
    DropReason,
    Ethernet,
    Ip,
    Layer4,
    FlowType,
    NodeName,
    Reply,
    EventType,
    TrafficDirection,
    PolicyMatchType,
    TraceObservationPoint,
    DropReasonDesc,
    IsReply,
    Interface,
    Uuid,
    TraceReason,
    EgressAllowedBy,
    IngressAllowedBy,
    EgressDeniedBy,
    IngressDeniedBy,
    Summary,
}

/// Field numbers in the order of [`Filled`].
const NUMBERS: [u32; 23] = [
    1, 2, 3, 4, 5, 6, 10, 11, 16, 19, 22, 23, 24, 25, 26, 28, 34, 36, 21001, 21002, 21004, 21005,
    100_000,
];

/// For each filled field, what the client's mask keeps of it.
#[derive(Debug)]
pub(super) struct FieldPlan {
    keeps: [Keep; NUMBERS.len()],
}

/// Where the fields of a flow are written before their place is known, and what it takes to prune them.
#[derive(Debug)]
pub struct Pen {
    pub(super) head: Head,
    part: Head,
    pruned: Vec<u8>,
    events: Box<[EventForm]>,
}

/// The fields of one kind of event, ready to copy. Few kinds make up nearly all events.
#[derive(Debug, Clone)]
struct EventForm {
    key: u64,
    bytes: [u8; EVENT_BYTES],
    length: usize,
}

/// All fields of an event take at most 40 bytes.
const EVENT_BYTES: usize = 64;
const EVENT_FORMS: usize = 256;

impl Default for Pen {
    fn default() -> Self {
        // No event has a key of ones: its kind would be 255.
        let none = EventForm {
            key: u64::MAX,
            bytes: [0; EVENT_BYTES],
            length: 0,
        };
        Self {
            head: Head::new(),
            part: Head::new(),
            pruned: Vec::new(),
            events: vec![none; EVENT_FORMS].into(),
        }
    }
}

impl FieldPlan {
    pub(super) fn new(mask: &Mask) -> Self {
        Self {
            keeps: NUMBERS.map(|number| mask.keep(number)),
        }
    }

    /// Appends a field through the mask.
    #[inline]
    fn put(&self, field: Filled, pen: &mut Pen, write: impl FnOnce(&mut Head)) {
        match &self.keeps[field as usize] {
            Keep::Whole => write(&mut pen.head),
            Keep::Skip => {}
            Keep::Part(node) => {
                pen.part.clear();
                write(&mut pen.part);
                pen.pruned.clear();
                let mut rest = pen.part.as_slice();
                while let Some(field) = next_field(&mut rest) {
                    node.prune_field(&field, &mut pen.pruned);
                }
                pen.head.put_slice(&pen.pruned);
            }
        }
    }

    fn keeps(&self, field: Filled) -> bool {
        self.keeps[field as usize] != Keep::Skip
    }

    /// The fields that are the same in every flow.
    pub(super) fn constant_fields(&self, node_name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        if self.keeps(Filled::FlowType) {
            put_number(&mut out, tag::<1>(10, VARINT), 1);
        }
        if self.keeps(Filled::NodeName) {
            put_bytes(&mut out, tag::<1>(11, BYTES), node_name.as_bytes());
        }
        out
    }

    /// The short fields: packet, event and reference.
    pub(super) fn put_short(
        &self,
        reference: &[u8; 36],
        time: &TimeField,
        row: &FlowRow,
        pen: &mut Pen,
    ) {
        pen.head.clear();
        self.put(Filled::Time, pen, |out| time.put(out, tag::<1>(1, BYTES)));
        self.put(Filled::Ethernet, pen, |out| put_ethernet(out, row));
        self.put(Filled::Ip, pen, |out| put_network(out, row));
        self.put(Filled::Layer4, pen, |out| {
            put_layer4(out, tag(6, BYTES), row)
        });
        self.put_event(row, pen);
        self.put(Filled::Uuid, pen, |out| {
            out.put(tag::<2>(34, BYTES));
            out.put([36]);
            out.put(*reference);
        });
    }

    /// Appends the interface: its name has no short bound, so it does not go through the head.
    pub(super) fn put_interface(&self, row: &FlowRow, names: &InterfaceNames, out: &mut Vec<u8>) {
        let keep = &self.keeps[Filled::Interface as usize];
        if row.ifindex == 0 || *keep == Keep::Skip {
            return;
        }
        let put_number_alone =
            |out: &mut Vec<u8>| put_number(out, tag::<1>(1, VARINT), row.ifindex.into());
        put_message(out, tag::<2>(28, BYTES), |out| {
            match (names.bytes(row.ifindex), keep) {
                (Some(interface), Keep::Part(node)) => node.prune(interface, out),
                (Some(interface), _) => out.extend_from_slice(interface),
                (None, Keep::Part(node)) => {
                    let mut unnamed = Vec::new();
                    put_number_alone(&mut unnamed);
                    node.prune(&unnamed, out);
                }
                (None, _) => put_number_alone(out),
            }
        });
    }

    /// Appends the policy of the deciding rule; of a default deny, each that asks for it.
    pub(super) fn put_rule(&self, row: &FlowRow, rule: &Rule, out: &mut Vec<u8>) {
        if let Some((field, number)) = policy_field(row, rule.info().action)
            && self.keeps(field)
        {
            for policy in rule.policy_bytes() {
                put_policy(out, number, policy, row.policy_revision);
            }
        }
    }

    pub(super) fn put_summary(&self, row: &FlowRow, out: &mut Vec<u8>) {
        if self.keeps(Filled::Summary) {
            put_summary(out, row);
        }
    }

    /// What the hook says of the packet: written once per kind of event, then copied.
    fn put_event(&self, row: &FlowRow, pen: &mut Pen) {
        let key = event_key(row);
        // The upper bits of a product depend on all bits of the key.
        let place = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % EVENT_FORMS;
        if pen.events[place].key != key {
            let start = pen.head.as_slice().len();
            self.write_event(row, pen);
            let written = pen.head.as_slice().get(start..).unwrap_or_default();
            let mut bytes = [0; EVENT_BYTES];
            let length = written.len().min(EVENT_BYTES);
            bytes[..length].copy_from_slice(&written[..length]);
            pen.events[place] = EventForm { key, bytes, length };
            return;
        }
        let EventForm { bytes, length, .. } = &pen.events[place];
        pen.head.put_prefix(*bytes, *length);
    }

    fn write_event(&self, row: &FlowRow, pen: &mut Pen) {
        let reply = is_reply(row.kind, row.verdict, row.reply);
        let reason = if row.verdict == VERDICT_DROPPED {
            row.reason
        } else {
            0
        };
        let (point, trace_reason) = if row.kind == KIND_TRACE {
            (row.observation_point, row.trace_reason)
        } else {
            (0, 0)
        };
        let match_type = if row.kind == KIND_POLICY_VERDICT {
            row.match_type
        } else {
            0
        };
        self.put(Filled::Verdict, pen, |out| {
            out.put_number(tag::<1>(2, VARINT), row.verdict.into())
        });
        self.put(Filled::DropReason, pen, |out| {
            out.put_number(tag::<1>(3, VARINT), reason.into())
        });
        let mut number = |field, tag: [u8; 2], number: u8| {
            self.put(field, pen, |out| out.put_number(tag, number.into()))
        };
        number(
            Filled::Reply,
            tag(16, VARINT),
            u8::from(reply == Some(true)),
        );
        number(Filled::TrafficDirection, tag(22, VARINT), row.direction);
        number(Filled::PolicyMatchType, tag(23, VARINT), match_type);
        number(Filled::TraceObservationPoint, tag(24, VARINT), point);
        number(Filled::DropReasonDesc, tag(25, VARINT), reason);
        number(Filled::TraceReason, tag(36, VARINT), trace_reason);
        self.put(Filled::EventType, pen, |out| put_event_type(out, row));
        if let Some(reply) = reply {
            self.put(Filled::IsReply, pen, |out| {
                out.put_message(tag::<2>(26, BYTES), |out| {
                    out.put_number(tag::<1>(1, VARINT), reply.into())
                });
            });
        }
    }
}

/// All that the fields of an event depend on.
fn event_key(row: &FlowRow) -> u64 {
    u64::from_le_bytes([
        row.kind,
        row.verdict,
        row.reason,
        row.match_type,
        row.observation_point,
        row.trace_reason,
        row.direction,
        row.reply,
    ])
}

fn put_ethernet(out: &mut Head, row: &FlowRow) {
    if row.source_mac == [0; 6] && row.destination_mac == [0; 6] {
        return;
    }
    out.put_message(tag::<1>(4, BYTES), |out| {
        out.put([0x0a, 17]);
        put_mac(out, row.source_mac);
        out.put([0x12, 17]);
        put_mac(out, row.destination_mac);
    });
}

fn put_network(out: &mut Head, row: &FlowRow) {
    let Some(version) = row.ip_version() else {
        return;
    };
    let is_ipv6 = version == 6;
    out.put_message(tag::<1>(5, BYTES), |out| {
        out.put_message(tag::<1>(1, BYTES), |out| {
            put_ip(out, row.source_address, is_ipv6)
        });
        out.put_message(tag::<1>(2, BYTES), |out| {
            put_ip(out, row.destination_address, is_ipv6)
        });
        out.put_number(tag::<1>(3, VARINT), if is_ipv6 { 2 } else { 1 });
    });
}

/// Whether the packet goes against the opener: unset for what was dropped, since nobody answered.
pub(crate) fn is_reply(kind: u8, verdict: u8, reply: u8) -> Option<bool> {
    match reply {
        _ if verdict == VERDICT_DROPPED => None,
        REPLY_YES => Some(true),
        REPLY_NO => Some(false),
        // A policy verdict is about the packet that opens.
        _ => (kind == KIND_POLICY_VERDICT).then_some(false),
    }
}

/// The sub-type of Hubble's event type. "To endpoint" is 0 there, though the observation point is 101.
pub(crate) fn event_sub_type(kind: u8, reason: u8, observation_point: u8) -> u8 {
    match kind {
        KIND_DROP => reason,
        KIND_TRACE if observation_point != POINT_TO_ENDPOINT => observation_point,
        _ => 0,
    }
}

fn put_event_type(out: &mut Head, row: &FlowRow) {
    let sub_type = event_sub_type(row.kind, row.reason, row.observation_point);
    out.put_message(tag::<2>(19, BYTES), |out| {
        out.put_number(tag::<1>(1, VARINT), row.kind.into());
        out.put_number(tag::<1>(2, VARINT), sub_type.into());
    });
}

/// Under which field the deciding rule is named. Traces name none, as in Hubble; an audited flow names the rule that
/// would have denied it.
fn policy_field(row: &FlowRow, action: RuleAction) -> Option<(Filled, u32)> {
    let allowed = row.verdict == VERDICT_FORWARDED;
    match (row.kind, action) {
        (KIND_POLICY_VERDICT, RuleAction::Allow) if allowed => {}
        (KIND_POLICY_VERDICT | KIND_DROP, RuleAction::Deny) if !allowed => {}
        _ => return None,
    }
    match (row.direction, allowed) {
        (DIRECTION_EGRESS, true) => Some((Filled::EgressAllowedBy, 21001)),
        (DIRECTION_INGRESS, true) => Some((Filled::IngressAllowedBy, 21002)),
        (DIRECTION_EGRESS, false) => Some((Filled::EgressDeniedBy, 21004)),
        (DIRECTION_INGRESS, false) => Some((Filled::IngressDeniedBy, 21005)),
        _ => None,
    }
}

fn put_policy(out: &mut Vec<u8>, number: u32, policy: &[u8], revision: u32) {
    put_varint(out, u64::from(number << 3 | BYTES));
    put_message::<0>(out, [], |out| {
        out.extend_from_slice(policy);
        put_number(out, tag::<1>(4, VARINT), revision.into());
    });
}
