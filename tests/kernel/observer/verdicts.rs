//! Allowed and denied connections as `tycho observe` shows them: labels, rule, direction and reason.

use serde_json::Value;
use tests::agent::Agent;
use tests::flows::tell_all;
use tests::site::Site;

use super::POLICY;

const WORKLOADS: [(&str, &str); 4] = [
    ("frontend-1", "frontend"),
    ("backend-1", "backend"),
    ("intruder-1", "intruder"),
    ("banned-1", "banned"),
];

#[test]
fn connections_are_told_with_labels_rule_and_reason() {
    let site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &[]);
    for ipv6 in [false, true] {
        let _server = site.serve("backend-1", ipv6, 8080);
        let backend = site.at("backend-1", ipv6, 8080);
        let closed = site.at("backend-1", ipv6, 9999);
        assert!(site.is_answered("frontend-1", backend), "ipv6 {ipv6}");
        for (from, to) in [
            ("frontend-1", closed),
            ("intruder-1", backend),
            ("banned-1", backend),
        ] {
            assert!(!site.is_answered(from, to), "{from} {to}");
        }
        let version = if ipv6 { "-6" } else { "-4" };
        for (from, expected) in [
            (
                "frontend",
                &[
                    "frontend-1(frontend) > backend-1(backend):8080 verdict EGRESS FORWARDED",
                    "frontend-1(frontend) > backend-1(backend):8080 verdict INGRESS FORWARDED allowed by shop/backend, CiliumNetworkPolicy/shop/backend ingress[0]",
                    "frontend-1(frontend) > backend-1(backend):9999 verdict EGRESS FORWARDED",
                    "frontend-1(frontend) > backend-1(backend):9999 verdict INGRESS DROPPED POLICY_DENIED denied by shop/backend, default deny by CiliumNetworkPolicy/shop/backend",
                    "frontend-1(frontend) > backend-1(backend):9999 drop INGRESS DROPPED POLICY_DENIED denied by shop/backend, default deny by CiliumNetworkPolicy/shop/backend",
                ][..],
            ),
            (
                "intruder",
                &[
                    "intruder-1(intruder) > backend-1(backend):8080 verdict EGRESS FORWARDED",
                    "intruder-1(intruder) > backend-1(backend):8080 verdict INGRESS DROPPED POLICY_DENIED denied by shop/backend, default deny by CiliumNetworkPolicy/shop/backend",
                    "intruder-1(intruder) > backend-1(backend):8080 drop INGRESS DROPPED POLICY_DENIED denied by shop/backend, default deny by CiliumNetworkPolicy/shop/backend",
                ],
            ),
            (
                "banned",
                &[
                    "banned-1(banned) > backend-1(backend):8080 verdict EGRESS FORWARDED",
                    "banned-1(banned) > backend-1(backend):8080 verdict INGRESS DROPPED POLICY_DENY denied by shop/backend, CiliumNetworkPolicy/shop/backend ingressDeny[0]",
                    "banned-1(banned) > backend-1(backend):8080 drop INGRESS DROPPED POLICY_DENY denied by shop/backend, CiliumNetworkPolicy/shop/backend ingressDeny[0]",
                ],
            ),
        ] {
            let label = format!("role={from}");
            let arguments = ["--from-label", &label, version, "--protocol", "tcp"];
            let arguments = [&arguments[..], &["-t", "policy-verdict", "-t", "drop"]].concat();
            let flows = agent.observe_until(&arguments, |flows| flows.len() >= expected.len());
            assert_eq!(tell_all(&flows), expected);
        }
    }
    the_drops_of_a_frontend(&agent);
    let status = agent.status_at_rest();
    assert_eq!(status.counter("ingress dropped POLICY_DENIED"), 4);
    assert_eq!(status.counter("ingress dropped POLICY_DENY"), 2);
}

/// As text and as JSON with all that the contract has.
fn the_drops_of_a_frontend(agent: &Agent) {
    let arguments = ["--from-label", "role=frontend", "--verdict", "DROPPED"];
    let flows = agent.observe(&arguments);
    assert_eq!(flows.len(), 4, "{flows:?}");
    let flow = &flows[1]["flow"];
    for (pointer, expected) in [
        ("/verdict", "DROPPED"),
        ("/drop_reason_desc", "POLICY_DENIED"),
        ("/traffic_direction", "INGRESS"),
        ("/IP/source", "10.46.0.16"),
        ("/IP/destination", "10.46.0.17"),
        ("/source/namespace", "shop"),
        (
            "/source/labels/0",
            "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop",
        ),
        ("/source/labels/1", "k8s:io.kubernetes.pod.namespace=shop"),
        ("/source/labels/2", "k8s:role=frontend"),
        ("/node_name", "default/obs-tests"),
    ] {
        let value = flow.pointer(pointer).and_then(Value::as_str);
        assert_eq!(value, Some(expected), "{pointer} of {flow}");
    }
    assert_eq!(flow["event_type"]["sub_type"], 133);
    assert_eq!(flow["is_reply"], Value::Null, "not known of a drop");
    let text = agent.ask(&[&["observe"], &arguments[..]].concat()).output();
    let line = text.lines().nth(1).expect("4 lines");
    assert!(line.contains(": shop/frontend-1:"), "{line}");
    assert!(
        line.contains(":9999 (ID:") && line.ends_with(" Policy denied DROPPED (TCP Flags: SYN)"),
        "{line}"
    );
}
