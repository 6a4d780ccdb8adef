//! `tycho observe agent-events`: formats, requests and errors.

use std::path::PathBuf;

use proto::flow::{AgentEvent, AgentEventType, TimeNotification, agent_event::Notification};
use proto::observer::GetAgentEventsResponse;

use crate::binary::{tycho, tycho_fed};
use crate::fake::{Fake, Plan};
use crate::fake_node::time;

/// One event of each kind, as the contract's own tests have them, and one that the words were not made for.
fn events() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../proto/tests/json/fixtures/agent_events.jsonl");
    let kinds = std::fs::read_to_string(path).expect("the contract has events");
    format!(
        "{kinds}\
         {{\"agent_event\":{{\"type\":\"ENDPOINT_REGENERATE_FAILURE\",\"endpoint_regenerate\":{{\"id\":\"7\",\"labels\":[\"a=b\",\"c\"],\"error\":\"no\\u001b room\"}}}}}}\n\
         {{\"agent_event\":{{\"type\":\"SERVICE_DELETED\",\"service_delete\":{{\"id\":9}}}}}}\n\
         {{\"agent_event\":{{\"type\":\"AGENT_STARTED\",\"service_delete\":{{\"id\":9}}}}}}\n"
    )
}

const DETAILS: [(&str, &str); 9] = [
    ("AGENT_STARTED", "start time: Mar  9 08:30:00.100"),
    (
        "POLICY_UPDATED",
        "labels: [k8s:name=one], revision: 7, count: -1",
    ),
    (
        "ENDPOINT_CREATED",
        "id: 812, namespace: market, pod name: web-0",
    ),
    (
        "IPCACHE_UPSERTED",
        "cidr: 10.20.3.4/32, identity: 20417, old identity: 0, host ip: 192.0.2.1, old host ip: 192.0.2.2, encrypt key: 3",
    ),
    (
        "SERVICE_UPSERTED",
        "id: 9, frontend: 10.96.0.1:443, backends: [192.0.2.1:6443,:0], type: ClusterIP, traffic policy: Cluster, \
         namespace: default, name: kubernetes",
    ),
    ("AGENT_EVENT_UNKNOWN", "type: 12, notification: {\"a\":1}"),
    (
        "ENDPOINT_REGENERATE_FAILURE",
        "id: 7, labels: [a=b,c], error: no^[ room",
    ),
    ("SERVICE_DELETED", "id: 9"),
    ("AGENT_STARTED", "UNKNOWN"),
];

fn fed(flags: &[&str]) -> String {
    let mut arguments = vec!["observe", "agent-events", "--input-file", "-"];
    arguments.extend(flags);
    let run = tycho_fed(&arguments, &events());
    assert_eq!((run.stderr.as_str(), run.code), ("", 0));
    run.stdout
}

#[test]
fn each_kind_in_words() {
    let lines = DETAILS.iter().enumerate().map(|(index, (kind, details))| {
        let time = if index == 0 {
            "Mar  9 08:30:00.100"
        } else {
            "N/A"
        };
        format!("{time}: {kind} ({details})\n")
    });
    assert_eq!(fed(&[]), lines.collect::<String>());
}

#[test]
fn the_other_formats() {
    let flags = ["--print-node-name", "--first", "2"];
    let with = |format: &'static str| fed(&[&flags[..], &["-o", format]].concat());
    assert_eq!(
        with("compact").lines().next(),
        Some(
            "Mar  9 08:30:00.100 [default/node-a]: AGENT_STARTED (start time: Mar  9 08:30:00.100)"
        )
    );
    assert_eq!(
        with("dict"),
        "  TIMESTAMP: Mar  9 08:30:00.100\n       NODE: default/node-a\n       TYPE: AGENT_STARTED\n    \
         DETAILS: start time: Mar  9 08:30:00.100\n------------\n  TIMESTAMP: N/A\n       NODE: \n       \
         TYPE: POLICY_UPDATED\n    DETAILS: labels: [k8s:name=one], revision: 7, count: -1\n"
    );
    assert_eq!(
        with("table"),
        "TIMESTAMP             NODE             TYPE             DETAILS\n\
         Mar  9 08:30:00.100   default/node-a   AGENT_STARTED    start time: Mar  9 08:30:00.100\n\
         N/A                                    POLICY_UPDATED   labels: [k8s:name=one], revision: 7, count: -1\n"
    );
    for format in ["json", "jsonpb"] {
        let input: Vec<serde_json::Value> = parsed(&events());
        assert_eq!(parsed(&fed(&["-o", format])), input);
    }
    let last = fed(&["--last", "1"]);
    assert_eq!(last, "N/A: AGENT_STARTED (UNKNOWN)\n");
    let late = fed(&[
        "--since",
        "2027-01-01T00:00:00Z",
        "--time-format",
        "RFC3339",
    ]);
    assert!(!late.contains("2026"), "{late}");
}

fn parsed(lines: &str) -> Vec<serde_json::Value> {
    let lines = lines.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn requests_and_refusals() {
    let event = GetAgentEventsResponse {
        agent_event: Some(AgentEvent {
            r#type: AgentEventType::AgentStarted.into(),
            notification: Some(Notification::AgentStart(TimeNotification { time: time(0) })),
        }),
        node_name: "default/node-a".to_owned(),
        time: time(1),
    };
    let plan = Plan {
        agent_events: vec![event],
        ..Default::default()
    };
    let server = Fake::start(plan, None);
    for (flags, number, first, follow) in [
        // Those of Hubble's CLI that mean nothing here are taken, too.
        (
            &[
                "-s",
                "--print-policy-names",
                "--field-mask",
                "x",
                "--print-raw-filters",
            ][..],
            20,
            false,
            false,
        ),
        (
            &["--use-default-field-masks=false", "--all"],
            u64::MAX,
            false,
            false,
        ),
        (&["--first", "3"], 3, true, false),
        (&["-f", "--since", "1h"], 0, false, true),
    ] {
        let mut arguments = vec!["observe", "agent-events", "--server", &server.address];
        arguments.extend(flags);
        let run = tycho(&arguments);
        assert_eq!(
            run.stdout, "Nov 22 10:00:01.000: AGENT_STARTED (start time: Nov 22 10:00:00.000)\n",
            "{run:?}"
        );
        let (_, request) = server.requests().pop().expect("a request");
        assert_eq!(
            (request.number, request.first, request.follow),
            (number, first, follow)
        );
        assert_eq!(request.since.is_some(), follow);
    }
    let hubble_relay = Fake::start(Plan::default(), None);
    for (arguments, part) in [
        (
            &["--server", hubble_relay.address.as_str()][..],
            "agent events come from a Tycho observer",
        ),
        (&["-o", "table", "-f"], "not compatible with follow"),
        (&["--input-file", "-", "-f"], "--follow cannot be used"),
        (&["--input-file", "/no/such"], "cannot read /no/such"),
    ] {
        let run = tycho(&[&["observe", "agent-events"], arguments].concat());
        assert!(run.code == 1 && run.stderr.contains(part), "{run:?}");
    }
    let run = tycho_fed(
        &["observe", "agent-events", "--input-file", "-"],
        "{}\n{]\n",
    );
    assert!(
        run.stderr.contains("-:2: not an agent event in JSON"),
        "{run:?}"
    );
}
