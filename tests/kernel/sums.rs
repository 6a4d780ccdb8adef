//! Many packets of one connection: few events, exact sums.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bpf_events::counters::{TOTAL_FORWARDED, Total};
use bpf_events::record::{KIND_TRACE, REPLY_NO, REPLY_YES, Record};
use bpf_loader::RunTimeSettings;
use lab::traffic::{TcpTarget, UdpFlood, tcp_connect, udp_flood};
use tests::accounts::{Account, sum, traced};
use tests::attempt::{Attempt, Protocol};
use tests::datapath::TestNode;

const PACKETS: u64 = 10_000;
const PAYLOAD_BYTES: usize = 100;
/// Ethernet, IP and UDP.
const UDP_BYTES: [u64; 2] = [14 + 20 + 8 + 100, 14 + 40 + 8 + 100];
/// An ICMP error about such a datagram quotes all of its IP packet.
const ERROR_BYTES: [u64; 2] = [14 + 20 + 8 + 128, 14 + 40 + 8 + 148];

/// What one connection told and what was counted meanwhile.
struct Told {
    protocol: u8,
    account: Account,
    records: Vec<Record>,
    seconds: u64,
}

#[test]
fn ten_thousand_datagrams_of_one_connection() {
    let mut node = prepared("smu");
    for ipv6 in [false, true] {
        let to = SocketAddr::new(node.address("server", ipv6), 8080);
        let told = observe(&mut node, 17, |node| {
            let flood = UdpFlood::new(to, PACKETS, PAYLOAD_BYTES);
            let report = udp_flood(node.namespace("client"), &flood).expect("sockets work");
            assert_eq!(report.sent, PACKETS);
        });
        let sent = Total {
            packets: PACKETS,
            bytes: PACKETS * UDP_BYTES[usize::from(ipv6)],
        };
        // Echoes to a socket that is closed by then are answered by ICMP errors: packets of the same connection.
        let forward = direction(&told.records, 17, REPLY_NO);
        let errors = forward.packets - PACKETS;
        assert!(errors < 100, "the kernel sends few errors: {errors}");
        assert_eq!(
            forward.bytes - sent.bytes,
            errors * ERROR_BYTES[usize::from(ipv6)],
            "the sender's own count"
        );
        assert_eq!(
            direction(&told.records, 17, REPLY_YES),
            sent,
            "the server echoed all"
        );
        told.check();
    }
}

#[test]
fn ten_thousand_segments_of_one_connection() {
    let mut node = prepared("smt");
    for ipv6 in [false, true] {
        let to = SocketAddr::new(node.address("server", ipv6), 8080);
        let told = observe(&mut node, 6, |node| {
            let target = TcpTarget::new(to, Duration::from_secs(5));
            let mut connection = tcp_connect(node.namespace("client"), &target)
                .expect("sockets work")
                .expect("the server listens");
            for _ in 0..PACKETS {
                connection
                    .request(PAYLOAD_BYTES)
                    .expect("sockets work")
                    .expect("echoed");
            }
            connection
                .close()
                .expect("sockets work")
                .expect("closed in order");
        });
        assert!(
            direction(&told.records, 6, REPLY_NO).packets > PACKETS,
            "SYN, requests, FIN"
        );
        assert!(
            direction(&told.records, 6, REPLY_YES).packets > PACKETS,
            "SYN-ACK, echoes, FIN"
        );
        told.check();
    }
}

fn prepared(prefix: &str) -> TestNode {
    TestNode::new(prefix, &[("client", "client"), ("server", "server")])
}

/// Runs the traffic against an echo server and collects what it left behind.
fn observe(node: &mut TestNode, protocol: u8, traffic: impl FnOnce(&TestNode)) -> Told {
    let _server = node.serve("server", 8080);
    // Neighbours know each other from here on.
    for ipv6 in [false, true] {
        let ping = Attempt {
            from: "client",
            to: "server",
            protocol: Protocol::Icmp,
            ipv6,
            source_port: 0,
            port: 0,
        };
        assert!(node.is_answered(&ping));
    }
    node.settle(&RunTimeSettings::default());
    let before = node.account();
    let edges = node.edges(|_| true);
    let started = Instant::now();
    traffic(node);
    let seconds = started.elapsed().as_secs();
    let account = node.account().since(&before);
    let edges_after = node.edges(|_| true);
    assert_eq!(
        Total {
            packets: edges_after.packets - edges.packets,
            bytes: edges_after.bytes - edges.bytes
        },
        account.both(TOTAL_FORWARDED),
        "edge cells"
    );
    let records = node.settle(&RunTimeSettings::default());
    Told {
        protocol,
        account,
        records,
        seconds,
    }
}

impl Told {
    fn check(&self) {
        self.account.assert_balanced();
        for reply in [REPLY_NO, REPLY_YES] {
            let events = self
                .records
                .iter()
                .filter(|each| is_trace(each, self.protocol, reply));
            let events = events.count() as u64;
            assert!(
                events <= 3 + self.seconds / 5,
                "{events} events in {} s",
                self.seconds
            );
            assert!(events >= 2, "the first packet and the idle end at least");
        }
        assert_eq!(
            traced(&self.records),
            self.account.ingress(TOTAL_FORWARDED),
            "told where it is delivered"
        );
        assert_eq!(
            traced(&self.records),
            self.account.egress(TOTAL_FORWARDED),
            "nothing was dropped"
        );
    }
}

fn direction(records: &[Record], protocol: u8, reply: u8) -> Total {
    sum(records
        .iter()
        .filter(|each| is_trace(each, protocol, reply))
        .map(|record| Total {
            packets: record.packets.into(),
            bytes: record.bytes,
        }))
}

/// The first ICMP error of a direction has a trace of its own; later ones are told with the datagrams.
fn is_trace(record: &Record, protocol: u8, reply: u8) -> bool {
    record.kind == KIND_TRACE && record.protocol == protocol && record.reply == reply
}
