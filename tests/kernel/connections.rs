//! What is one connection and what is another.

use std::net::SocketAddr;
use std::time::Duration;

use bpf_events::counters::{Counter, TOTAL_NO_ENDPOINT};
use bpf_events::record::KIND_POLICY_VERDICT;
use lab::traffic::{Ping, TcpTarget, ping, tcp_connect};
use tests::attempt::{PATIENCE, any};
use tests::datapath::TestNode;

const ASKER: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: asker, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: asker}}
  ingress: [{}]
"#;

#[test]
fn a_ping_does_not_open_the_way_for_pings_back() {
    let mut node = TestNode::new("cnp", &[("asker", "asker"), ("asked", "asked")]);
    node.enforce(ASKER);
    for ipv6 in [false, true] {
        let (family, request) = if ipv6 { (6, 128) } else { (4, 8) };
        for (from, to, replies) in [
            ("asker", "asked", 2),
            ("asked", "asker", 0),
            ("asker", "asked", 2),
        ] {
            let count = if replies == 0 { 1 } else { 2 };
            // The same identifier both ways.
            let request = Ping {
                identifier: Some(7),
                ..Ping::new(node.address(to, ipv6), count, PATIENCE)
            };
            let report = ping(node.namespace(from), &request).expect("sockets work");
            assert_eq!(report.replies, replies, "{from} to {to}");
        }
        let records = node.records();
        let drops: Vec<String> = node
            .tell_all(&records)
            .into_iter()
            .filter(|line| line.contains(": drop "))
            .collect();
        let line = format!(
            "asker: drop DROPPED(133) ingress unknown asked > asker ICMP{family} {request}/0, None by none"
        );
        assert_eq!(drops, [line]);
    }
}

#[test]
fn a_syn_on_the_ports_of_a_closed_connection_opens_another() {
    let mut node = TestNode::new("cns", &[("client", "client"), ("server", "server")]);
    node.enforce(ASKER);
    let _server = node.serve("server", 8080);
    for ipv6 in [false, true] {
        let to = SocketAddr::new(node.address("server", ipv6), 8080);
        let source = Some(SocketAddr::new(any(ipv6), 44_000));
        let target = TcpTarget {
            source,
            ..TcpTarget::new(to, Duration::from_secs(1))
        };
        let counter = |node: &TestNode, counter| node.datapath.counters.sum(counter);
        for round in 0..3 {
            node.records();
            let created = counter(&node, Counter::ConnectionsCreated);
            let removed = counter(&node, Counter::ConnectionsRemoved);
            let connection = tcp_connect(node.namespace("client"), &target).expect("sockets work");
            connection
                .expect("it is allowed")
                .reset()
                .expect("sockets work");
            let records =
                node.records_until(|records| records.iter().any(|each| each.tcp_flags & 4 != 0));
            let verdicts = records
                .iter()
                .filter(|each| each.kind == KIND_POLICY_VERDICT);
            assert_eq!(verdicts.count(), 2, "round {round}: one at either end");
            assert_eq!(counter(&node, Counter::ConnectionsCreated) - created, 2);
            let replaced = if round == 0 { 0 } else { 2 };
            assert_eq!(
                counter(&node, Counter::ConnectionsRemoved) - removed,
                replaced,
                "round {round}"
            );
        }
    }
}

#[test]
fn a_connection_first_seen_under_way_is_marked() {
    let mut node = TestNode::new("cnm", &[("client", "client"), ("server", "server")]);
    let _server = node.serve("server", 8080);
    for ipv6 in [false, true] {
        let family = if ipv6 { 6 } else { 4 };
        for name in ["client", "server"] {
            node.datapath.endpoints.remove(node.members[name].ifindex);
        }
        let to = SocketAddr::new(node.address("server", ipv6), 8080);
        let source = Some(SocketAddr::new(any(ipv6), 44_100));
        let target = TcpTarget {
            source,
            ..TcpTarget::new(to, Duration::from_secs(1))
        };
        node.account();
        node.records();
        let mut connection = tcp_connect(node.namespace("client"), &target)
            .expect("sockets work")
            .expect("nobody judges");
        assert_eq!(
            node.records(),
            [],
            "an interface without endpoint tells nothing"
        );
        assert!(node.datapath.counters.total(TOTAL_NO_ENDPOINT).packets > 0);
        for name in ["client", "server"] {
            node.change_row(name, |_| {});
        }
        connection
            .request(100)
            .expect("sockets work")
            .expect("echoed");
        let records = node.records();
        let verdicts: Vec<_> = records
            .into_iter()
            .filter(|each| each.kind == KIND_POLICY_VERDICT)
            .collect();
        let packet = format!("client:44100 > server:8080 TCP{family} A, All by none, midstream");
        let expected = [
            format!("client: verdict FORWARDED egress original {packet}"),
            format!("server: verdict FORWARDED ingress original {packet}"),
        ];
        assert_eq!(node.tell_all(&verdicts), expected);
    }
}
