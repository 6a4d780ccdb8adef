//! Policies that only audit: what they would have dropped passes with the verdict AUDIT, while others go on enforcing.

use bpf_events::counters::{TOTAL_AUDIT, TOTAL_FORWARDED};
use bpf_events::edge::EdgeKey;
use bpf_events::endpoint::MODE_AUDIT;
use bpf_events::record::{KIND_POLICY_VERDICT, VERDICT_AUDIT};
use bpf_loader::{Probe, RunTimeSettings};
use tests::accounts::traced;
use tests::datapath::TestNode;
use tests::packets::{DROPS, PASSES, tcp, udp};

/// Friends may come, strict about some ports, and about enemies only in theory.
const POLICIES: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: strict, namespace: shop}
spec:
  endpointSelector: {matchLabels: {tier: back}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: friend}}, {matchLabels: {role: enemy}}]
  ingressDeny:
  - toPorts: [{ports: [{port: "22", protocol: TCP}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: trial, namespace: shop, annotations: {tycho.io/audit: "true"}}
spec:
  endpointSelector: {matchLabels: {role: server}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: guest}}]
  ingressDeny:
  - fromEndpoints: [{matchLabels: {role: enemy}}]
  - toPorts: [{ports: [{port: "69", endPort: 71, protocol: UDP}]}]
  egress:
  - toEndpoints: [{matchLabels: {role: friend}}]
  egressDeny:
  - toEndpoints: [{matchLabels: {role: friend}}]
    toPorts: [{ports: [{port: "514", protocol: UDP}]}]
"#;

/// Policies with the strict one for the server or for nobody.
fn policies(strict: bool) -> String {
    let whom = if strict {
        "role: server"
    } else {
        "role: nobody"
    };
    POLICIES.replace("tier: back", whom)
}

/// Whether the strict policy holds, the other end, whether it comes to the server, protocol and port, and what is said.
const CASES: [(bool, &str, bool, u8, u16, &str); 16] = [
    (
        true,
        "friend",
        true,
        17,
        53,
        "FORWARDED L3Only by strict ingress[0]",
    ),
    (
        true,
        "friend",
        true,
        17,
        70,
        "AUDIT(181) L4Only by trial ingressDeny[1]",
    ),
    (
        true,
        "friend",
        true,
        6,
        22,
        "DROPPED(181) L4Only by strict ingressDeny[0]",
    ),
    (
        true,
        "enemy",
        true,
        17,
        53,
        "AUDIT(181) L3Only by trial ingressDeny[0]",
    ),
    (
        true,
        "enemy",
        true,
        6,
        22,
        "DROPPED(181) L4Only by strict ingressDeny[0]",
    ),
    (
        true,
        "guest",
        true,
        17,
        53,
        "FORWARDED L3Only by trial ingress[0]",
    ),
    (
        true,
        "guest",
        true,
        17,
        71,
        "AUDIT(181) L4Only by trial ingressDeny[1]",
    ),
    (
        true,
        "other",
        true,
        17,
        53,
        "DROPPED(133) None by the default of ingress",
    ),
    (
        true,
        "other",
        false,
        17,
        53,
        "AUDIT(133) None by the default of egress",
    ),
    (
        true,
        "friend",
        false,
        17,
        53,
        "FORWARDED L3Only by trial egress[0]",
    ),
    (
        true,
        "friend",
        false,
        17,
        514,
        "AUDIT(181) L3L4 by trial egressDeny[0]",
    ),
    (
        false,
        "friend",
        true,
        17,
        53,
        "AUDIT(133) None by the default of ingress",
    ),
    (
        false,
        "enemy",
        true,
        17,
        53,
        "AUDIT(181) L3Only by trial ingressDeny[0]",
    ),
    (
        false,
        "guest",
        true,
        6,
        22,
        "FORWARDED L3Only by trial ingress[0]",
    ),
    (
        false,
        "other",
        true,
        17,
        69,
        "AUDIT(181) L4Only by trial ingressDeny[1]",
    ),
    (
        false,
        "other",
        true,
        6,
        22,
        "AUDIT(133) None by the default of ingress",
    ),
];

fn prepared(prefix: &str) -> TestNode {
    let roles = ["server", "friend", "enemy", "guest", "other"];
    let mut node = TestNode::new(prefix, &roles.map(|role| (role, role)));
    node.default_rules = [9_000, 9_001];
    node
}

#[test]
fn a_policy_that_audits_drops_nothing_and_others_go_on() {
    let mut node = prepared("aud");
    let mut source_port = 5_000;
    for (strict, other, comes, protocol, port, expected) in CASES {
        node.enforce(&policies(strict));
        for ipv6 in [false, true] {
            source_port += 1;
            let payload = if protocol == 6 {
                tcp(source_port, port, 2)
            } else {
                udp(source_port, port)
            };
            let (from, to, probe) = if comes {
                (other, "server", Probe::ToEndpoint)
            } else {
                ("server", other, Probe::FromEndpoint)
            };
            let frame = node.frame(from, to, ipv6, protocol, &payload);
            let what = format!("{from} > {to} port {port}, strict {strict}");
            node.records();
            let before = node.account();
            let dropped = expected.starts_with("DROPPED");
            let action = node.inject("server", probe, &frame);
            assert_eq!(action, if dropped { DROPS } else { PASSES }, "{what}");
            let records = node.records();
            assert_eq!(records[0].kind, KIND_POLICY_VERDICT);
            let line = node.tell(&records[0]);
            let (verdict, by) = expected.split_once(' ').expect("two parts");
            assert!(
                line.contains(&format!("verdict {verdict} ")),
                "{what}: {line}"
            );
            assert!(line.ends_with(&format!(", {by}")), "{what}: {line}");
            let revision = node.policies.revision();
            assert_eq!(u64::from(records[0].policy_revision), revision, "{what}");
            let account = node.account().since(&before);
            let audited = u64::from(expected.starts_with("AUDIT"));
            assert_eq!(account.both(TOTAL_AUDIT).packets, audited, "{what}");
            let rule = records[0].rule;
            let edge = |key: &EdgeKey| key.rule == rule && key.verdict == records[0].verdict;
            assert!(
                node.edges(edge).packets > 0,
                "{what}: its edge names the rule"
            );
            assert!(records.iter().all(|each| each.rule == rule), "{what}");
        }
    }
}

#[test]
fn a_connection_that_is_audited_goes_on_so_in_both_directions() {
    let mut node = prepared("aub");
    node.enforce(&policies(true));
    for ipv6 in [false, true] {
        let request = node.frame("enemy", "server", ipv6, 17, &udp(6_000, 53));
        let reply = node.frame("server", "enemy", ipv6, 17, &udp(53, 6_000));
        let before = node.account();
        node.settle(&RunTimeSettings::default());
        for _ in 0..3 {
            assert_eq!(node.inject("server", Probe::ToEndpoint, &request), PASSES);
            assert_eq!(node.inject("server", Probe::FromEndpoint, &reply), PASSES);
        }
        let account = node.account().since(&before);
        assert_eq!(account.ingress(TOTAL_AUDIT).packets, 3);
        assert_eq!(account.egress(TOTAL_AUDIT).packets, 3);
        assert_eq!(account.ingress(TOTAL_FORWARDED).packets, 0);
        let records = node.settle(&RunTimeSettings::default());
        assert!(records.iter().all(|each| each.verdict == VERDICT_AUDIT));
        assert_eq!(traced(&records), account.ingress(TOTAL_AUDIT));
    }
}

#[test]
fn an_endpoint_in_audit_mode_audits_what_others_enforce() {
    let mut node = prepared("aum");
    node.enforce(&policies(true));
    node.change_row("server", |row| row.mode = MODE_AUDIT);
    for (source_port, from, port, by) in [
        (
            5_001,
            "other",
            53,
            "AUDIT(133) ingress original other:5001 > server:53 UDP4, None by the default of ingress",
        ),
        (
            5_002,
            "enemy",
            53,
            "AUDIT(181) ingress original enemy:5002 > server:53 UDP4, L3Only by trial ingressDeny[0]",
        ),
        (
            5_003,
            "friend",
            53,
            "FORWARDED ingress original friend:5003 > server:53 UDP4, L3Only by strict ingress[0]",
        ),
    ] {
        node.records();
        let frame = node.frame(from, "server", false, 17, &udp(source_port, port));
        assert_eq!(node.inject("server", Probe::ToEndpoint, &frame), PASSES);
        let records = node.records();
        let expected = [
            format!("server: verdict {by}"),
            format!("server: trace {by}, to-endpoint new"),
        ];
        assert_eq!(node.tell_all(&records), expected);
    }
}
