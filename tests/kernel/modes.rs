//! Audit drops nothing and says what it would have dropped; off judges nothing.

use bpf_events::counters::{TOTAL_AUDIT, TOTAL_FORWARDED};
use bpf_events::endpoint::{MODE_AUDIT, MODE_OFF};
use tests::attempt::{Attempt, Protocol};
use tests::datapath::TestNode;

const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: server}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: friend}}]
  ingressDeny:
  - fromEndpoints: [{matchLabels: {role: enemy}}]
"#;

/// Mode, who comes, and what the server's hook says: `VERDICT by rule`.
const CASES: [(u8, &str, &str, &str); 6] = [
    (
        MODE_AUDIT,
        "friend",
        "FORWARDED",
        "L3Only by server ingress[0]",
    ),
    (
        MODE_AUDIT,
        "enemy",
        "AUDIT(181)",
        "L3Only by server ingressDeny[0]",
    ),
    (MODE_AUDIT, "nobody", "AUDIT(133)", "None by none"),
    (MODE_OFF, "friend", "FORWARDED", "All by none"),
    (MODE_OFF, "enemy", "FORWARDED", "All by none"),
    (MODE_OFF, "nobody", "FORWARDED", "All by none"),
];

#[test]
fn audit_and_off_let_everything_pass() {
    let roles = ["friend", "enemy", "nobody", "server"];
    let mut node = TestNode::new("mod", &roles.map(|role| (role, role)));
    node.enforce(POLICY);
    let _server = node.serve("server", 8080);
    let mut source_port = 46_000;
    for (mode, from, verdict, by) in CASES {
        node.change_row("server", |row| row.mode = mode);
        for (protocol, ipv6) in [
            (Protocol::Udp, false),
            (Protocol::Udp, true),
            (Protocol::Icmp, false),
            (Protocol::Icmp, true),
        ] {
            source_port += 1;
            let attempt = Attempt {
                from,
                to: "server",
                protocol,
                ipv6,
                source_port,
                port: 8080,
            };
            node.records();
            let before = node.account();
            assert!(node.is_answered(&attempt), "{attempt:?}");
            let records = node.records();
            let at_server = node
                .tell_all(&records)
                .into_iter()
                .filter(|line| line.starts_with("server:"));
            let (ports, protocol) = match (protocol, ipv6) {
                (Protocol::Icmp, false) => ((String::new(), ""), "ICMP4 8/0"),
                (Protocol::Icmp, true) => ((String::new(), ""), "ICMP6 128/0"),
                (_, false) => ((format!(":{source_port}"), ":8080"), "UDP4"),
                (_, true) => ((format!(":{source_port}"), ":8080"), "UDP6"),
            };
            let packet = format!(
                "{verdict} ingress original {from}{} > server{} {protocol}, {by}",
                ports.0, ports.1
            );
            let expected = [
                format!("server: verdict {packet}"),
                format!("server: trace {packet}, to-endpoint new"),
            ];
            assert_eq!(at_server.collect::<Vec<_>>(), expected, "{attempt:?}");
            let account = node.account().since(&before);
            let audited = u64::from(verdict.starts_with("AUDIT"));
            // Request and reply at either end; only the server's two are audited.
            assert_eq!(
                account.both(TOTAL_AUDIT).packets,
                2 * audited,
                "{attempt:?}"
            );
            assert_eq!(
                account.both(TOTAL_FORWARDED).packets,
                4 - 2 * audited,
                "{attempt:?}"
            );
        }
    }
}
