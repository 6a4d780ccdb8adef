//! The flow that is explained: both ends with all labels, and what happened.

use proto::flow::{Endpoint, Flow, TrafficDirection};
use proto::tycho::v1::GetFlowsResponse;

use crate::clock::format::TimeFormat;
use crate::output::facts::Facts;
use crate::output::{ends, flow_type, summary};

/// Adds the flow's facts.
pub(super) fn add(facts: &mut Facts, response: &GetFlowsResponse, flow: &Flow) {
    facts.add("Flow", &flow.uuid);
    facts.add(
        "Time",
        TimeFormat::Rfc3339Milli.write(response.time.as_ref().or(flow.time.as_ref())),
    );
    facts.add("Node", &response.node_name);
    let (named, addressed) = (ends::plain(flow, true), ends::plain(flow, false));
    for (name, host, address, endpoint) in [
        ("From", named.0, addressed.0, flow.source.as_ref()),
        ("To", named.1, addressed.1, flow.destination.as_ref()),
    ] {
        facts.add_all(
            name,
            end(&host.host, &address.host, &host.identity, endpoint),
        );
    }
    facts.add("What", what(flow));
}

fn end(host: &str, address: &str, identity: &str, endpoint: Option<&Endpoint>) -> Vec<String> {
    let mut first = host.to_owned();
    if host != address {
        first.push_str(&format!(" at {address}"));
    }
    first.push_str(&format!(" {identity}"));
    let labels = endpoint.map(|endpoint| endpoint.labels.as_slice());
    let labels = labels.unwrap_or_default().iter();
    std::iter::once(first)
        .chain(labels.map(|label| format!("  {label}")))
        .collect()
}

fn what(flow: &Flow) -> String {
    let mut what = vec![flow_type::text(flow)];
    // The text of a policy verdict has its direction.
    let of_verdict = flow_type::number(flow) == flow_type::POLICY_VERDICT;
    match flow.traffic_direction() {
        TrafficDirection::Ingress if !of_verdict => what.push("ingress".to_owned()),
        TrafficDirection::Egress if !of_verdict => what.push("egress".to_owned()),
        _ => {}
    }
    if flow.is_reply == Some(true) {
        what.push("a reply".to_owned());
    }
    let summary = summary::plain(flow);
    if !summary.is_empty() {
        what.push(summary);
    }
    what.join(", ")
}
