//! Totals of a relay over two observers: each connection that was made counts once, wherever its ends are.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};

use lab::traffic::{ServerMode, UdpFlood, UdpServer, udp_flood};
use proto::tycho::v1::{EdgeCounts, EdgeForm, EdgesPart};
use tests::agent::{Agent, wait_for};
use tests::fleet::Fleet;
use tests::grpc::Grpc;

use super::neighbours::told;

const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backend, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: backend}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: frontend}}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}, {port: "9000", protocol: UDP}]}]
"#;

const PORT: u16 = 9_000;

/// Ethernet, IPv4, UDP and the payload.
const FRAME_BYTES: u64 = 14 + 20 + 8 + 100;

/// An address that nobody has.
const STRANGER: &str = "10.60.0.77:9000";

/// The process. Dropping it kills it.
struct Relay(Child);

impl Relay {
    fn start(socket: &Path, agents: &[Agent]) -> (Self, Grpc) {
        let server = format!("unix://{}", socket.display());
        let mut command = tests::binary::command();
        command.args(["relay", "--listen", &server]);
        for agent in agents {
            command.args(["--peer", agent.server()]);
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let relay = Self(child.expect("tycho starts"));
        wait_for("the relay to serve", || socket.exists());
        (relay, Grpc::at(&server))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn each_connection_counts_once_over_all_nodes() {
    let fleet = Fleet::new(
        "flt",
        &[
            &[("frontend-0", "frontend"), ("guest-0", "guest")],
            &[("backend-1", "backend"), ("frontend-1", "frontend")],
        ],
    );
    let registry = fleet.file_registry();
    let agents = [0, 1].map(|node| {
        fleet.set_policies(node, POLICY);
        fleet.start(node, &registry, &[])
    });
    let _server = fleet.serve("backend-1", 8080);
    let open = fleet.at("backend-1", 8080);
    let says = |agent: &Agent, words: &str| {
        let told = told(agent, "8080");
        told.iter().any(|line| line.contains(words))
    };
    // What was sent before an end was known elsewhere is that of a stranger.
    wait_for("the nodes to know each other's endpoints", || {
        fleet.is_answered("frontend-0", open)
            && !fleet.is_answered("guest-0", open)
            && says(&agents[0], "> backend-1(backend)")
            && says(&agents[1], "guest-0(guest) >")
    });

    let backend = fleet.at("backend-1", PORT);
    let server = UdpServer::start(fleet.namespace("backend-1"), backend, ServerMode::Sink);
    let _sink = server.expect("the port is free");
    let stranger = STRANGER.parse().expect("an address");
    for (from, to, connections) in [
        ("frontend-0", backend, 40),
        ("frontend-1", backend, 25),
        ("guest-0", backend, 7),
        ("frontend-0", stranger, 3),
    ] {
        for _ in 0..connections {
            // A socket, and so a connection, of its own.
            let packet = UdpFlood::new(to, 1, 100);
            let sent = udp_flood(fleet.namespace(from), &packet);
            assert_eq!(sent.expect("sockets work").sent, 1);
        }
    }

    let (_relay, grpc) = Relay::start(&fleet.home(0).join("relay.sock"), &agents);
    let expected = [
        ("k8s:role=frontend > k8s:role=backend", [40 + 25, 0]),
        ("k8s:role=guest > k8s:role=backend", [0, 7]),
        ("k8s:role=frontend > reserved:world", [3, 0]),
    ];
    let expected = expected.map(|(pair, connections)| (pair.to_owned(), connections));
    let mut found = BTreeMap::new();
    wait_for("the relay to be connected to both", || {
        let parts = grpc.edges(EdgeForm::Merged);
        found = merged(&parts);
        found.len() == expected.len()
    });
    assert_eq!(found, BTreeMap::from(expected));
    // Both ends of what was let through have counted it: those of a stranger have one end.
    let both = grpc.edges(EdgeForm::ByNode);
    let edges = both.iter().flat_map(|part| &part.edges);
    let edges = edges.filter(|edge| edge.port == u32::from(PORT) && edge.protocol == 17);
    let counted: u64 = edges.map(|edge| packets(edge.counts)).sum();
    assert_eq!(counted, 2 * (40 + 25) + 2 * 7 + 3);
}

/// Delivered and dropped packets of each pair, none of which is answered.
fn merged(parts: &[EdgesPart]) -> BTreeMap<String, [u64; 2]> {
    let label = |number| {
        let mut labels = parts.iter().flat_map(|part| &part.labels);
        let labels = labels.find(|labels| labels.number == number);
        let labels = &labels.expect("every number is told").labels;
        let mut roles = labels
            .iter()
            .filter(|label| label.starts_with("k8s:role=") || label.starts_with("reserved:"));
        roles.next().expect("a role").clone()
    };
    let edges = parts.iter().flat_map(|part| &part.merged);
    let edges = edges.filter(|edge| edge.port == u32::from(PORT) && edge.protocol == 17);
    edges
        .map(|edge| {
            let pair = format!("{} > {}", label(edge.source), label(edge.destination));
            assert_eq!(packets(edge.audited) + packets(edge.dropped_at_source), 0);
            let sums = [edge.forwarded, edge.dropped_at_destination].map(packets);
            (pair, sums)
        })
        .collect()
}

/// Packets of who has opened, each a whole frame.
fn packets(counts: Option<EdgeCounts>) -> u64 {
    let counts = counts.unwrap_or_default();
    assert_eq!(counts.forward_bytes, counts.forward_packets * FRAME_BYTES);
    counts.forward_packets
}
