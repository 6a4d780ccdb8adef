//! Interfaces that come and go while the observer runs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tests::agent::{Agent, wait_for};
use tests::cable::{plug, unplug};
use tests::site::Site;

use super::POLICY;

const WORKLOADS: [(&str, &str); 2] = [("frontend-1", "frontend"), ("backend-1", "backend")];
const ROUNDS: usize = 5;

#[test]
fn an_interface_that_is_made_anew_is_attached_again() {
    let site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    unplug(&site, "frontend-1");
    let agent = Agent::start(&site, &[]);
    let _server = site.serve("backend-1", false, 8080);
    let (open, closed) = (
        site.at("backend-1", false, 8080),
        site.at("backend-1", false, 9999),
    );
    let backend_number = agent.json(&["endpoint", "get", "shop/backend-1"])["ifindex"].clone();

    let mut attached = Vec::new();
    let mut interfaces = Vec::new();
    for round in 0..ROUNDS {
        let waiting = endpoint_in(&agent, "WAITING_FOR_INTERFACE");
        assert!(waiting["state_reason"].is_string(), "{waiting}");
        assert_eq!(waiting["ifindex"], Value::Null);
        let warnings = agent.json(&["status"])["ledger"]["warnings"].to_string();
        assert!(warnings.contains("shop/frontend-1"), "{warnings}");

        let begun = now();
        plug(&site, "frontend-1");
        let ready = endpoint_in(&agent, "READY");
        let since = since(&ready);
        attached.push(since.checked_sub(begun).expect("it was not ready before"));
        interfaces.push(ready["ifindex"].clone());
        assert!(site.is_answered("frontend-1", open));
        assert!(!site.is_answered("frontend-1", closed));
        // Each attempt is seen at both hooks; the sender's endpoint is the same through all interfaces.
        let verdicts = [
            "--all",
            "--type",
            "policy-verdict",
            "--from-pod",
            "shop/frontend-1",
        ];
        let expected = 4 * (round + 1);
        let flows = agent.observe_until(&verdicts, |flows| flows.len() >= expected);
        assert_eq!(flows.len(), expected);
        for flow in &flows[expected - 4..] {
            let flow = &flow["flow"];
            let at = match flow["traffic_direction"].as_str() {
                Some("EGRESS") => &ready["ifindex"],
                _ => &backend_number,
            };
            assert_eq!(flow["interface"]["index"], *at, "{flow}");
            assert_eq!(flow["source"]["ID"], ready["number"], "{flow}");
            assert_eq!(flow["source"]["identity"], ready["identity"], "{flow}");
        }
        unplug(&site, "frontend-1");
    }
    interfaces.dedup();
    assert_eq!(interfaces.len(), ROUNDS, "each was another");
    report(&attached);
    assert!(agent.status_at_rest().is_closed());
}

#[expect(
    clippy::print_stderr,
    reason = "a figure for whoever runs it; not asserted"
)]
fn report(attached: &[Duration]) {
    eprintln!("from the first `ip link add` until attached: {attached:?}");
}

fn endpoint_in(agent: &Agent, state: &str) -> Value {
    let mut endpoint = Value::Null;
    wait_for(&format!("the frontend to be {state}"), || {
        endpoint = agent.json(&["endpoint", "get", "shop/frontend-1"]);
        endpoint["state"] == state
    });
    endpoint
}

fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("it is after 1970")
}

/// Since when it is in its state: `…T17:03:59.123456789Z`, of which the day is today's.
fn since(endpoint: &Value) -> Duration {
    const DAY: u64 = 24 * 3_600;
    let text = endpoint["state_since"].as_str().expect("a time");
    let (_, time) = text
        .trim_end_matches('Z')
        .split_once('T')
        .expect("a time of day");
    let mut seconds = 0.0;
    for part in time.split(':') {
        seconds = seconds * 60.0 + part.parse::<f64>().expect("a number");
    }
    let midnight = now().as_secs() / DAY * DAY;
    Duration::from_secs(midnight) + Duration::from_secs_f64(seconds)
}
