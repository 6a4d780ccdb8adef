//! Allowed and denied, by each sort of rule, for every protocol in both families: the packet and its records agree.

use tests::attempt::{Attempt, Protocol};
use tests::datapath::TestNode;

/// Endpoints are in the namespace `shop`, where each policy is named after the role it is for.
const POLICIES: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: by-rule, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: by-rule}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: friend}}]
    toPorts: [{ports: [{port: "8080", protocol: ANY}]}]
  - fromEndpoints: [{matchLabels: {role: friend}}]
    icmps: [{fields: [{family: IPv4, type: 8}, {family: IPv6, type: 128}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: by-peer, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: by-peer}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: friend}}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: by-port, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: by-port}}
  ingress:
  - toPorts: [{ports: [{port: "8080", protocol: ANY}]}]
  - icmps: [{fields: [{family: IPv4, type: 8}, {family: IPv6, type: 128}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: denier, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: denier}}
  ingress:
  - fromEntities: [all]
  ingressDeny:
  - fromEndpoints: [{matchLabels: {role: enemy}}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: jailed, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: jailed}}
  egress:
  - toEndpoints: [{matchLabels: {role: by-peer}}]
  egressDeny:
  - toEndpoints: [{matchLabels: {role: open}}]
"#;

const ENDPOINTS: [(&str, &str); 8] = [
    ("friend", "friend"),
    ("enemy", "enemy"),
    ("jailed", "jailed"),
    ("by-rule", "by-rule"),
    ("by-peer", "by-peer"),
    ("by-port", "by-port"),
    ("denier", "denier"),
    ("open", "open"),
];

/// The egress verdict of an endpoint whose egress is not enforced.
const FREE: &str = "FORWARDED egress original, All by none";

/// Who, to whom, what the sender's hook says and what the receiver's: `VERDICT direction reply, match by rule`. A rule
/// that stands in two entries, one for ports and one for ICMP, is written `ingress[*]`.
const CASES: [(&str, &str, &str, Option<&str>); 10] = [
    (
        "friend",
        "by-rule",
        FREE,
        Some("FORWARDED ingress original, L3L4 by by-rule ingress[*]"),
    ),
    (
        "friend",
        "by-peer",
        FREE,
        Some("FORWARDED ingress original, L3Only by by-peer ingress[0]"),
    ),
    (
        "enemy",
        "by-port",
        FREE,
        Some("FORWARDED ingress original, L4Only by by-port ingress[*]"),
    ),
    (
        "enemy",
        "open",
        FREE,
        Some("FORWARDED ingress original, All by none"),
    ),
    (
        "friend",
        "denier",
        FREE,
        Some("FORWARDED ingress original, All by denier ingress[0]"),
    ),
    (
        "enemy",
        "by-rule",
        FREE,
        Some("DROPPED(133) ingress unknown, None by none"),
    ),
    (
        "enemy",
        "by-peer",
        FREE,
        Some("DROPPED(133) ingress unknown, None by none"),
    ),
    (
        "enemy",
        "denier",
        FREE,
        Some("DROPPED(181) ingress unknown, L3Only by denier ingressDeny[0]"),
    ),
    (
        "jailed",
        "denier",
        "DROPPED(133) egress unknown, None by none",
        None,
    ),
    (
        "jailed",
        "open",
        "DROPPED(181) egress unknown, L3Only by jailed egressDeny[0]",
        None,
    ),
];

#[test]
fn every_protocol_by_every_sort_of_rule() {
    let mut node = TestNode::new("vrd", &ENDPOINTS);
    node.enforce(POLICIES);
    let servers = ENDPOINTS.map(|(name, _)| (name, node.serve(name, 8080)));
    let mut source_port = 40_000;
    for (from, to, sender, receiver) in CASES {
        let (_, servers) = servers
            .iter()
            .find(|(name, _)| *name == to)
            .expect("all serve");
        for (protocol, ipv6) in Protocol::ALL
            .iter()
            .flat_map(|each| [(*each, false), (*each, true)])
        {
            source_port += 1;
            let attempt = Attempt {
                from,
                to,
                protocol,
                ipv6,
                source_port,
                port: 8080,
            };
            let allowed = receiver.is_some_and(|receiver| receiver.starts_with("FORWARDED"));
            let heard = servers.heard(protocol, ipv6);
            node.records();
            assert_eq!(node.is_answered(&attempt), allowed, "{attempt:?}");
            let heard = servers.heard(protocol, ipv6) - heard;
            assert_eq!(
                heard,
                u64::from(allowed && protocol != Protocol::Icmp),
                "{attempt:?}"
            );
            let expected = expected(&attempt, sender, receiver);
            let records = node.records();
            assert_eq!(node.tell_all(&records), expected, "{attempt:?}");
            for record in &records {
                assert!(record.length > 0 && record.edge_slot > 0, "{record:?}");
                let single = record.kind != bpf_events::record::KIND_POLICY_VERDICT;
                let first = !node.tell(record).contains("FA") && !node.tell(record).contains("AF");
                if first {
                    assert_eq!(record.packets, u32::from(single), "{record:?}");
                    assert_eq!(
                        record.bytes,
                        u64::from(record.length) * u64::from(single),
                        "{record:?}"
                    );
                }
            }
        }
    }
}

/// All records of one attempt, in order.
fn expected(attempt: &Attempt<'_>, sender: &str, receiver: Option<&str>) -> Vec<String> {
    let (from, to) = (attempt.from, attempt.to);
    let icmp_rule = usize::from(attempt.protocol == Protocol::Icmp).to_string();
    let mut lines = Vec::new();
    let mut judge = |hook: &str, said: &str| {
        let said = said.replace('*', &icmp_rule);
        let (verdict, by) = said.split_once(", ").expect("both parts are there");
        let packet = packet(attempt, "S", false);
        lines.push(format!("{hook}: verdict {verdict} {packet}, {by}"));
        let dropped = verdict.starts_with("DROPPED");
        if dropped {
            lines.push(format!("{hook}: drop {verdict} {packet}, {by}"));
        }
        by.to_owned()
    };
    let by_sender = judge(from, sender);
    let Some(receiver) = receiver else {
        return lines;
    };
    let by_receiver = judge(to, receiver);
    if !receiver.starts_with("FORWARDED") {
        return lines;
    }
    let forward = |flags, reason| {
        let packet = packet(attempt, flags, false);
        format!(
            "{to}: trace FORWARDED ingress original {packet}, {by_receiver}, to-endpoint {reason}"
        )
    };
    let reply = |flags| {
        let packet = packet(attempt, flags, true);
        format!("{from}: trace FORWARDED egress reply {packet}, {by_sender}, to-endpoint reply")
    };
    lines.extend([forward("S", "new"), reply("SA")]);
    if attempt.protocol == Protocol::Tcp {
        lines.extend([forward("AF", "established"), reply("AF")]);
    }
    lines
}

/// `source > destination protocol` of the attempt's packets.
fn packet(attempt: &Attempt<'_>, flags: &str, reply: bool) -> String {
    let family = if attempt.ipv6 { 6 } else { 4 };
    let (mut from, mut to) = (attempt.from.to_owned(), attempt.to.to_owned());
    if attempt.protocol != Protocol::Icmp {
        from += &format!(":{}", attempt.source_port);
        to += &format!(":{}", attempt.port);
    }
    if reply {
        (from, to) = (to, from);
    }
    match (attempt.protocol, attempt.ipv6, reply) {
        (Protocol::Tcp, _, _) => format!("{from} > {to} TCP{family} {flags}"),
        (Protocol::Udp, _, _) => format!("{from} > {to} UDP{family}"),
        (Protocol::Icmp, false, _) => {
            format!("{from} > {to} ICMP4 {}/0", if reply { 0 } else { 8 })
        }
        (Protocol::Icmp, true, _) => {
            format!("{from} > {to} ICMP6 {}/0", if reply { 129 } else { 128 })
        }
    }
}
