//! Who somebody is may change: more endpoints of one identity, addresses learnt late.

use std::net::SocketAddr;
use std::time::Duration;

use bpf_events::ipcache::{ADDRESS_MANAGED, AddressInfo};
use lab::traffic::{TcpTarget, tcp_connect};
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
  - fromEntities: [world]
"#;

#[test]
fn more_endpoints_of_an_identity_need_no_policy() {
    let endpoints = [
        ("friend", "friend"),
        ("enemy", "enemy"),
        ("server", "server"),
    ];
    let mut node = TestNode::new("idm", &endpoints);
    node.enforce(POLICY);
    let writes = node.datapath.policy_sets.writes();
    let _server = node.serve("server", 8080);
    let mut source_port = 42_000;
    for (name, role, allowed) in [
        ("friend-2", "friend", true),
        ("enemy-2", "enemy", false),
        ("friend-3", "friend", true),
    ] {
        node.add(name, role);
        for ipv6 in [false, true] {
            source_port += 1;
            let attempt = Attempt {
                from: name,
                to: "server",
                protocol: Protocol::Tcp,
                ipv6,
                source_port,
                port: 8080,
            };
            assert_eq!(node.is_answered(&attempt), allowed, "{attempt:?}");
        }
    }
    // More of the server's identity: protected by the same set at once.
    node.add("server-2", "server");
    let _server = node.serve("server-2", 8080);
    for (from, allowed) in [("friend-2", true), ("enemy", false)] {
        let attempt = Attempt {
            from,
            to: "server-2",
            protocol: Protocol::Udp,
            ipv6: false,
            source_port: 42_100,
            port: 8080,
        };
        assert_eq!(node.is_answered(&attempt), allowed, "{attempt:?}");
    }
    assert_eq!(
        node.datapath.policy_sets.writes(),
        writes,
        "entries written for five more endpoints"
    );
}

#[test]
fn an_address_learnt_later_is_judged_anew() {
    let mut node = TestNode::new("idl", &[("server", "server"), ("enemy", "enemy")]);
    node.add_stranger("stranger");
    node.enforce(POLICY);
    let _server = node.serve("server", 8080);
    for ipv6 in [false, true] {
        let to = SocketAddr::new(node.address("server", ipv6), 8080);
        let target = TcpTarget::new(to, Duration::from_secs(1));
        let mut connection = tcp_connect(node.namespace("stranger"), &target)
            .expect("sockets work")
            .expect("world is allowed");
        connection
            .request(100)
            .expect("sockets work")
            .expect("echoed");

        let enemy = AddressInfo {
            identity: node.member("enemy").identity.0,
            metadata: 77,
            endpoint: 0,
            flags: ADDRESS_MANAGED,
        };
        let address = node.address("stranger", ipv6);
        node.datapath
            .addresses
            .set(address, enemy)
            .expect("written");
        node.datapath.bump_identity_epoch();
        node.records();
        connection
            .request(100)
            .expect("sockets work")
            .expect_err("an enemy is denied");
        let records = node.records();
        let drops: Vec<_> = records
            .iter()
            .filter(|each| each.kind == bpf_events::record::KIND_DROP)
            .collect();
        assert!(!drops.is_empty());
        for drop in drops {
            assert_eq!(
                (drop.source_identity, drop.source_metadata),
                (enemy.identity, 77),
                "{drop:?}"
            );
            assert!(
                node.tell(drop).contains("drop DROPPED(133) ingress"),
                "{}",
                node.tell(drop)
            );
            assert!(
                node.tell(drop).ends_with("None by none, rejudged"),
                "{}",
                node.tell(drop)
            );
        }

        node.datapath.addresses.remove(address).expect("removed");
        node.datapath.bump_identity_epoch();
        connection
            .request(100)
            .expect("sockets work")
            .expect("world is allowed again");
        let told = node.records();
        let told = node.tell_all(&told);
        let again = told
            .iter()
            .find(|line| line.contains(": verdict FORWARDED ingress original stranger:"));
        let again =
            again.unwrap_or_else(|| panic!("no verdict says that it is allowed again: {told:#?}"));
        assert!(
            again.ends_with("L3Only by server ingress[1], rejudged"),
            "{again}"
        );
    }
}
