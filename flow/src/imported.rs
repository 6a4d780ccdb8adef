//! Responses of other servers, which travel as their bytes: what must be known of them is read off, nothing is decoded.

use crate::mask::Mask;
use crate::wire::{BYTES, VARINT, next_field, put_bytes, tag};

/// What a `GetFlowsResponse` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseKind {
    /// A flow.
    Flow,
    /// News of nodes.
    NodeStatus,
    /// A loss.
    Lost,
    /// Nothing that is known.
    Unknown,
}

/// What is read off a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// What it holds.
    pub kind: ResponseKind,
    /// When it was observed, nanoseconds since 1970; `None` if it does not say.
    pub time_ns: Option<u64>,
}

const FLOW: u32 = 1;
const NODE_STATUS: u32 = 2;
const LOST_EVENTS: u32 = 3;
const TIME: u32 = 1001;
/// `flow.Flow.time`.
const FLOW_TIME: u32 = 1;

/// Reads off an encoded `observer.GetFlowsResponse`.
#[must_use]
pub fn scan(response: &[u8]) -> Scanned {
    let mut rest = response;
    let mut scanned = Scanned {
        kind: ResponseKind::Unknown,
        time_ns: None,
    };
    let mut flow = None;
    while let Some(field) = next_field(&mut rest) {
        match (field.number, field.wire_type) {
            (FLOW, BYTES) => {
                scanned.kind = ResponseKind::Flow;
                flow = Some(field.value);
            }
            (NODE_STATUS, BYTES) => scanned.kind = ResponseKind::NodeStatus,
            (LOST_EVENTS, BYTES) => scanned.kind = ResponseKind::Lost,
            (TIME, BYTES) => scanned.time_ns = time_ns(field.value),
            _ => {}
        }
    }
    if scanned.time_ns.is_none()
        && let Some(mut flow) = flow
    {
        while let Some(field) = next_field(&mut flow) {
            if field.number == FLOW_TIME && field.wire_type == BYTES {
                scanned.time_ns = time_ns(field.value);
                break;
            }
        }
    }
    scanned
}

/// Appends a response with only those fields of its flow that a mask keeps.
pub fn prune(response: &[u8], mask: &Mask, out: &mut Vec<u8>) {
    let mut rest = response;
    while let Some(field) = next_field(&mut rest) {
        if field.number == FLOW && field.wire_type == BYTES {
            let mut kept = Vec::with_capacity(field.value.len());
            mask.prune(field.value, &mut kept);
            put_bytes(out, tag::<1>(FLOW, BYTES), &kept);
        } else {
            out.extend_from_slice(field.whole);
        }
    }
}

/// A `google.protobuf.Timestamp`.
fn time_ns(mut timestamp: &[u8]) -> Option<u64> {
    let (mut seconds, mut nanos) = (0, 0);
    while let Some(field) = next_field(&mut timestamp) {
        if field.wire_type == VARINT {
            let number = varint(field.value);
            match field.number {
                1 => seconds = number,
                2 => nanos = number,
                _ => {}
            }
        }
    }
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

fn varint(bytes: &[u8]) -> u64 {
    let parts = bytes.iter().zip((0..64).step_by(7));
    parts.fold(0, |number, (byte, shift)| {
        number | u64::from(byte & 0x7f) << shift
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;
    use prost_types::{FieldMask, Timestamp};
    use proto::flow::{Flow, LostEvent};
    use proto::observer::GetFlowsResponse;
    use proto::observer::get_flows_response::ResponseTypes;
    use proto::relay::NodeStatusEvent;

    fn response(types: ResponseTypes, time: Option<Timestamp>) -> Vec<u8> {
        let response = GetFlowsResponse {
            response_types: Some(types),
            node_name: "default/a".to_owned(),
            time,
        };
        response.encode_to_vec()
    }

    fn flow() -> Flow {
        Flow {
            time: Some(Timestamp {
                seconds: 3,
                nanos: 4,
            }),
            node_name: "a".to_owned(),
            uuid: "u".to_owned(),
            ..Flow::default()
        }
    }

    #[test]
    fn kinds_and_times() {
        let time = Some(Timestamp {
            seconds: 1_700_000_000,
            nanos: 999_999_999,
        });
        let check = |types, time, kind, time_ns| {
            let scanned = scan(&response(types, time));
            assert_eq!((scanned.kind, scanned.time_ns), (kind, time_ns));
        };
        let full = Some(1_700_000_000_999_999_999);
        check(ResponseTypes::Flow(flow()), time, ResponseKind::Flow, full);
        check(
            ResponseTypes::Flow(flow()),
            None,
            ResponseKind::Flow,
            Some(3_000_000_004),
        );
        let lost = ResponseTypes::LostEvents(LostEvent::default());
        check(lost, None, ResponseKind::Lost, None);
        let status = ResponseTypes::NodeStatus(NodeStatusEvent::default());
        check(status, time, ResponseKind::NodeStatus, full);
        assert_eq!(scan(&[0xff, 0xff]).kind, ResponseKind::Unknown);
    }

    #[test]
    fn pruning_keeps_what_the_mask_does() {
        let mask = Mask::compile(&FieldMask {
            paths: vec!["uuid".to_owned()],
        })
        .unwrap();
        let mut out = Vec::new();
        prune(
            &response(ResponseTypes::Flow(flow()), flow().time),
            &mask,
            &mut out,
        );
        let pruned = GetFlowsResponse::decode(out.as_slice()).unwrap();
        let kept = Flow {
            uuid: "u".to_owned(),
            ..Flow::default()
        };
        assert_eq!(pruned.response_types, Some(ResponseTypes::Flow(kept)));
        assert_eq!(
            (pruned.node_name.as_str(), pruned.time),
            ("default/a", flow().time)
        );
    }
}
