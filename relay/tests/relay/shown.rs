//! Answers in short, as the tests compare them.

use proto::flow::Flow;
use proto::observer::GetFlowsResponse;
use proto::observer::get_flows_response::ResponseTypes;
use proto::relay::NodeState;

/// The flows among some answers.
pub(crate) fn flows(answers: &[GetFlowsResponse]) -> impl Iterator<Item = &Flow> {
    answers
        .iter()
        .filter_map(|answer| match &answer.response_types {
            Some(ResponseTypes::Flow(flow)) => Some(flow),
            _ => None,
        })
}

pub(crate) fn source_port(flow: &Flow) -> u32 {
    use proto::flow::layer4::Protocol;
    match flow.l4.as_ref().and_then(|l4| l4.protocol.as_ref()) {
        Some(Protocol::Udp(udp)) => udp.source_port,
        _ => 0,
    }
}

pub(crate) fn time_ns(answer: &GetFlowsResponse) -> u64 {
    let time = answer.time.unwrap_or_default();
    u64::try_from(time.seconds).unwrap() * 1_000_000_000 + u64::try_from(time.nanos).unwrap()
}

/// `node:port` of a flow, `lost N`, or the state and the names of nodes.
pub(crate) fn show(answer: &GetFlowsResponse) -> String {
    match &answer.response_types {
        Some(ResponseTypes::Flow(flow)) => {
            let node = answer
                .node_name
                .strip_prefix("default/")
                .unwrap_or(&answer.node_name);
            format!("{node}:{}", source_port(flow))
        }
        Some(ResponseTypes::LostEvents(lost)) => format!("lost {}", lost.num_events_lost),
        Some(ResponseTypes::NodeStatus(status)) => {
            let state = match status.state_change() {
                NodeState::NodeConnected => "connected",
                NodeState::NodeUnavailable => "unavailable",
                NodeState::NodeGone => "gone",
                NodeState::NodeError => "error",
                NodeState::UnknownNodeState => "unknown",
            };
            let message = if status.message.is_empty() {
                String::new()
            } else {
                format!(" ({})", status.message)
            };
            format!("{state} {}{message}", status.node_names.join(","))
        }
        None => "nothing".to_owned(),
    }
}
