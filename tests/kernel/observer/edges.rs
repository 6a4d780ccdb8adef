//! Totals of edges are exactly what was sent: at both hooks, in both directions, drops included; and merged, each once.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use lab::traffic::{ServerMode, UdpFlood, UdpServer, udp_flood};
use proto::flow::{DropReason, TrafficDirection};
use proto::tycho::v1::{Edge, EdgeCounts, EdgeForm, EdgesPart, EndManaged};
use tests::agent::{Agent, wait_for};
use tests::grpc::Grpc;
use tests::site::Site;

const WORKLOADS: [(&str, &str); 3] = [
    ("frontend-1", "frontend"),
    ("backend-1", "backend"),
    ("guest-1", "guest"),
];

const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backend, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: backend}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: nobody}}]
  - fromEndpoints: [{matchLabels: {role: frontend}}]
    toPorts: [{ports: [{port: "9000", protocol: UDP}]}]
"#;

const PORT: u16 = 9_000;
const PAYLOAD_BYTES: usize = 100;

/// Ethernet, IPv4 and UDP before the payload.
const FRAME_BYTES: u64 = 14 + 20 + 8 + PAYLOAD_BYTES as u64;

/// An address that nobody has, in a subnet where only strangers live.
const STRANGER: &str = "10.45.0.77";

#[test]
fn totals_are_what_was_sent() {
    let site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &[]);
    let backend = site.at("backend-1", false, PORT);
    let server = UdpServer::start(site.namespace("backend-1"), backend, ServerMode::Sink);
    let _server = server.expect("the port is free");
    let stranger = SocketAddr::new(STRANGER.parse().expect("an address"), PORT);
    let send = |from: &str, to: SocketAddr, packets: u64| {
        let flood = UdpFlood::new(to, packets, PAYLOAD_BYTES);
        let sent = udp_flood(site.namespace(from), &flood).expect("sockets work");
        assert_eq!(sent.sent, packets);
    };
    send("frontend-1", backend, 1_000);
    send("guest-1", backend, 30);
    send("frontend-1", stranger, 7);

    let grpc = Grpc::connect(&agent);
    let lines = || edges(&grpc.edges(EdgeForm::ByNode));
    let expected = [
        // Both hooks of one connection, each for itself.
        ("frontend > backend egress forwarded", "managed", 1_000),
        (
            "frontend > backend ingress forwarded by CiliumNetworkPolicy/shop/backend ingress[1]",
            "managed",
            1_000,
        ),
        ("guest > backend egress forwarded", "managed", 30),
        (
            "guest > backend ingress dropped POLICY_DENIED by default deny by CiliumNetworkPolicy/shop/backend",
            "unknown",
            30,
        ),
        ("frontend > world egress forwarded", "not managed", 7),
    ];
    let expected: BTreeMap<String, u64> = expected
        .into_iter()
        .map(|(what, other_end, packets)| (format!("{what}; {other_end}"), packets))
        .collect();
    assert_eq!(lines(), expected);

    // Merged, each connection counts once: where it arrives, where it is dropped, or where it leaves.
    let merged = merged(&grpc.edges(EdgeForm::Merged));
    let sent = |packets| EdgeCounts {
        forward_packets: packets,
        forward_bytes: packets * FRAME_BYTES,
        ..EdgeCounts::default()
    };
    let nothing = EdgeCounts::default();
    assert_eq!(merged["frontend > backend"], [sent(1_000), nothing]);
    assert_eq!(merged["guest > backend"], [nothing, sent(30)]);
    assert_eq!(merged["frontend > world"][0].forward_packets, 7);
    assert_eq!(merged.len(), 3);

    follow(&grpc, |packets| send("frontend-1", backend, packets));
    // The observer that comes after goes on counting.
    drop(grpc);
    agent.kill();
    let agent = Agent::start(&site, &[]);
    let grpc = Grpc::connect(&agent);
    send("guest-1", backend, 5);
    let dropped = "guest > backend ingress dropped POLICY_DENIED by default deny by CiliumNetworkPolicy/shop/backend; unknown";
    wait_for("drops of both observers' times", || {
        edges(&grpc.edges(EdgeForm::ByNode)).get(dropped) == Some(&35)
    });
}

/// A follower gets everything, then what has changed, with counts since ever.
fn follow(grpc: &Grpc, send: impl Fn(u64)) {
    let mut stream = grpc.follow_edges();
    let first = stream.next().expect("a first reading");
    assert!(first.whole && first.last && first.reading == 1);
    assert_eq!(edges(std::slice::from_ref(&first)).len(), 5);
    send(11);
    let mut names = vec![first];
    let changed = loop {
        let part = stream.next().expect("it goes on");
        assert!(!part.whole && part.gone.is_empty(), "{part:?}");
        assert_eq!(part.reading, names.len() as u64 + 1);
        // What is being sent may fall into two readings.
        let is_all = |edge: &Edge| packets(edge) == 1_011;
        let done = part.edges.len() == 2 && part.edges.iter().all(is_all);
        names.push(part);
        if done {
            break names;
        }
    };
    let touched = changed[1..].iter().flat_map(|part| &part.edges);
    let touched: Vec<&Edge> = touched.collect();
    assert!(
        touched.iter().all(|edge| packets(edge) > 1_000),
        "{touched:?}"
    );
}

/// Each edge in words, with what it has counted.
fn edges(parts: &[EdgesPart]) -> BTreeMap<String, u64> {
    let mut lines = BTreeMap::new();
    for edge in parts.iter().flat_map(|part| &part.edges) {
        let role = |number| role(parts, number);
        let rules = parts.iter().flat_map(|part| &part.rules);
        let mut rules = rules.filter(|rule| rule.number == edge.rule);
        let rule = rules.next().map(|rule| format!(" by {}", rule.description));
        let (here, other) = match edge.direction() {
            TrafficDirection::Egress => (edge.source_managed(), edge.destination_managed()),
            _ => (edge.destination_managed(), edge.source_managed()),
        };
        assert_eq!(here, EndManaged::Managed, "it was counted there");
        let reason = match edge.drop_reason() {
            DropReason::Unknown => String::new(),
            reason => format!(" {}", reason.as_str_name()),
        };
        let line = format!(
            "{} > {} {} {}{reason}{}; {}",
            role(edge.source),
            role(edge.destination),
            edge.direction().as_str_name().to_lowercase(),
            edge.verdict().as_str_name().to_lowercase(),
            rule.unwrap_or_default(),
            match other {
                EndManaged::Managed => "managed",
                EndManaged::NotManaged => "not managed",
                EndManaged::Unknown => "unknown",
            }
        );
        assert_eq!((edge.protocol, edge.port), (17, PORT.into()), "{line}");
        let counts = edge.counts.expect("it has counted");
        // Nothing was answered, but that nobody could find the stranger.
        let answered = counts.reply_packets > 0;
        assert!(!answered || line.contains("world"), "{line}: {counts:?}");
        assert_eq!(counts.forward_bytes, counts.forward_packets * FRAME_BYTES);
        lines.insert(line, counts.forward_packets);
    }
    lines
}

/// Delivered and dropped of each pair.
fn merged(parts: &[EdgesPart]) -> BTreeMap<String, [EdgeCounts; 2]> {
    let edges = parts.iter().flat_map(|part| &part.merged);
    let pair = |edge: &proto::tycho::v1::MergedEdge| {
        let nothing = Some(EdgeCounts::default());
        assert_eq!((edge.audited, edge.dropped_at_source), (nothing, nothing));
        let pair = format!(
            "{} > {}",
            role(parts, edge.source),
            role(parts, edge.destination)
        );
        let sums = [edge.forwarded, edge.dropped_at_destination];
        (pair, sums.map(|sum| sum.expect("told")))
    };
    edges.map(pair).collect()
}

/// The role among the labels of an end, or its reserved name.
fn role(parts: &[EdgesPart], number: u32) -> String {
    let mut labels = parts.iter().flat_map(|part| &part.labels);
    let labels = labels.find(|labels| labels.number == number);
    let labels = &labels.expect("every number is told").labels;
    let mut roles = labels.iter().filter_map(|label| {
        let role = label.strip_prefix("k8s:role=");
        role.or_else(|| label.strip_prefix("reserved:"))
    });
    roles.next().expect("a role").to_owned()
}

fn packets(edge: &Edge) -> u64 {
    edge.counts.map_or(0, |counts| counts.forward_packets)
}
