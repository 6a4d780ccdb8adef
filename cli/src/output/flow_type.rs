//! The TYPE column: what kind of event a flow is.

use proto::flow::{
    DebugCapturePoint, Flow, L7FlowType, SocketTranslationPoint, TrafficDirection, layer7,
};

use super::drop_reason;

/// Number of a drop in `event_type.type`.
const DROP: i32 = 1;
const CAPTURE: i32 = 3;
const TRACE: i32 = 4;
/// Number of a policy verdict.
pub(crate) const POLICY_VERDICT: i32 = 5;
const TRACE_SOCK: i32 = 7;

/// Points on a packet's way, as sub-types of a trace.
pub(crate) const OBSERVATION_POINTS: [(&str, i32); 14] = [
    ("to-endpoint", 0),
    ("to-proxy", 1),
    ("to-host", 2),
    ("to-stack", 3),
    ("to-overlay", 4),
    ("from-endpoint", 5),
    ("from-proxy", 6),
    ("from-host", 7),
    ("from-stack", 8),
    ("from-overlay", 9),
    ("from-network", 10),
    ("to-network", 11),
    ("from-crypto", 12),
    ("to-crypto", 13),
];

const MATCH_TYPES: [&str; 7] = [
    "none",
    "L3-Only",
    "L3-L4",
    "L4-Only",
    "all",
    "L3-Proto",
    "Proto-Only",
];

/// The number of the event's type.
pub(crate) fn number(flow: &Flow) -> i32 {
    flow.event_type
        .as_ref()
        .map(|event_type| event_type.r#type)
        .unwrap_or_default()
}

/// The kind of event in words.
pub(crate) fn text(flow: &Flow) -> String {
    if let Some(l7) = &flow.l7 {
        return l7_text(l7);
    }
    let sub_type = flow
        .event_type
        .as_ref()
        .map(|event_type| event_type.sub_type)
        .unwrap_or_default();
    match number(flow) {
        DROP => drop_reason::text(u32::try_from(sub_type).unwrap_or_default()),
        TRACE => OBSERVATION_POINTS
            .iter()
            .find(|(_, number)| *number == sub_type)
            .map_or_else(|| sub_type.to_string(), |(name, _)| (*name).to_owned()),
        POLICY_VERDICT => {
            let match_type = match_type(flow);
            let direction = TrafficDirection::try_from(flow.traffic_direction).map_or_else(
                |_| flow.traffic_direction.to_string(),
                |direction| direction.as_str_name().to_owned(),
            );
            format!("policy-verdict:{match_type} {direction}")
        }
        CAPTURE => DebugCapturePoint::try_from(flow.debug_capture_point).map_or_else(
            |_| flow.debug_capture_point.to_string(),
            |point| point.as_str_name().to_owned(),
        ),
        TRACE_SOCK => socket_text(flow.sock_xlate_point),
        _ => "UNKNOWN".to_owned(),
    }
}

/// What of the other end a policy went by.
pub(super) fn match_type(flow: &Flow) -> String {
    usize::try_from(flow.policy_match_type)
        .ok()
        .and_then(|index| MATCH_TYPES.get(index))
        .map_or_else(
            || flow.policy_match_type.to_string(),
            |name| (*name).to_owned(),
        )
}

fn l7_text(l7: &proto::flow::Layer7) -> String {
    let step = L7FlowType::try_from(l7.r#type)
        .unwrap_or_default()
        .as_str_name()
        .to_ascii_lowercase();
    match &l7.record {
        Some(layer7::Record::Dns(dns)) => format!("dns-{step} {}", dns.observation_source),
        Some(layer7::Record::Http(_)) => format!("http-{step}"),
        Some(layer7::Record::Kafka(_)) => format!("kafka-{step}"),
        None => format!("l7-{step}"),
    }
}

fn socket_text(point: i32) -> String {
    let name = match SocketTranslationPoint::try_from(point) {
        Ok(SocketTranslationPoint::SockXlatePointPreDirectionFwd) => "pre-xlate-fwd",
        Ok(SocketTranslationPoint::SockXlatePointPostDirectionFwd) => "post-xlate-fwd",
        Ok(SocketTranslationPoint::SockXlatePointPreDirectionRev) => "pre-xlate-rev",
        Ok(SocketTranslationPoint::SockXlatePointPostDirectionRev) => "post-xlate-rev",
        Ok(other) => other.as_str_name(),
        Err(_) => return point.to_string(),
    };
    name.to_owned()
}
