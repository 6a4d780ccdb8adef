//! The lab's cluster: nodes that talk over a backbone with their own addresses, and what faults of it look like.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use lab::traffic::{
    NoAnswer, Ping, ServerMode, TcpServer, TcpTarget, UdpServer, ping, tcp_exchange,
};
use lab::{Cluster, ClusterBuilder, EndpointSpec, Namespace, NodeBuilder};

const PREFIX: &str = "tbb";
const PORT: u16 = 8080;
/// Longer than a neighbour that does not answer is looked for (3 s): a packet that vanishes is not "unreachable".
const LONG: Duration = Duration::from_secs(4);
const SHORT: Duration = Duration::from_millis(300);

/// Three nodes with one endpoint each.
fn cluster() -> Cluster {
    lab::sweep(&format!("{PREFIX}-")).expect("leftovers can be removed");
    let parse = |text: &str| text.parse().expect("an address");
    let backbone = ClusterBuilder::new(&format!("{PREFIX}-backbone"))
        .address(parse("10.49.0.254/24"))
        .address(parse("fd49::fe/64"));
    let cluster = (1..=3).fold(backbone, |cluster, number| {
        let endpoint = EndpointSpec::new(&format!("{PREFIX}-endpoint-{number}"))
            .ipv4([10, 49, number, 11].into())
            .ipv6(format!("fd49:{number}::11").parse().expect("an address"));
        let node = NodeBuilder::new(&format!("{PREFIX}-node-{number}"))
            .gateway(parse(&format!("10.49.{number}.1/24")))
            .gateway(parse(&format!("fd49:{number}::1/64")))
            .endpoint(endpoint);
        let addresses = [format!("10.49.0.{number}/24"), format!("fd49::{number}/64")];
        cluster.node(node, addresses.map(|text| parse(&text)))
    });
    cluster.build().expect("it can be built")
}

fn endpoint(cluster: &Cluster, node: usize) -> &Namespace {
    let node = cluster.node(node).expect("it is there");
    node.endpoints()[0].namespace()
}

fn address(cluster: &Cluster, node: usize, ipv6: bool) -> IpAddr {
    let endpoint = &cluster.node(node).expect("it is there").endpoints()[0];
    let mut addresses = endpoint.addresses();
    addresses
        .find(|address| address.is_ipv6() == ipv6)
        .expect("it has both")
}

/// What a connection from an endpoint to one of another node comes to.
fn attempt(cluster: &Cluster, from: usize, to: usize, timeout: Duration) -> Option<NoAnswer> {
    let to = SocketAddr::new(address(cluster, to, false), PORT);
    let target = TcpTarget::new(to, timeout);
    let exchange = tcp_exchange(endpoint(cluster, from), &target, 1, 100).expect("sockets work");
    exchange.err()
}

fn serve(cluster: &Cluster, node: usize) -> TcpServer {
    let at = SocketAddr::new(address(cluster, node, false), PORT);
    TcpServer::start(endpoint(cluster, node), at, ServerMode::Echo).expect("the port is free")
}

/// An open connection between endpoints of two nodes, with each end's view of the other.
fn connection(cluster: &Cluster, from: usize, to: usize, ipv6: bool) -> (TcpStream, TcpStream) {
    let at = SocketAddr::new(address(cluster, to, ipv6), 0);
    let listener = endpoint(cluster, to).run(|| TcpListener::bind(at));
    let listener = listener.expect("entered").expect("bound");
    let at = listener.local_addr().expect("it has one");
    let client = endpoint(cluster, from).run(|| TcpStream::connect_timeout(&at, LONG));
    let client = client.expect("entered").expect("connected");
    let (server, _) = listener.accept().expect("it is there");
    (client, server)
}

fn read(stream: &mut TcpStream, timeout: Duration) -> io::Result<u8> {
    let mut byte = [0];
    stream.set_read_timeout(Some(timeout))?;
    stream.read_exact(&mut byte)?;
    Ok(byte[0])
}

#[test]
fn endpoints_of_different_nodes_talk_with_their_own_addresses() {
    let cluster = cluster();
    for ipv6 in [false, true] {
        for (from, to) in [(0, 1), (1, 2), (2, 0)] {
            let (_client, server) = connection(&cluster, from, to, ipv6);
            let seen = server.peer_addr().expect("connected").ip();
            assert_eq!(seen, address(&cluster, from, ipv6), "{from} to {to}");
        }
        // The backbone's own namespace takes part: nodes and endpoints are reachable from it.
        let request = Ping::new(address(&cluster, 2, ipv6), 1, SHORT);
        let report = ping(cluster.backbone(), &request).expect("sockets work");
        assert_eq!(report.replies, 1, "ipv6 {ipv6}");
    }
    let names: Vec<String> = cluster
        .nodes()
        .map(|node| node.namespace().name().to_owned())
        .collect();
    cluster.delete().expect("it can be removed");
    for name in names {
        assert!(!Namespace::exists(&name), "{name}");
    }
}

/// What minutes would do: neighbours that were learnt are forgotten.
fn forget_neighbours(cluster: &Cluster) {
    let nodes = cluster.nodes().map(|node| node.namespace());
    for namespace in nodes.chain([cluster.backbone()]) {
        let mut ip = Command::new("ip");
        ip.args(["-n", namespace.name(), "neighbour", "flush", "all"]);
        assert!(ip.status().expect("ip runs").success());
    }
}

#[test]
fn packets_of_a_node_that_is_cut_off_vanish_until_it_is_healed() {
    let cluster = cluster();
    let _servers = [serve(&cluster, 0), serve(&cluster, 1)];
    let (mut client, mut server) = connection(&cluster, 0, 1, true);
    assert_eq!(attempt(&cluster, 0, 1, LONG), None);
    assert_eq!(attempt(&cluster, 0, 2, LONG), Some(NoAnswer::Refused));

    cluster.partition(1).expect("cut off");
    cluster.partition(1).expect("twice is as good");
    forget_neighbours(&cluster);
    client.write_all(b"x").expect("the kernel takes it");
    // Neither refused nor unreachable, in both directions, between endpoints and between nodes.
    assert_eq!(attempt(&cluster, 0, 1, LONG), Some(NoAnswer::TimedOut));
    assert_eq!(attempt(&cluster, 1, 0, LONG), Some(NoAnswer::TimedOut));
    let node_b = cluster.addresses(1).expect("it is there")[0].address();
    let target = TcpTarget::new(SocketAddr::new(node_b, PORT), LONG);
    for namespace in [
        cluster.node(0).expect("it is there").namespace(),
        cluster.backbone(),
    ] {
        let exchange = tcp_exchange(namespace, &target, 1, 1).expect("sockets work");
        assert_eq!(exchange.err(), Some(NoAnswer::TimedOut));
    }
    let error = read(&mut server, SHORT).expect_err("nothing arrives");
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    // The others go on.
    assert_eq!(attempt(&cluster, 2, 0, LONG), None);

    cluster.heal(1).expect("healed");
    // Sent again by TCP, over the connection that was open all the time.
    assert_eq!(read(&mut server, 3 * LONG).expect("it arrives"), b'x');
    assert_eq!(attempt(&cluster, 0, 1, LONG), None);
    assert_eq!(attempt(&cluster, 1, 0, LONG), None);
    let error = cluster.partition(3).expect_err("there are three");
    assert!(error.to_string().contains("no node 3: the cluster has 3"));
}

/// Sends so many datagrams of 1,000 bytes at once, and says how many arrived: all, or as many as had when no more came.
fn burst(cluster: &Cluster, server: &UdpServer, count: u64) -> u64 {
    let before = server.counters().received;
    let socket = endpoint(cluster, 0).run(|| UdpSocket::bind("0.0.0.0:0"));
    let socket = socket.expect("entered").expect("bound");
    for _ in 0..count {
        socket
            .send_to(&[b'u'; 1_000], server.address())
            .expect("the kernel takes it");
    }
    let mut arrived = 0;
    loop {
        for _ in 0..30 {
            std::thread::sleep(SHORT / 3);
            if server.counters().received - before == count {
                return count;
            }
        }
        let now = server.counters().received - before;
        if now == arrived {
            return now;
        }
        arrived = now;
    }
}

#[test]
fn a_slow_node_queues_and_then_drops() {
    let cluster = cluster();
    let at = SocketAddr::new(address(&cluster, 1, false), PORT);
    let server = UdpServer::start(endpoint(&cluster, 1), at, ServerMode::Sink);
    let server = server.expect("the port is free");
    assert_eq!(burst(&cluster, &server, 300), 300);
    cluster.slow(1, 40_000).expect("slow");
    let arrived = burst(&cluster, &server, 300);
    // What the queue holds arrives, and what the link carries while the burst is sent; the rest does not.
    assert!((40..200).contains(&arrived), "{arrived}");
    cluster.slow(1, 1_000_000_000).expect("changed");
    assert_eq!(burst(&cluster, &server, 300), 300);
    cluster.hurry(1).expect("as before");
    assert_eq!(burst(&cluster, &server, 300), 300);
}
