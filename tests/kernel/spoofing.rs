//! Addresses that are not the endpoint's own.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use bpf_events::endpoint::SPOOFING_OFF;
use bpf_events::record::REASON_INVALID_SOURCE_IP;
use lab::traffic::{UdpRequest, udp_exchange};
use tests::attempt::PATIENCE;
use tests::datapath::TestNode;

#[test]
fn a_foreign_source_passes_only_where_that_is_allowed() {
    let mut node = TestNode::new("spf", &[("liar", "liar"), ("server", "server")]);
    let _server = node.serve("server", 8080);
    let mut expected_drops = 0;
    for (ipv6, foreign, length, prefix) in [
        (false, "10.44.0.99", 24, ("10.44.0.96", 27)),
        (true, "fd44::99", 64, ("fd44::90", 124)),
    ] {
        let family = if ipv6 { 6 } else { 4 };
        let liar = node.member("liar").clone();
        give_address(&node, &format!("{foreign}/{length}"));
        let foreign: IpAddr = foreign.parse().expect("an address");
        let own = node.address("liar", ipv6);
        assert!(sends(&node, own, 45_000), "its own address");

        node.records();
        assert!(!sends(&node, foreign, 45_001), "strict");
        let records = node.records();
        let line = format!(
            "liar: drop DROPPED(132) egress unknown {foreign}(identity {}, metadata {}):45001 as {:02x?} > server:8080 UDP{family}, \
             None by none",
            liar.identity.0,
            liar.metadata,
            node.mac("liar"),
        );
        assert_eq!(node.tell_all(&records), [line]);
        expected_drops += 1;

        let prefix: (IpAddr, u8) = (prefix.0.parse().expect("an address"), prefix.1);
        node.datapath
            .addresses
            .allow_source(liar.number, prefix.0, prefix.1)
            .expect("written");
        assert!(sends(&node, foreign, 45_002), "within its extra CIDR");
        node.datapath
            .addresses
            .disallow_source(liar.number, prefix.0, prefix.1)
            .expect("removed");
        let server = node.member("server").number;
        node.datapath
            .addresses
            .allow_source(server, prefix.0, prefix.1)
            .expect("written");
        assert!(!sends(&node, foreign, 45_003), "another endpoint's CIDR");
        expected_drops += 1;

        node.change_row("liar", |row| row.spoofing = SPOOFING_OFF);
        assert!(sends(&node, foreign, 45_004), "not watched");
        node.change_row("liar", |_| {});
        assert!(!sends(&node, foreign, 45_005), "watched again");
        expected_drops += 1;
    }
    let drops = node.account().egress(REASON_INVALID_SOURCE_IP.into());
    assert_eq!(drops.packets, expected_drops);
}

/// Whether a datagram from this address of the liar is answered.
fn sends(node: &TestNode, from: IpAddr, port: u16) -> bool {
    let to = SocketAddr::new(node.address("server", from.is_ipv6()), 8080);
    let source = Some(SocketAddr::new(from, port));
    let request = UdpRequest {
        source,
        ..UdpRequest::new(to, b"lie", PATIENCE)
    };
    udp_exchange(node.namespace("liar"), &request)
        .expect("sockets work")
        .is_ok()
}

fn give_address(node: &TestNode, address: &str) {
    let mut arguments = vec!["address", "add", address, "dev", "eth0"];
    if address.contains(':') {
        arguments.push("nodad");
    }
    let status = node
        .namespace("liar")
        .run(|| Command::new("ip").args(arguments).status());
    assert!(
        status
            .expect("the namespace is there")
            .expect("ip is installed")
            .success()
    );
}
