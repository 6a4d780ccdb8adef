//! A cluster as large as one likes, without a kernel: observers' pipelines and services behind TCP ports, fed with the
//! connections of many identities. Each node tells them as its datapath would, flows and totals of edges alike.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bpf_events::edge::{EDGE_OTHER_END_MANAGED, EdgeCell, EdgeKey};
use bpf_events::record::{
    DIRECTION_EGRESS, DIRECTION_INGRESS, KIND_POLICY_VERDICT, MATCH_L3_L4, MATCH_NONE,
    REASON_POLICY_DENIED, RECORD_VERSION, REPLY_NO, Record, VERDICT_DROPPED, VERDICT_FORWARDED,
};
use daemon::drain::Drain;
use daemon::health::Health;
use daemon::listen::{Exposure, Listen};
use daemon::tasks::Tasks;
use flow::edges::{EdgeId, EdgeNames, EdgeReading, EdgeTotal};
use flow::metadata::{FIRST_FREE_INDEX, MetadataContent, Workload};
use flow::rules::{PolicyRef, RuleInfo};
use observer::Node;
use observer::pipeline::{Inlet, Pipeline, monotonic_ns};
use observer::service::Server;
use policy::{Identities, Identity, LabelSet};
use tokio_util::sync::CancellationToken;
use zerocopy::{FromZeros, IntoBytes};

use crate::random::Random;

/// Flows that each node holds.
const HELD: u64 = 65_536;

/// The number of the first identity.
const FIRST_IDENTITY: u32 = 256;

/// Rules: what allows, and the default deny.
const ALLOW: u32 = 9;
const DENY: u32 = 10;

/// Of so many edges one is denied.
const DENIED: usize = 23;

/// Packets and bytes of a connection that passes.
const PACKETS: u64 = 10;
const BYTES: u64 = 4_000;

/// How large it is.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Nodes.
    pub nodes: usize,
    /// Identities, each with an endpoint, in a namespace of up to fifty.
    pub identities: u32,
    /// Who talks to whom.
    pub edges: usize,
}

/// The nodes, and who talks to whom.
pub struct Crowd {
    nodes: Vec<CrowdNode>,
    edges: Arc<[Edge]>,
    ports: Vec<u16>,
}

struct CrowdNode {
    node: Arc<Node>,
    inlet: Inlet,
    identities: Arc<Identities>,
}

#[derive(Clone, Copy)]
struct Edge {
    source: u32,
    destination: u32,
    port: u16,
    denied: bool,
}

/// Traffic that goes on until it is ended.
pub struct Traffic {
    thread: JoinHandle<Crowd>,
    stop: CancellationToken,
    connections: Arc<AtomicU64>,
}

impl Crowd {
    /// Makes the nodes; nothing happens yet.
    pub async fn start(shape: Shape, tasks: &Tasks) -> Self {
        let mut identities = Identities::new();
        for number in 0..shape.identities {
            let identity = Identity(FIRST_IDENTITY + number);
            identities
                .insert(identity, labels(number))
                .expect("labels differ");
        }
        let identities = Arc::new(identities);
        let mut nodes = Vec::new();
        let mut ports = Vec::new();
        for index in 0..shape.nodes {
            let (pipeline, inlet) = Pipeline::start(HELD, tasks);
            let node = Arc::new(Node::new(format!("default/node-{index}"), &pipeline, None));
            describe(&node, shape);
            ports.push(serve(&node, tasks).await);
            nodes.push(CrowdNode {
                node,
                inlet,
                identities: Arc::clone(&identities),
            });
        }
        Self {
            nodes,
            edges: edges(shape),
            ports,
        }
    }

    /// The addresses of the nodes.
    pub fn addresses(&self) -> Vec<String> {
        let ports = self.ports.iter();
        ports.map(|port| format!("127.0.0.1:{port}")).collect()
    }

    /// Lets so many connections come every second; each is told by two flows.
    pub fn talk(self, connections_per_second: u32) -> Traffic {
        let stop = CancellationToken::new();
        let connections = Arc::new(AtomicU64::new(0));
        let (ends, counted) = (stop.clone(), Arc::clone(&connections));
        let thread = std::thread::spawn(move || self.run(connections_per_second, &ends, &counted));
        Traffic {
            thread,
            stop,
            connections,
        }
    }

    fn run(mut self, per_second: u32, stop: &CancellationToken, counted: &AtomicU64) -> Self {
        const STEP: Duration = Duration::from_millis(10);
        let mut random = Random::new(7);
        let mut totals = vec![0_u64; self.edges.len()];
        let begun = Instant::now();
        let mut published = Instant::now();
        let mut done = 0_u64;
        while !stop.is_cancelled() {
            let due = (begun.elapsed().as_secs_f64() * f64::from(per_second)) as u64;
            while done < due {
                // Some edges are used much more than others.
                let skewed = random
                    .below(self.edges.len())
                    .min(random.below(self.edges.len()));
                self.connect(skewed);
                totals[skewed] += 1;
                done += 1;
            }
            counted.store(done, Ordering::Relaxed);
            for node in &mut self.nodes {
                node.inlet.watermark(monotonic_ns());
            }
            if published.elapsed() >= Duration::from_secs(1) {
                published = Instant::now();
                self.publish(&totals);
            }
            std::thread::sleep(STEP);
        }
        for node in &mut self.nodes {
            node.inlet.watermark(monotonic_ns());
        }
        self.publish(&totals);
        self
    }

    /// A connection: the source's node lets it out, the destination's judges.
    fn connect(&mut self, index: usize) {
        let edge = self.edges[index];
        let time_ns = monotonic_ns();
        let leaves = record(&edge, DIRECTION_EGRESS, false, time_ns);
        let arrives = record(&edge, DIRECTION_INGRESS, edge.denied, time_ns);
        let nodes = self.nodes.len();
        let at = |identity: u32| identity as usize % nodes;
        self.nodes[at(edge.source)].inlet.accept(leaves.as_bytes());
        self.nodes[at(edge.destination)]
            .inlet
            .accept(arrives.as_bytes());
    }

    /// What the kernels would have counted.
    fn publish(&self, totals: &[u64]) {
        for (index, node) in self.nodes.iter().enumerate() {
            let at = |identity: u32| identity as usize % self.nodes.len() == index;
            let mut counted = Vec::new();
            for (edge, total) in self
                .edges
                .iter()
                .zip(totals)
                .filter(|(_, total)| **total > 0)
            {
                if at(edge.source) {
                    counted.push(edge_total(edge, DIRECTION_EGRESS, false, *total));
                }
                if at(edge.destination) {
                    counted.push(edge_total(edge, DIRECTION_INGRESS, edge.denied, *total));
                }
            }
            let names = EdgeNames {
                identities: Arc::clone(&node.identities),
                rules: node.node.names.rules.snapshot(),
                endpoints: BTreeMap::new(),
            };
            let own = &node.node.names;
            let times = (node.node.started_ns, node.node.wall_ns());
            let reading = EdgeReading::new(own.node_name.clone(), own.epoch, times, counted, names);
            node.node.edges.publish(reading);
        }
    }
}

impl Traffic {
    /// Connections so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Ends the traffic; the nodes remain.
    pub fn end(self) -> Crowd {
        self.stop.cancel();
        self.thread.join().expect("the traffic does not break")
    }
}

/// Who talks to whom: most within its namespace.
fn edges(shape: Shape) -> Arc<[Edge]> {
    let mut random = Random::new(5);
    let mut edges = BTreeMap::new();
    while edges.len() < shape.edges {
        let source = random.below(shape.identities as usize) as u32;
        let near = random.percent(60);
        let destination = match near {
            true => (source / 50 * 50 + random.below(50) as u32).min(shape.identities - 1),
            false => random.below(shape.identities as usize) as u32,
        };
        let port = random.pick(&[80, 443, 5_432, 8_080, 9_090]);
        let denied = edges.len() % DENIED == 0;
        edges.entry((source, destination, port)).or_insert(Edge {
            source,
            destination,
            port,
            denied,
        });
    }
    edges.into_values().collect()
}

fn labels(number: u32) -> LabelSet {
    let labels = [
        format!("k8s:app=app-{number}"),
        format!("k8s:io.kubernetes.pod.namespace=team-{}", number / 50),
        format!("k8s:tier=tier-{}", number % 3),
    ];
    LabelSet::parse(labels).expect("these are labels")
}

fn describe(node: &Node, shape: Shape) {
    for number in 0..shape.identities {
        let content = MetadataContent {
            endpoint_id: number + 1,
            identity: FIRST_IDENTITY + number,
            labels: labels(number),
            namespace: format!("team-{}", number / 50),
            pod_name: format!("app-{number}-0"),
            workloads: vec![Workload {
                kind: "Deployment".into(),
                name: format!("app-{number}"),
            }],
            cluster_name: "default".into(),
            ..MetadataContent::default()
        };
        node.names
            .metadata
            .set(
                FIRST_FREE_INDEX + number,
                &format!("endpoint/{number}"),
                content,
                1,
            )
            .expect("a small index");
    }
    let policy = PolicyRef {
        kind: "CiliumNetworkPolicy".into(),
        namespace: "team-0".into(),
        name: "crowd".into(),
        labels: Vec::new(),
    };
    let allow = RuleInfo {
        policies: vec![policy.clone()],
        index: Some(0),
        direction: DIRECTION_INGRESS,
        description: "CiliumNetworkPolicy/team-0/crowd ingress[0]".into(),
        ..RuleInfo::default()
    };
    let deny = RuleInfo {
        policies: vec![policy],
        direction: DIRECTION_INGRESS,
        description: "default deny of CiliumNetworkPolicy/team-0/crowd".into(),
        ..RuleInfo::default()
    };
    for (number, rule) in [(ALLOW, allow), (DENY, deny)] {
        node.names.rules.set(number, rule).expect("a small number");
    }
}

fn edge_total(edge: &Edge, direction: u8, denied: bool, connections: u64) -> EdgeTotal {
    let key = EdgeKey {
        source_identity: FIRST_IDENTITY + edge.source,
        destination_identity: FIRST_IDENTITY + edge.destination,
        protocol: 6,
        port: edge.port,
        direction,
        verdict: if denied {
            VERDICT_DROPPED
        } else {
            VERDICT_FORWARDED
        },
        reason: if denied { REASON_POLICY_DENIED } else { 0 },
        flags: if denied { 0 } else { EDGE_OTHER_END_MANAGED },
        rule: rule(direction, denied),
    };
    let packets = if denied { 1 } else { PACKETS };
    EdgeTotal {
        id: EdgeId::Edge(key),
        counts: EdgeCell {
            forward_packets: connections * packets,
            forward_bytes: connections * if denied { 74 } else { BYTES },
            ..EdgeCell::default()
        },
    }
}

fn rule(direction: u8, denied: bool) -> u32 {
    match (direction, denied) {
        (DIRECTION_EGRESS, _) => 0,
        (_, false) => ALLOW,
        (_, true) => DENY,
    }
}

fn record(edge: &Edge, direction: u8, denied: bool, time_ns: u64) -> Record {
    let address = |number: u32| {
        Ipv4Addr::from(0x0a00_0001 + number)
            .to_ipv6_mapped()
            .octets()
    };
    Record {
        version: RECORD_VERSION,
        kind: KIND_POLICY_VERDICT,
        time_ns,
        source_address: address(edge.source),
        destination_address: address(edge.destination),
        source_identity: FIRST_IDENTITY + edge.source,
        source_metadata: FIRST_FREE_INDEX + edge.source,
        destination_identity: FIRST_IDENTITY + edge.destination,
        destination_metadata: FIRST_FREE_INDEX + edge.destination,
        rule: rule(direction, denied),
        policy_revision: 1,
        ifindex: 3,
        protocol: 6,
        tcp_flags: 2,
        source_port: 40_000 + (time_ns % 20_000) as u16,
        destination_port: edge.port,
        verdict: if denied {
            VERDICT_DROPPED
        } else {
            VERDICT_FORWARDED
        },
        reason: if denied { REASON_POLICY_DENIED } else { 0 },
        match_type: if denied { MATCH_NONE } else { MATCH_L3_L4 },
        direction,
        reply: REPLY_NO,
        ..Record::new_zeroed()
    }
}

async fn serve(node: &Arc<Node>, tasks: &Tasks) -> u16 {
    let listen: Listen = "127.0.0.1:0".parse().expect("an address");
    let bound = listen
        .bind(Exposure::LoopbackOnly)
        .await
        .expect("a free port");
    let port = bound.tcp_address().expect("it is TCP").port();
    let drain = Drain::new(tasks.cancellation());
    let health = Health::starting().await;
    let server = Server::new(node, &health, &drain, tasks).expect("the services");
    let _served = server.serve(bound, tasks);
    health.serving().await;
    port
}
