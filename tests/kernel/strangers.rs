//! The other side is not managed: both directions are told at the only hook there is.

use bpf_loader::RunTimeSettings;
use tests::attempt::{Attempt, Protocol};
use tests::datapath::TestNode;

const POLICIES: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: public, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: public}}
  ingress:
  - fromEntities: [world]
  egress:
  - toEntities: [world]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: private, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: private}}
  ingress: [{}]
  egress: [{}]
"#;

/// From, to, the managed one, its verdict, and who decided. Neighbours in another subnet come by way of the gateway.
const CASES: [(&str, &str, &str, &str, &str); 8] = [
    (
        "stranger",
        "public",
        "public",
        "FORWARDED ingress",
        "L3Only by public ingress[0]",
    ),
    (
        "public",
        "stranger",
        "public",
        "FORWARDED egress",
        "L3Only by public egress[0]",
    ),
    (
        "stranger",
        "private",
        "private",
        "DROPPED(133) ingress",
        "None by none",
    ),
    (
        "private",
        "stranger",
        "private",
        "DROPPED(133) egress",
        "None by none",
    ),
    (
        "gateway",
        "private",
        "private",
        "FORWARDED ingress",
        "All by local-host",
    ),
    (
        "private",
        "gateway",
        "private",
        "FORWARDED egress",
        "All by local-host",
    ),
    (
        "gateway",
        "public",
        "public",
        "FORWARDED ingress",
        "All by local-host",
    ),
    (
        "public",
        "gateway",
        "public",
        "FORWARDED egress",
        "All by local-host",
    ),
];

/// The same where the node has no privilege over its endpoints.
const WITHOUT_PRIVILEGE: [(&str, &str, &str, &str, &str); 2] = [
    (
        "gateway",
        "private",
        "private",
        "DROPPED(133) ingress",
        "None by none",
    ),
    (
        "private",
        "gateway",
        "private",
        "DROPPED(133) egress",
        "None by none",
    ),
];

#[test]
fn world_and_the_node_itself_are_told_at_the_only_hook() {
    let mut node = TestNode::new("str", &[("public", "public"), ("private", "private")]);
    node.add_stranger("stranger");
    node.enforce(POLICIES);
    let _servers = ["public", "private", "stranger", "gateway"].map(|name| node.serve(name, 8080));
    let mut source_port = 41_000;
    for case in CASES {
        check(&mut node, case, &mut source_port);
    }
    let settings = RunTimeSettings {
        local_host_passes: false,
        ..RunTimeSettings::default()
    };
    node.datapath.configure(&settings);
    node.datapath.bump_policy_epoch();
    for case in WITHOUT_PRIVILEGE {
        check(&mut node, case, &mut source_port);
    }
}

fn check(node: &mut TestNode, case: (&str, &str, &str, &str, &str), source_port: &mut u16) {
    let (from, to, hook, verdict, by) = case;
    for (protocol, ipv6) in [
        (Protocol::Tcp, false),
        (Protocol::Tcp, true),
        (Protocol::Udp, false),
        (Protocol::Udp, true),
    ] {
        *source_port += 1;
        let attempt = Attempt {
            from,
            to,
            protocol,
            ipv6,
            source_port: *source_port,
            port: 8080,
        };
        node.records();
        let allowed = verdict.starts_with("FORWARDED");
        assert_eq!(node.is_answered(&attempt), allowed, "{attempt:?}");
        let records = node.records();
        assert_eq!(
            node.tell_all(&records),
            expected(&attempt, hook, verdict, by),
            "{attempt:?}"
        );
    }
}

fn expected(attempt: &Attempt<'_>, hook: &str, verdict: &str, by: &str) -> Vec<String> {
    let via = |name: &str| {
        if name == "stranger" {
            " via gateway"
        } else {
            ""
        }
    };
    let from = format!(
        "{}:{}{}",
        attempt.from,
        attempt.source_port,
        via(attempt.from)
    );
    let to = format!("{}:{}{}", attempt.to, attempt.port, via(attempt.to));
    let protocol = |flags: &str| match (attempt.protocol, attempt.ipv6) {
        (Protocol::Tcp, false) => format!("TCP4 {flags}"),
        (Protocol::Tcp, true) => format!("TCP6 {flags}"),
        (_, false) => "UDP4".to_owned(),
        (_, true) => "UDP6".to_owned(),
    };
    let first = format!("{from} > {to} {}, {by}", protocol("S"));
    if verdict.starts_with("DROPPED") {
        return vec![
            format!("{hook}: verdict {verdict} unknown {first}"),
            format!("{hook}: drop {verdict} unknown {first}"),
        ];
    }
    let (forward_point, reply_point) = if hook == attempt.to {
        ("to-endpoint", "from-endpoint")
    } else {
        ("from-endpoint", "to-endpoint")
    };
    let forward = |flags, reason| {
        let packet = format!("{from} > {to} {}", protocol(flags));
        format!("{hook}: trace {verdict} original {packet}, {by}, {forward_point} {reason}")
    };
    let reply = |flags| {
        let packet = format!("{to} > {from} {}", protocol(flags));
        format!("{hook}: trace {verdict} reply {packet}, {by}, {reply_point} reply")
    };
    let mut lines = vec![
        format!("{hook}: verdict {verdict} original {first}"),
        forward("S", "new"),
        reply("SA"),
    ];
    if attempt.protocol == Protocol::Tcp {
        lines.extend([forward("AF", "established"), reply("AF")]);
    }
    lines
}
