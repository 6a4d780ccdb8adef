//! Makes one response of two: which end decided, and so which flow stays.

use proto::flow::{Flow, TrafficDirection, Verdict};
use proto::tycho::v1::get_flows_response::ResponseTypes;
use proto::tycho::v1::{GetFlowsResponse, OtherEnd};

use super::verdict::End;
use crate::output::verdict::has_rule;

/// The flow of the end that decided, with the other one in it; and which end it is of. Where both said the same, that is
/// the end where the packet arrived.
pub(super) fn both(egress: GetFlowsResponse, ingress: GetFlowsResponse) -> (End, GetFlowsResponse) {
    let decided_by = match (weight(&egress), weight(&ingress)) {
        (egress, ingress) if egress > ingress => TrafficDirection::Egress,
        (egress, ingress) if egress < ingress => TrafficDirection::Ingress,
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

/// The stricter end decides; of two that are equally strict, the one that had a rule.
fn weight(response: &GetFlowsResponse) -> (u8, bool) {
    match &response.response_types {
        Some(ResponseTypes::Flow(flow)) => {
            (strictness(flow), has_rule(flow, response.tycho.as_ref()))
        }
        _ => (0, false),
    }
}

fn strictness(flow: &Flow) -> u8 {
    match flow.verdict() {
        Verdict::Dropped | Verdict::Error => 2,
        Verdict::Audit => 1,
        _ => 0,
    }
}
