//! Makes one response of two: which end decided, and so which flow stays.

use proto::flow::{Flow, TrafficDirection, Verdict};
use proto::tycho::v1::get_flows_response::ResponseTypes;
use proto::tycho::v1::{GetFlowsResponse, OtherEnd};

use super::verdict::End;

/// The flow of the end that decided, with the other one in it; and which end it is of. Where both said the same, that is
/// the end where the packet arrived.
pub(super) fn both(egress: GetFlowsResponse, ingress: GetFlowsResponse) -> (End, GetFlowsResponse) {
    let decided_by = match (flow(&egress), flow(&ingress)) {
        (Some(egress), Some(ingress)) => decided_by(egress, ingress),
        _ => TrafficDirection::Unknown,
    };
    let (end, mut stays, other) = match decided_by {
        TrafficDirection::Egress => (End::Egress, egress, ingress),
        _ => (End::Ingress, ingress, egress),
    };
    let other = OtherEnd {
        flow: match other.response_types {
            Some(ResponseTypes::Flow(flow)) => Some(flow),
            _ => None,
        },
        node_name: other.node_name,
        time: other.time,
        tycho: other.tycho.map(Box::new),
        decided_by: decided_by.into(),
    };
    let details = stays.tycho.get_or_insert_default();
    details.other_end = Some(Box::new(other));
    (end, stays)
}

fn flow(response: &GetFlowsResponse) -> Option<&Flow> {
    match &response.response_types {
        Some(ResponseTypes::Flow(flow)) => Some(flow),
        _ => None,
    }
}

/// The stricter end; of two that are equally strict, the one that had a rule.
fn decided_by(egress: &Flow, ingress: &Flow) -> TrafficDirection {
    let weight = |flow: &Flow| (strictness(flow), u32::from(flow.policy_match_type != 0));
    match weight(egress).cmp(&weight(ingress)) {
        std::cmp::Ordering::Greater => TrafficDirection::Egress,
        std::cmp::Ordering::Less => TrafficDirection::Ingress,
        std::cmp::Ordering::Equal => TrafficDirection::Unknown,
    }
}

fn strictness(flow: &Flow) -> u8 {
    match flow.verdict() {
        Verdict::Dropped | Verdict::Error => 2,
        Verdict::Audit => 1,
        _ => 0,
    }
}
