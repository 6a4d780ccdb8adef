//! Policy changes under live connections.

use std::net::SocketAddr;
use std::time::Duration;

use bpf_events::counters::{Counter, TOTAL_FORWARDED};
use bpf_events::record::{KIND_DROP, KIND_POLICY_VERDICT, REASON_POLICY_DENIED, Record};
use bpf_loader::{Probe, RunTimeSettings};
use lab::traffic::{TcpConnection, TcpTarget, tcp_connect};
use tests::accounts::{dropped, traced};
use tests::attempt::{Attempt, Protocol};
use tests::datapath::TestNode;
use tests::packets::{PASSES, udp};

/// A policy of this name that lets this role reach the server.
fn policy(name: &str, role: &str) -> String {
    format!(
        r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: {name}, namespace: shop}}
spec:
  endpointSelector: {{matchLabels: {{role: server}}}}
  ingress:
  - fromEndpoints: [{{matchLabels: {{role: {role}}}}}]
"#
    )
}

#[test]
fn a_live_connection_follows_policy() {
    for ipv6 in [false, true] {
        let mut node = TestNode::new("pch", &[("client", "client"), ("server", "server")]);
        node.enforce(&policy("first", "client"));
        let _server = node.serve("server", 8080);
        let to = SocketAddr::new(node.address("server", ipv6), 8080);
        let target = TcpTarget::new(to, Duration::from_secs(1));
        let mut connection = tcp_connect(node.namespace("client"), &target)
            .expect("sockets work")
            .expect("it is allowed");
        assert!(echoes(&mut connection));
        let mut records = node.records();

        node.enforce(&policy("second", "client"));
        assert!(echoes(&mut connection), "another rule, still allowed");
        let told = take(&mut node, &mut records);
        check_verdict(&node, &told, "L3Only by second ingress[0], rejudged");
        let flushed = ", L3Only by first ingress[0], to-endpoint established, summary";
        let lines = node.tell_all(&told);
        assert!(
            lines.iter().any(|line| line.ends_with(flushed)),
            "what went by under the first rule is told under it: {lines:#?}"
        );

        node.enforce(&policy("third", "nobody"));
        assert!(!echoes(&mut connection), "denied under way");
        let told = take(&mut node, &mut records);
        check_denied(&node, &told);
        assert_eq!(node.datapath.counters.sum(Counter::Revoked), 1);

        node.enforce(&policy("fourth", "client"));
        assert!(echoes(&mut connection), "allowed again");
        let told = take(&mut node, &mut records);
        check_verdict(&node, &told, "L3Only by fourth ingress[0], rejudged");

        drop(connection);
        let account = node.account();
        records.extend(node.settle(&RunTimeSettings::default()));
        assert_eq!(
            traced(&records),
            account.ingress(TOTAL_FORWARDED),
            "every packet that was delivered"
        );
        // The server repeats what the client had no chance to confirm: it is dropped on its way out.
        assert_eq!(
            dropped(&records),
            account.both(REASON_POLICY_DENIED.into()),
            "every drop"
        );
        assert_eq!(
            node.edges(|key| key.verdict == 2),
            account.both(REASON_POLICY_DENIED.into()),
            "edges of drops"
        );
        assert_eq!(
            node.edges(|key| key.verdict == 1),
            account.both(TOTAL_FORWARDED),
            "edges of the rest"
        );
    }
}

#[test]
fn a_revoked_connection_is_dropped_both_ways() {
    let mut node = TestNode::new("pcb", &[("client", "client"), ("server", "server")]);
    for ipv6 in [false, true] {
        let there = Attempt {
            from: "client",
            to: "server",
            protocol: Protocol::Udp,
            ipv6,
            source_port: 43_000,
            port: 8080,
        };
        let back = Attempt {
            from: "server",
            to: "client",
            source_port: 8080,
            port: 43_000,
            ..there
        };
        node.enforce(&policy("open", "client"));
        let server = node.serve("server", 8080);
        assert!(node.is_answered(&there));
        drop(server);
        node.enforce(&policy("shut", "nobody"));
        let client = node.serve("client", 43_000);
        node.records();
        // As long as the connection is known, what the server sends is its reply, and forbidden with it.
        assert!(!node.is_answered(&back));
        assert_eq!(client.heard(Protocol::Udp, ipv6), 0);
        let family = if ipv6 { 6 } else { 4 };
        let line = format!(
            "DROPPED(133) ingress unknown server:8080 > client:43000 UDP{family}, None by none, rejudged"
        );
        let expected = [
            format!("server: verdict {line}"),
            format!("server: drop {line}"),
        ];
        let records = node.records();
        assert_eq!(node.tell_all(&records), expected);
        drop(client);
        let server = node.serve("server", 8080);
        assert!(!node.is_answered(&there));
        assert_eq!(server.heard(Protocol::Udp, ipv6), 0);
        node.enforce(&policy("open", "client"));
        assert!(node.is_answered(&there));
    }
}

fn echoes(connection: &mut TcpConnection) -> bool {
    connection.request(100).expect("sockets work").is_ok()
}

/// New records, which also join those before.
fn take(node: &mut TestNode, all: &mut Vec<Record>) -> Vec<Record> {
    let records = node.records();
    all.extend(&records);
    records
}

/// One verdict at the server, which names the revision in force.
fn check_verdict(node: &TestNode, records: &[Record], by: &str) {
    let verdicts: Vec<_> = records
        .iter()
        .filter(|each| each.kind == KIND_POLICY_VERDICT)
        .collect();
    let [verdict] = &verdicts[..] else {
        panic!("one verdict: {:#?}", node.tell_all(records))
    };
    let line = node.tell(verdict);
    assert!(
        line.starts_with("server: verdict FORWARDED ingress "),
        "{line}"
    );
    assert!(line.ends_with(by), "{line}");
    assert_eq!(u64::from(verdict.policy_revision), node.policies.revision());
}

/// Only drops at the server's hook, and the flush of what went by before.
fn check_denied(node: &TestNode, records: &[Record]) {
    let drops: Vec<_> = records
        .iter()
        .filter(|each| each.kind == KIND_DROP)
        .collect();
    assert!(!drops.is_empty(), "{:#?}", node.tell_all(records));
    for drop in drops {
        let line = node.tell(drop);
        assert!(
            line.starts_with("server: drop DROPPED(133) ingress unknown "),
            "{line}"
        );
        assert!(line.ends_with(", None by none, rejudged"), "{line}");
    }
    let allowed = records
        .iter()
        .filter(|each| each.kind == KIND_POLICY_VERDICT && each.verdict != 2);
    assert_eq!(allowed.count(), 0, "{:#?}", node.tell_all(records));
}

#[test]
fn a_reply_that_meets_a_new_rule_tells_the_opener_s_side() {
    let mut node = TestNode::new("pcr", &[("client", "client"), ("server", "server")]);
    for ipv6 in [false, true] {
        node.enforce(&policy("first", "client"));
        let request = node.frame("client", "server", ipv6, 17, &udp(5_000, 53));
        let reply = node.frame("server", "client", ipv6, 17, &udp(53, 5_000));
        assert_eq!(node.inject("server", Probe::ToEndpoint, &request), PASSES);
        node.enforce(&policy("second", "client"));
        node.records();
        assert_eq!(node.inject("server", Probe::FromEndpoint, &reply), PASSES);
        let family = if ipv6 { 6 } else { 4 };
        let expected = format!(
            "server: verdict FORWARDED ingress original client:5000 > server:53 UDP{family}, L3Only by second ingress[0], rejudged"
        );
        let records = node.records();
        assert_eq!(node.tell_all(&records), [expected]);
    }
}
