//! Which labels make an identity may change while the observer runs and connections are open.

use std::fs;

use serde_json::Value;
use tests::agent::{Agent, wait_for};
use tests::site::Site;

use super::POLICY;

const WORKLOADS: [(&str, &str); 3] = [
    ("frontend-1", "frontend"),
    ("frontend-2", "frontend, pod-template-hash: 5d8f"),
    ("backend-1", "backend"),
];
const HASH: &str = "k8s:pod-template-hash=5d8f";

#[test]
fn another_filter_changes_identities_and_flows_show_it() {
    let site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let filter = site.file("labels.txt");
    let set_filter = |text: &str| fs::write(&filter, text).expect("written");
    set_filter("# what differs between instances\n!pod-template-hash\n");
    let path = filter.to_str().expect("text");
    let agent = Agent::start(
        &site,
        &["--label-filter", path, "--trace-interval", "100ms"],
    );
    let _server = site.serve("backend-1", false, 8080);
    let backend = site.at("backend-1", false, 8080);
    let mut connection = site.connect("frontend-2", backend).expect("allowed");
    let identity = |name: &str| agent.json(&["endpoint", "get", name])["identity"].clone();
    let one = identity("shop/frontend-1");
    assert_eq!(identity("shop/frontend-2"), one);

    set_filter("");
    wait_for("an identity with the hash", || {
        identity("shop/frontend-2") != one
    });
    let other = identity("shop/frontend-2");
    assert_eq!(identity("shop/frontend-1"), one, "it has no such label");
    let labels = |identity: &Value| {
        agent.json(&["identity", "get", &identity.to_string()])["labels"].to_string()
    };
    assert!(labels(&other).contains(HASH) && !labels(&one).contains(HASH));
    connection
        .request(100)
        .expect("sockets work")
        .expect("both are frontends");
    assert!(site.is_answered("frontend-2", backend));
    let verdicts = [
        "--all",
        "--type",
        "policy-verdict",
        "--from-pod",
        "shop/frontend-2",
    ];
    let of_other = |flow: &Value| flow["flow"]["source"]["identity"] == other;
    let flows = agent.observe_until(&verdicts, |flows| flows.len() >= 4);
    for flow in &flows {
        // The labels of the endpoint are all shown, whether they make its identity or not.
        let source = &flow["flow"]["source"];
        assert!(source["labels"].to_string().contains(HASH), "{source}");
        assert_eq!(flow["flow"]["verdict"], "FORWARDED");
    }
    let told: Vec<bool> = flows.iter().map(of_other).collect();
    assert_eq!(told, [false, false, true, true]);
    // What the open connection carries is told with the identity of its time, too.
    let port = connection.local().port().to_string();
    let traces = ["--all", "--type", "trace", "--from-port", &port];
    let flows = agent.observe_until(&traces, |flows| flows.last().is_some_and(of_other));
    assert!(!of_other(&flows[0]));

    set_filter("!pod-template-hash\nk8s:a*b\n");
    agent.wait_for_log(&["ERROR", "last good state stays", "labels.txt:2", "a*b"]);
    let warnings = agent.json(&["status"])["ledger"]["warnings"].to_string();
    assert!(warnings.contains("labels.txt:2"), "{warnings}");
    assert_eq!(identity("shop/frontend-2"), other);
    set_filter("!pod-template-hash\n");
    wait_for("the identity without the hash", || {
        identity("shop/frontend-2") == one
    });
    connection
        .request(100)
        .expect("sockets work")
        .expect("both are frontends");
}
