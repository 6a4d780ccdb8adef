//! Responses of nodes that have no rows (Hubble's), counted.

use flow::attempts::attempts_of_message;
use flow::edges::Labels;
use policy::LabelSet;
use prost::Message as _;
use proto::flow::{Endpoint, Flow, Layer4, TrafficDirection, Verdict, layer4};
use proto::observer::GetFlowsResponse;
use proto::observer::get_flows_response::ResponseTypes;
use proto::tycho::v1::{EdgeRule, PolicyName};

use super::cells::Cell;
use super::counts::DashboardCounts;
use super::identities::IdentityLabels;
use super::series::{End, SeriesKey, counts_at_hook};

/// Counts one response; what cannot be read was told as it is to whoever reads flows.
pub(super) fn count(
    counts: &mut DashboardCounts,
    identities: &IdentityLabels,
    time_ms: u64,
    response: &[u8],
    is_flow: bool,
) {
    let Ok(response) = GetFlowsResponse::decode(response) else {
        return;
    };
    match response.response_types {
        Some(ResponseTypes::LostEvents(lost)) if !is_flow => {
            counts.add_lost(&response.node_name, time_ms, lost.num_events_lost);
        }
        Some(ResponseTypes::Flow(flow)) => {
            let connections = attempts_of_message(&flow);
            if connections > 0 {
                let key = key(counts, identities, &response.node_name, &flow);
                let series = counts.series(key, time_ms);
                let cell = Cell {
                    connections,
                    ..Cell::default()
                };
                counts.add(series, time_ms, &cell);
            }
        }
        _ => {}
    }
}

fn key(
    counts: &mut DashboardCounts,
    identities: &IdentityLabels,
    node: &str,
    flow: &Flow,
) -> SeriesKey {
    let mut ends = [flow.source.as_ref(), flow.destination.as_ref()];
    let is_answer = flow.is_reply == Some(true);
    if is_answer {
        ends.reverse();
    }
    let managed = ends[1].is_some_and(|end| !end.pod_name.is_empty());
    let [source, destination] = ends.map(|end| label_set(counts, identities, end));
    let (protocol, port) = protocol_and_port(flow.l4.as_ref(), is_answer);
    let direction = flow.traffic_direction;
    let is_forwarded = flow.verdict == i32::from(Verdict::Forwarded);
    SeriesKey {
        source,
        destination,
        protocol,
        port,
        direction,
        verdict: flow.verdict,
        drop_reason: if is_forwarded {
            0
        } else {
            flow.drop_reason_desc
        },
        rule: rule(counts, flow),
        node: if is_forwarded {
            0
        } else {
            counts.tables.node(node)
        },
        counts: counts_at_hook(direction, flow.verdict, managed),
    }
}

fn label_set(
    counts: &mut DashboardCounts,
    identities: &IdentityLabels,
    end: Option<&Endpoint>,
) -> u32 {
    let Some(end) = end else {
        return counts.tables.label_set(&Labels::from([]));
    };
    let labels = match LabelSet::parse(&end.labels) {
        Ok(labels) => identities.relevant(&labels),
        Err(_) => end.labels.clone().into(),
    };
    let number = counts.tables.label_set(&labels);
    let workloads = end.workloads.iter();
    counts.tables.note(
        number,
        &End {
            namespace: end.namespace.clone(),
            workloads: workloads
                .map(|workload| format!("{}/{}", workload.kind, workload.name))
                .collect(),
            identity: end.identity,
        },
    );
    if !end.pod_name.is_empty() {
        counts.pods.note(&end.namespace, &end.pod_name);
    }
    number
}

fn protocol_and_port(l4: Option<&Layer4>, is_answer: bool) -> (u8, u16) {
    let port = |source: u32, destination: u32| {
        let port = if is_answer { source } else { destination };
        u16::try_from(port).unwrap_or(0)
    };
    let kind = |number: u32| u16::try_from(number).unwrap_or(0);
    match l4.and_then(|l4| l4.protocol.as_ref()) {
        Some(layer4::Protocol::Tcp(tcp)) => (6, port(tcp.source_port, tcp.destination_port)),
        Some(layer4::Protocol::Udp(udp)) => (17, port(udp.source_port, udp.destination_port)),
        Some(layer4::Protocol::Sctp(sctp)) => (132, port(sctp.source_port, sctp.destination_port)),
        Some(layer4::Protocol::IcmPv4(icmp)) => (1, kind(icmp.r#type)),
        Some(layer4::Protocol::IcmPv6(icmp)) => (58, kind(icmp.r#type)),
        _ => (0, 0),
    }
}

/// The first policy that the flow names; Hubble does not say which of its rules it was.
fn rule(counts: &mut DashboardCounts, flow: &Flow) -> u32 {
    let is_ingress = flow.traffic_direction == i32::from(TrafficDirection::Ingress);
    let is_drop = flow.verdict == i32::from(Verdict::Dropped);
    let (policies, section) = match (is_ingress, is_drop) {
        (true, false) => (&flow.ingress_allowed_by, "ingress"),
        (true, true) => (&flow.ingress_denied_by, "ingressDeny"),
        (false, false) => (&flow.egress_allowed_by, "egress"),
        (false, true) => (&flow.egress_denied_by, "egressDeny"),
    };
    let Some(policy) = policies.first() else {
        return 0;
    };
    let parts = [&*policy.kind, &*policy.namespace, &*policy.name];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    let description = format!("{} {section}", parts.collect::<Vec<_>>().join("/"));
    counts.tables.rule(&description, || EdgeRule {
        number: 0,
        policies: vec![PolicyName {
            kind: policy.kind.clone(),
            namespace: policy.namespace.clone(),
            name: policy.name.clone(),
        }],
        section: section.to_owned(),
        index: None,
        description: description.clone(),
    })
}
