//! JSON is held byte for byte against lines in the form Go prints.

mod every_kind;

use prost_reflect::{DynamicMessage, MessageDescriptor};
use proto::json::{message_to_json, to_json};
use proto::{descriptor_pool, flow};

/// Parses a line of JSON as the given message.
fn parse(descriptor: MessageDescriptor, line: &str) -> DynamicMessage {
    let mut json = serde_json::Deserializer::from_str(line);
    DynamicMessage::deserialize(descriptor, &mut json)
        .unwrap_or_else(|error| panic!("{error} in {line}"))
}

#[test]
fn every_line_of_the_fixtures_prints_as_it_is() {
    let fixtures = [
        (
            "observer.GetFlowsResponse",
            include_str!("fixtures/get_flows_responses.jsonl"),
        ),
        (
            "observer.GetFlowsRequest",
            include_str!("fixtures/get_flows_requests.jsonl"),
        ),
        (
            "observer.GetAgentEventsResponse",
            include_str!("fixtures/agent_events.jsonl"),
        ),
        (
            "observer.GetDebugEventsResponse",
            include_str!("fixtures/debug_events.jsonl"),
        ),
        (
            "observer.ServerStatusResponse",
            include_str!("fixtures/server_statuses.jsonl"),
        ),
        (
            "flow.FlowFilter",
            include_str!("fixtures/flow_filters.jsonl"),
        ),
        (
            "tycho.v1.GetFlowsResponse",
            include_str!("fixtures/tycho_responses.jsonl"),
        ),
    ];
    for (name, lines) in fixtures {
        for line in lines.lines() {
            let descriptor = descriptor_pool().get_message_by_name(name).unwrap();
            assert_eq!(to_json(&parse(descriptor, line)), line, "as {name}");
        }
    }
}

#[test]
fn a_generated_message_prints_through_its_descriptor() {
    let flow = flow::Flow {
        uuid: "5f1c".to_owned(),
        verdict: flow::Verdict::Dropped.into(),
        drop_reason: 133,
        is_reply: Some(false),
        summary: "TCP Flags: SYN".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        message_to_json("flow.Flow", &flow),
        r#"{"uuid":"5f1c","verdict":"DROPPED","drop_reason":133,"is_reply":false,"Summary":"TCP Flags: SYN"}"#,
    );
}

#[test]
fn a_time_go_cannot_print_keeps_its_numbers() {
    let event = |seconds, nanos| flow::TimeNotification {
        time: Some(prost_types::Timestamp { seconds, nanos }),
    };
    for (seconds, nanos, expected) in [
        (253_402_300_800, 0, r#"{"time":{"seconds":"253402300800"}}"#),
        (-62_135_596_801, 0, r#"{"time":{"seconds":"-62135596801"}}"#),
        (
            i64::MIN,
            0,
            r#"{"time":{"seconds":"-9223372036854775808"}}"#,
        ),
        (1, -1, r#"{"time":{"seconds":"1","nanos":-1}}"#),
        (
            1,
            1_000_000_000,
            r#"{"time":{"seconds":"1","nanos":1000000000}}"#,
        ),
    ] {
        assert_eq!(
            message_to_json("flow.TimeNotification", &event(seconds, nanos)),
            expected
        );
    }
}
