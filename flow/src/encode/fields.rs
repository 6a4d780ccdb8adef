//! Every field of `flow.Flow` that a row can fill.

use bpf_events::record::{
    DIRECTION_EGRESS, DIRECTION_INGRESS, KIND_DROP, KIND_POLICY_VERDICT, KIND_TRACE,
    POINT_TO_ENDPOINT, REPLY_NO, REPLY_YES, VERDICT_DROPPED, VERDICT_FORWARDED,
};

use super::layer4::{put_layer4, summary};
use super::{ResponseEncoder, put_time};
use crate::encode::address::{put_ip, put_mac};
use crate::interfaces::InterfaceNames;
use crate::mask::{Keep, Mask};
use crate::row::FlowRow;
use crate::rules::RuleAction;
use crate::wire::{BYTES, VARINT, next_field, put_bytes, put_message, put_number, put_varint, tag};

pub(super) const SOURCE_NUMBER: u32 = 8;
pub(super) const DESTINATION_NUMBER: u32 = 9;
pub(super) const NODE_NAME: [u8; 1] = tag(11, BYTES);

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

impl FieldPlan {
    pub(super) fn new(mask: &Mask) -> Self {
        Self {
            keeps: NUMBERS.map(|number| mask.keep(number)),
        }
    }

    /// Appends a field through the mask.
    #[inline]
    fn put(
        &self,
        field: Filled,
        out: &mut Vec<u8>,
        scratch: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        match &self.keeps[field as usize] {
            Keep::Whole => write(out),
            Keep::Skip => {}
            Keep::Part(node) => {
                scratch.clear();
                write(scratch);
                let mut rest = scratch.as_slice();
                while let Some(field) = next_field(&mut rest) {
                    node.prune_field(&field, out);
                }
            }
        }
    }
}

impl ResponseEncoder {
    /// Appends the fields of one flow.
    pub(super) fn put_flow(&mut self, reference: &[u8; 36], row: &FlowRow, out: &mut Vec<u8>) {
        self.plan.put_packet(row, out, &mut self.scratch);
        let versions = &self.views.metadata;
        let (metadata, identity) = (row.source_metadata, row.source_identity);
        self.source
            .put(out, tag(SOURCE_NUMBER, BYTES), versions, metadata, identity);
        let (metadata, identity) = (row.destination_metadata, row.destination_identity);
        self.destination.put(
            out,
            tag(DESTINATION_NUMBER, BYTES),
            versions,
            metadata,
            identity,
        );
        let scratch = &mut self.scratch;
        self.plan.put(Filled::FlowType, out, scratch, |out| {
            put_number(out, tag::<1>(10, VARINT), 1)
        });
        self.plan.put(Filled::NodeName, out, scratch, |out| {
            out.extend_from_slice(&self.flow_node_name)
        });
        self.plan.put_event(row, out, scratch);
        self.plan
            .put_interface(row, &self.views.interfaces, out, scratch);
        self.plan.put(Filled::Uuid, out, scratch, |out| {
            put_bytes(out, tag::<2>(34, BYTES), reference)
        });
        if let Some(rule) = self.views.rules.get(row.rule)
            && let Some((field, number)) = policy_field(row, rule.info().action)
        {
            self.plan.put(field, out, scratch, |out| {
                put_policy(out, number, rule.policy_bytes(), row.policy_revision);
            });
        }
        self.plan.put(Filled::Summary, out, scratch, |out| {
            put_bytes(out, tag::<3>(100_000, BYTES), summary(row).as_bytes());
        });
    }
}

impl FieldPlan {
    /// What the packet says of itself.
    fn put_packet(&self, row: &FlowRow, out: &mut Vec<u8>, scratch: &mut Vec<u8>) {
        let reason = drop_reason(row);
        self.put(Filled::Time, out, scratch, |out| {
            put_time(out, tag::<1>(1, BYTES), row.time_ns)
        });
        self.put(Filled::Verdict, out, scratch, |out| {
            put_number(out, tag::<1>(2, VARINT), row.verdict.into())
        });
        self.put(Filled::DropReason, out, scratch, |out| {
            put_number(out, tag::<1>(3, VARINT), reason)
        });
        self.put(Filled::Ethernet, out, scratch, |out| put_ethernet(out, row));
        self.put(Filled::Ip, out, scratch, |out| put_network(out, row));
        self.put(Filled::Layer4, out, scratch, |out| {
            put_layer4(out, tag(6, BYTES), row)
        });
    }

    /// What the hook says of the packet.
    fn put_event(&self, row: &FlowRow, out: &mut Vec<u8>, scratch: &mut Vec<u8>) {
        let mut number = |field, tag: [u8; 2], number| {
            self.put(field, out, scratch, |out| put_number(out, tag, number))
        };
        let reply = is_reply(row.kind, row.verdict, row.reply);
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
        number(Filled::Reply, tag(16, VARINT), (reply == Some(true)).into());
        number(
            Filled::TrafficDirection,
            tag(22, VARINT),
            row.direction.into(),
        );
        number(Filled::PolicyMatchType, tag(23, VARINT), match_type.into());
        number(Filled::TraceObservationPoint, tag(24, VARINT), point.into());
        number(Filled::DropReasonDesc, tag(25, VARINT), drop_reason(row));
        number(Filled::TraceReason, tag(36, VARINT), trace_reason.into());
        self.put(Filled::EventType, out, scratch, |out| {
            put_event_type(out, row)
        });
        self.put(Filled::IsReply, out, scratch, |out| {
            put_is_reply(out, reply)
        });
    }

    fn put_interface(
        &self,
        row: &FlowRow,
        names: &InterfaceNames,
        out: &mut Vec<u8>,
        scratch: &mut Vec<u8>,
    ) {
        if row.ifindex == 0 {
            return;
        }
        self.put(Filled::Interface, out, scratch, |out| {
            match names.bytes(row.ifindex) {
                Some(interface) => put_bytes(out, tag::<2>(28, BYTES), interface),
                None => put_message(out, tag::<2>(28, BYTES), |out| {
                    put_number(out, tag::<1>(1, VARINT), row.ifindex.into());
                }),
            }
        });
    }
}

/// An audited flow has a reason in its record, but was not dropped.
fn drop_reason(row: &FlowRow) -> u64 {
    if row.verdict == VERDICT_DROPPED {
        row.reason.into()
    } else {
        0
    }
}

fn put_ethernet(out: &mut Vec<u8>, row: &FlowRow) {
    if row.source_mac == [0; 6] && row.destination_mac == [0; 6] {
        return;
    }
    out.extend_from_slice(&tag::<1>(4, BYTES));
    out.extend_from_slice(&[38, 0x0a, 17]);
    put_mac(out, row.source_mac);
    out.extend_from_slice(&[0x12, 17]);
    put_mac(out, row.destination_mac);
}

fn put_network(out: &mut Vec<u8>, row: &FlowRow) {
    let Some(version) = row.ip_version() else {
        return;
    };
    let is_ipv6 = version == 6;
    put_message(out, tag::<1>(5, BYTES), |out| {
        put_message(out, tag::<1>(1, BYTES), |out| {
            put_ip(out, row.source_address, is_ipv6)
        });
        put_message(out, tag::<1>(2, BYTES), |out| {
            put_ip(out, row.destination_address, is_ipv6)
        });
        put_number(out, tag::<1>(3, VARINT), if is_ipv6 { 2 } else { 1 });
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

fn put_is_reply(out: &mut Vec<u8>, reply: Option<bool>) {
    if let Some(reply) = reply {
        put_message(out, tag::<2>(26, BYTES), |out| {
            put_number(out, tag::<1>(1, VARINT), reply.into())
        });
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

fn put_event_type(out: &mut Vec<u8>, row: &FlowRow) {
    let sub_type = event_sub_type(row.kind, row.reason, row.observation_point);
    put_message(out, tag::<2>(19, BYTES), |out| {
        put_number(out, tag::<1>(1, VARINT), row.kind.into());
        put_number(out, tag::<1>(2, VARINT), sub_type.into());
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
