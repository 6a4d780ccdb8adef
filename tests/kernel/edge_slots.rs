//! Edge slots are given back and used again, and no packet is forgotten over it.

use std::net::SocketAddr;
use std::time::Duration;

use bpf_events::counters::{Counter, TOTAL_EGRESS, TOTAL_FORWARDED, Total};
use bpf_loader::{RunTimeSettings, Settings};
use lab::traffic::{UdpFlood, udp_flood};
use tests::attempt::{Attempt, Protocol};
use tests::datapath::TestNode;

const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: sender, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: sender}}
  egress:
  - toEndpoints: [{matchLabels: {role: nobody}}]
"#;

const DENIED: u32 = 133;
const ROUNDS: u16 = 6;
const PORTS: u32 = 12;

#[test]
fn a_slot_goes_to_another_edge_and_the_counts_stay() {
    let settings = Settings {
        edge_slots: 64,
        ..Settings::default()
    };
    let endpoints = [("sender", "sender"), ("target", "target")];
    let mut node = TestNode::with("esa", &endpoints, &settings, &RunTimeSettings::default());
    node.enforce(POLICY);
    // More edges than slots: without giving any back they would run out.
    for round in 0..ROUNDS {
        let to = SocketAddr::new(node.address("target", false), 1_000 + 100 * round);
        let flood = UdpFlood {
            destination_ports: PORTS,
            ..UdpFlood::new(to, PORTS.into(), 10)
        };
        udp_flood(node.namespace("sender"), &flood).expect("sockets work");
        for _ in 0..2 {
            node.datapath
                .reclaim_edges(Duration::ZERO)
                .expect("the maps can be read");
            // An edge on its way out is not forgotten meanwhile.
            assert_eq!(node.edges(|_| true), judged(&node), "round {round}");
        }
    }
    let counters = &node.datapath.counters;
    assert_eq!(counters.sum(Counter::EdgeSlotsExhausted), 0);
    // More ports than a pair has edges for, but a pair whose edges are gone begins anew.
    assert_eq!(counters.sum(Counter::DeniedPortsFolded), 0);
    let denied = counters.total(DENIED + TOTAL_EGRESS).packets;
    assert_eq!(denied, u64::from(PORTS) * u64::from(ROUNDS));
    let all = node.edges(|_| true);
    assert_eq!(all, judged(&node));
    let seen = node.edges(|key| key.reason == 133 && key.port == 1_003);
    assert_eq!(
        seen.packets, 1,
        "an edge whose slot was given back keeps its counts"
    );
}

#[test]
fn a_slot_that_a_connection_holds_is_not_given_back() {
    let mut node = TestNode::new("esb", &[("sender", "sender"), ("target", "target")]);
    let attempt = Attempt {
        from: "sender",
        to: "target",
        protocol: Protocol::Tcp,
        ipv6: true,
        source_port: 20_000,
        port: 8_080,
    };
    let servers = node.serve("target", 8_080);
    assert!(node.is_answered(&attempt));
    drop(servers);
    for _ in 0..3 {
        assert_eq!(
            node.datapath
                .reclaim_edges(Duration::ZERO)
                .expect("readable"),
            0
        );
    }
    assert_eq!(node.edges(|_| true), judged(&node));
    let records = node.records();
    assert!(!records.is_empty());
}

/// Packets that were judged at either hook.
fn judged(node: &TestNode) -> Total {
    let mut sum = Total::default();
    for code in [DENIED, TOTAL_FORWARDED] {
        for hook in [0, TOTAL_EGRESS] {
            let total = node.datapath.counters.total(code + hook);
            sum.packets += total.packets;
            sum.bytes += total.bytes;
        }
    }
    sum
}
