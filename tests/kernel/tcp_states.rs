//! How long a connection is remembered, by what its packets have said.

use bpf_events::connection::lifetime_seconds;
use bpf_events::counters::Counter;
use bpf_loader::Probe;
use bpf_loader::connections::ConnectionKey;
use tests::datapath::TestNode;
use tests::packets::{PASSES, tcp, udp};

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

const HALF_OPEN: u64 = 60;
const ESTABLISHED: u64 = 8_000;
const HALF_CLOSED: u64 = 120;
const CLOSED: u64 = 10;

/// Whether the opener sends it, its flags, and the lifetime from then on.
type Step = (bool, u8, u64);

const OPENING: [Step; 3] = [
    (true, SYN, HALF_OPEN),
    (false, SYN | ACK, HALF_OPEN),
    (true, ACK, ESTABLISHED),
];

fn cases() -> Vec<(&'static str, Vec<Step>)> {
    let after_opening = |steps: &[Step]| [&OPENING, steps].concat();
    vec![
        ("a SYN that is repeated", vec![(true, SYN, HALF_OPEN); 3]),
        (
            "an answer that is never confirmed",
            vec![
                (true, SYN, HALF_OPEN),
                (false, SYN | ACK, HALF_OPEN),
                (true, SYN, HALF_OPEN),
                (false, SYN | ACK, HALF_OPEN),
            ],
        ),
        (
            "a refusal",
            vec![(true, SYN, HALF_OPEN), (false, RST | ACK, CLOSED)],
        ),
        (
            "the opener ends first",
            after_opening(&[
                (true, FIN | ACK, HALF_CLOSED),
                (false, ACK, HALF_CLOSED),
                (false, FIN | ACK, CLOSED),
                (true, ACK, CLOSED),
            ]),
        ),
        (
            "the other side ends first",
            after_opening(&[
                (false, FIN | ACK, HALF_CLOSED),
                (true, ACK, HALF_CLOSED),
                (true, FIN | ACK, CLOSED),
            ]),
        ),
        (
            "the opener breaks off",
            after_opening(&[(true, RST, CLOSED)]),
        ),
        (
            "the other side breaks off",
            after_opening(&[(false, RST, CLOSED)]),
        ),
        (
            "first seen under way",
            vec![
                (true, ACK, HALF_OPEN),
                (false, ACK, HALF_OPEN),
                (true, ACK, ESTABLISHED),
            ],
        ),
        (
            "a FIN is the first that is seen",
            vec![(true, FIN | ACK, HALF_CLOSED)],
        ),
        (
            "an RST is the first that is seen",
            vec![(true, RST, CLOSED)],
        ),
    ]
}

#[test]
fn a_connection_lives_as_long_as_its_state_allows() {
    let mut node = TestNode::new("tcs", &[("client", "client"), ("server", "server")]);
    let mut port = 5_000;
    for ipv6 in [false, true] {
        // From either side: the endpoint opens, or is asked.
        for opener in ["client", "server"] {
            let other = if opener == "client" {
                "server"
            } else {
                "client"
            };
            for (what, steps) in cases() {
                port += 1;
                for (turn, (by_opener, flags, lifetime)) in steps.into_iter().enumerate() {
                    let (from, to, ports) = if by_opener {
                        (opener, other, (port, 80))
                    } else {
                        (other, opener, (80, port))
                    };
                    let segment = tcp(ports.0, ports.1, flags);
                    let frame = node.frame(from, to, ipv6, 6, &segment);
                    let probe = if from == "client" {
                        Probe::FromEndpoint
                    } else {
                        Probe::ToEndpoint
                    };
                    assert_eq!(node.inject("client", probe, &frame), PASSES);
                    assert_eq!(
                        lifetimes(&node, port),
                        [lifetime],
                        "{what}, packet {turn}, opened by {opener}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_syn_after_the_end_opens_another_connection() {
    let mut node = TestNode::new("tca", &[("client", "client"), ("server", "server")]);
    for (port, end, anew) in [
        (5_001, &[][..], 0),
        (5_002, &[(true, RST)], 1),
        (5_003, &[(true, FIN | ACK), (false, FIN | ACK)], 1),
    ] {
        let mut send = |by_client: bool, flags| {
            let (frame, probe) = if by_client {
                let frame = node.frame("client", "server", false, 6, &tcp(port, 80, flags));
                (frame, Probe::FromEndpoint)
            } else {
                let frame = node.frame("server", "client", false, 6, &tcp(80, port, flags));
                (frame, Probe::ToEndpoint)
            };
            assert_eq!(node.inject("client", probe, &frame), PASSES);
            node.datapath.counters.sum(Counter::ConnectionsCreated)
        };
        for (by_client, flags, _) in OPENING {
            send(by_client, flags);
        }
        for (by_client, flags) in end {
            send(*by_client, *flags);
        }
        let before = send(true, ACK);
        assert_eq!(send(true, SYN) - before, anew, "port {port}");
    }
}

#[test]
fn what_has_no_states_lives_a_minute() {
    let mut node = TestNode::new("tcu", &[("client", "client"), ("server", "server")]);
    for (protocol, payload) in [
        (17, udp(5_000, 53)),
        (132, tests::named_frames::sctp(5_000, 3868)),
    ] {
        let frame = node.frame("client", "server", false, protocol, &payload);
        for _ in 0..2 {
            assert_eq!(node.inject("client", Probe::FromEndpoint, &frame), PASSES);
        }
    }
    assert_eq!(lifetimes(&node, 5_000), [60, 60]);
}

/// Lifetimes of the connections with this port.
fn lifetimes(node: &TestNode, port: u16) -> Vec<u64> {
    let mut found = Vec::new();
    let connections = &node.datapath.connections;
    let visit = |key, connection: &bpf_events::connection::Connection| {
        let (ports, protocol) = match key {
            ConnectionKey::V4(key) => ((key.local_port, key.remote_port), key.protocol),
            ConnectionKey::V6(key) => ((key.local_port, key.remote_port), key.protocol),
        };
        if ports.0 == port || ports.1 == port {
            found.push(lifetime_seconds(protocol, connection.state));
        }
    };
    connections.for_each(visit).expect("readable");
    found
}
