//! Real datagrams of 10,000 connections through both programs, by the kernel's own clock (`bpf_stats`),
//! above an empty program.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use bpf_events::counters::Counter;
use bpf_loader::Probe;
use tests::datapath::TestNode;

use crate::{Wanted, print};

pub(crate) const ROWS: &[&str] = &["kernel-traffic"];

/// So many sockets at each end: 10,000 pairs.
const SOCKETS: usize = 100;
const FIRST_PORT: u16 = 20_000;
const ROUNDS: usize = 20;
const EMPTY_RUNS: u32 = 200_000;

const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: server}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: client}}]
    toPorts: [{ports: [{port: "20000", endPort: 20127, protocol: UDP}]}]
"#;

pub(crate) fn measure(_wanted: &Wanted) {
    let mut node = TestNode::new("bkt", &[("client", "client"), ("server", "server")]);
    node.enforce(POLICY);
    let servers = sockets(&node, "server", FIRST_PORT);
    let clients = sockets(&node, "client", 0);
    let to = |port: usize| SocketAddr::new(node.address("server", false), FIRST_PORT + port as u16);
    let targets: Vec<SocketAddr> = (0..SOCKETS).map(to).collect();
    // Nobody reads: what a socket has no room for is dropped behind the program.
    let _open = &servers;
    send(&clients, &targets, 1);
    node.records();
    let counting = bpf_loader::bench::count_run_time().expect("the kernel can count");
    let before = run_times(&mut node);
    let packet = [0; 64];
    let empty = node.datapath.run(Probe::Empty, &packet, None, EMPTY_RUNS);
    empty.expect("runs");
    let created = created_connections(&node);
    send(&clients, &targets, ROUNDS);
    assert_eq!(created_connections(&node), created, "all were known");
    let after = run_times(&mut node);
    drop(counting);
    let each = |(before, after): (RunTime, RunTime)| {
        let (time, runs) = (after.0 - before.0, after.1 - before.1);
        assert!(
            runs >= (SOCKETS * SOCKETS * ROUNDS / 2) as u64,
            "{runs} runs"
        );
        time.as_nanos() as f64 / runs as f64
    };
    let [empty, from, to] = [0, 1, 2].map(|probe| each((before[probe], after[probe])));
    print("kernel-traffic/from-endpoint", from - empty, "ns");
    print("kernel-traffic/to-endpoint", to - empty, "ns");
}

fn created_connections(node: &TestNode) -> u64 {
    node.datapath.counters.sum(Counter::ConnectionsCreated)
}

/// How long a program ran in all, and how often.
type RunTime = (Duration, u64);

/// Of the empty program and both others. What it costs to count is in each.
fn run_times(node: &mut TestNode) -> [RunTime; 3] {
    [Probe::Empty, Probe::FromEndpoint, Probe::ToEndpoint]
        .map(|probe| node.datapath.run_time(probe).expect("it is loaded"))
}

/// Sockets at ports in a row, or at any if the first is 0.
fn sockets(node: &TestNode, name: &str, first: u16) -> Vec<UdpSocket> {
    let address = node.address(name, false);
    let bind = || {
        let port = |number: usize| if first == 0 { 0 } else { first + number as u16 };
        (0..SOCKETS)
            .map(|number| UdpSocket::bind((address, port(number))))
            .collect::<Result<Vec<_>, _>>()
    };
    let bound = node.namespace(name).run(bind).expect("it can be entered");
    bound.expect("the ports are free")
}

/// One datagram per pair and round, in an order in which neighbours are far apart.
fn send(clients: &[UdpSocket], targets: &[SocketAddr], rounds: usize) {
    let pairs = SOCKETS * SOCKETS;
    for number in 0..pairs * rounds {
        // 7,919 is prime to 10,000, so every pair has its turn.
        let pair = number * 7_919 % pairs;
        let (client, target) = (&clients[pair % SOCKETS], targets[pair / SOCKETS]);
        client.send_to(b"0123456789", target).expect("it is sent");
    }
}
