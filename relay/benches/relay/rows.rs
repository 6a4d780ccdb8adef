//! The figures, each from nodes, a relay and a client of its own.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certificates::{Authority, Issued, Leaf, Validity};
use flow::imported::scan;
use proto::observer::GetFlowsRequest;
use tonic::transport::Channel;

use crate::client::{self, Read};
use crate::nodes::{self, Nodes, Speak};
use crate::process::Process;
use crate::relay_process;

/// Flows of all nodes together.
const FLOWS: u64 = 3_000_000;

/// Flows of a node that is asked directly.
const NODE_FLOWS: u64 = 1_000_000;

/// Flows of all Hubble nodes together: their bytes lie in memory.
const HUBBLE_FLOWS: u64 = 600_000;

/// Nodes, a relay in front of them, and a client's connection.
struct Scene {
    relay: Process,
    channel: Channel,
    nodes: u32,
    _nodes: Process,
}

impl Scene {
    async fn new(nodes: &Nodes) -> Self {
        let started = Process::start(nodes::ROLE, &nodes.arguments());
        let directory = nodes.certificates.as_deref();
        let mut arguments =
            vec![directory.map_or(String::new(), |path| path.display().to_string())];
        arguments.extend(started.ports.iter().map(ToString::to_string));
        let relay = Process::start(relay_process::ROLE, &arguments);
        let channel = client::open(relay.ports[0], directory).await;
        client::connected(&channel, nodes.count).await;
        Self {
            relay,
            channel,
            nodes: nodes.count,
            _nodes: started,
        }
    }
}

/// Reads all stored flows; the server's processor time for each, and what the client saw.
async fn read_all(server: &Process, channel: &Channel, with_times: bool) -> (f64, Read) {
    let before = server.processor_time();
    let request = GetFlowsRequest::default();
    let read = client::read(channel, &request, with_times, |_| true).await;
    let spent = server.processor_time() - before;
    (nanos(spent) / read.flows as f64, read)
}

/// Measures the rows with these names, or all.
pub(crate) fn measure(names: &[String]) {
    let wanted = |row: &str| names.is_empty() || names.iter().any(|name| name == row);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let directory = tempfile::tempdir().expect("a directory");
    make_certificates(directory.path());
    runtime.block_on(async {
        if wanted("floor-cpu") || wanted("floor-flows") {
            without_relay("floor", Speak::Floor).await;
        }
        if wanted("getflows-cpu") || wanted("getflows-flows") {
            without_relay("getflows", Speak::Tycho).await;
        }
        for count in [1, 3, 10, 100] {
            if wanted(&format!("relay-cpu-{count}")) || wanted(&format!("relay-flows-{count}")) {
                bulk(count, "", FLOWS, Speak::Tycho, None).await;
            }
        }
        if wanted("relay-cpu-10-tls") || wanted("relay-flows-10-tls") {
            let directory = Some(directory.path().to_owned());
            bulk(10, "-tls", FLOWS, Speak::Tycho, directory).await;
        }
        if wanted("relay-cpu-10-hubble") || wanted("relay-flows-10-hubble") {
            bulk(10, "-hubble", HUBBLE_FLOWS, Speak::Hubble, None).await;
        }
        for count in [3, 10, 50] {
            if wanted(&format!("relay-order-{count}")) {
                order(count).await;
            }
        }
        for count in [50, 100] {
            if wanted(&format!("relay-last20-{count}")) {
                last20(count).await;
            }
        }
        if wanted("relay-follow") {
            follow().await;
        }
        if wanted("relay-memory-peer") || wanted("relay-memory-client") {
            memory().await;
        }
    });
}

fn scene_of(count: u32, flows: u64) -> Nodes {
    Nodes {
        count,
        flows: flows / u64::from(count),
        speak: Speak::Tycho,
        certificates: None,
        pause: None,
    }
}

async fn bulk(count: u32, suffix: &str, flows: u64, speak: Speak, certificates: Option<PathBuf>) {
    let scene = Scene::new(&Nodes {
        speak,
        certificates,
        ..scene_of(count, flows)
    })
    .await;
    let (cpu_ns, wall_ns) = best_of_three(&scene.relay, &scene.channel).await;
    figure(&format!("relay-cpu-{count}{suffix}"), cpu_ns, "ns");
    figure(&format!("relay-flows-{count}{suffix}"), wall_ns, "ns");
}

/// The same from one node, asked directly.
async fn without_relay(row: &str, speak: Speak) {
    let nodes = Nodes {
        speak,
        ..scene_of(1, NODE_FLOWS)
    };
    let node = Process::start(nodes::ROLE, &nodes.arguments());
    let channel = client::open(node.ports[0], None).await;
    let (cpu_ns, wall_ns) = best_of_three(&node, &channel).await;
    figure(&format!("{row}-cpu"), cpu_ns, "ns");
    figure(&format!("{row}-flows"), wall_ns, "ns");
}

/// The server's processor time and the client's clock for each flow. The first stream is told the names of all pods; the
/// best of three is one that found a quiet machine.
async fn best_of_three(server: &Process, channel: &Channel) -> (f64, f64) {
    let (mut cpu_ns, mut wall_ns) = (f64::MAX, f64::MAX);
    for _ in 0..3 {
        let (spent_ns, read) = read_all(server, channel, false).await;
        cpu_ns = cpu_ns.min(spent_ns);
        wall_ns = wall_ns.min(nanos(read.took) / read.flows as f64);
    }
    (cpu_ns, wall_ns)
}

async fn order(count: u32) {
    let scene = Scene::new(&scene_of(count, FLOWS / 3)).await;
    let (_, read) = read_all(&scene.relay, &scene.channel, true).await;
    assert_eq!(
        read.flows,
        FLOWS / 3 / u64::from(count) * u64::from(count),
        "some are missing"
    );
    figure(
        &format!("relay-order-{count}"),
        read.out_of_order as f64,
        "flows",
    );
}

async fn last20(count: u32) {
    let scene = Scene::new(&scene_of(count, FLOWS)).await;
    let request = GetFlowsRequest {
        number: 20,
        ..GetFlowsRequest::default()
    };
    let mut first = Vec::new();
    for _ in 0..15 {
        let read = client::read(&scene.channel, &request, true, |_| true).await;
        assert_eq!(read.flows, 20);
        first.push(read.first);
    }
    first.sort_unstable();
    figure(
        &format!("relay-last20-{count}"),
        nanos(first[first.len() / 2]) / 1e6,
        "ms",
    );
}

/// One flow of all nodes each 300 ms: how old it is when the client has it.
async fn follow() {
    let scene = Scene::new(&Nodes {
        pause: Some(Duration::from_millis(250)),
        ..scene_of(10, 0)
    })
    .await;
    let request = GetFlowsRequest {
        follow: true,
        ..GetFlowsRequest::default()
    };
    let mut ages = Vec::new();
    let read = client::read(&scene.channel, &request, true, |message| {
        if let (Some(time_ns), true) = (
            scan(message).time_ns,
            scan(message).kind == flow::imported::ResponseKind::Flow,
        ) {
            ages.push(now_ns().saturating_sub(time_ns));
        }
        ages.len() < 60
    })
    .await;
    assert_eq!(read.out_of_order, 0);
    ages.sort_unstable();
    figure("relay-follow-p50", ages[ages.len() / 2] as f64 / 1e6, "ms");
    figure("relay-follow", ages[ages.len() - 1] as f64 / 1e6, "ms");
}

/// What peers take that are connected, and what clients take that read.
async fn memory() {
    let few = Scene::new(&scene_of(1, 4_096)).await;
    let many = Scene::new(&scene_of(100, 409_600)).await;
    let peer = (many
        .relay
        .resident_bytes()
        .saturating_sub(few.relay.resident_bytes())) as f64
        / 99.0;
    figure("relay-memory-peer", peer / 1024.0 / 1024.0, "MiB");
    let scene = Scene::new(&scene_of(10, FLOWS)).await;
    read_all(&scene.relay, &scene.channel, false).await;
    let before = scene.relay.resident_bytes();
    let mut open = Vec::new();
    for _ in 0..32 {
        // Each on a connection of its own, with a window that is full: the worst that a client can do.
        let channel = client::open(scene.relay.ports[0], None).await;
        open.push((
            client::call(&channel, &GetFlowsRequest::default()).await,
            channel,
        ));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let client = scene.relay.resident_bytes().saturating_sub(before) as f64 / open.len() as f64;
    figure("relay-memory-client", client / 1024.0 / 1024.0, "MiB");
    assert_eq!(scene.nodes, 10);
}

fn figure(row: &str, value: f64, unit: &str) {
    println!(r#"{{"row": "{row}", "value": {value:.3}, "unit": "{unit}"}}"#);
}

fn nanos(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}

fn now_ns() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    u64::try_from(since.as_nanos()).expect("before 2500")
}

fn make_certificates(directory: &Path) {
    let validity = Validity::lasting(Duration::from_secs(86_400));
    let authority = Authority::new("bench", validity).expect("a CA");
    // It serves and asks.
    let leaf = Leaf::relay("node", "default", &["127.0.0.1".to_owned()]).expect("a name");
    let Issued {
        certificate_pem,
        key_pem,
        ..
    } = authority.issue(&leaf, validity).expect("a certificate");
    for (file, text) in [
        ("ca.pem", authority.certificate_pem()),
        ("node.pem", &certificate_pem),
        ("node-key.pem", &key_pem),
    ] {
        std::fs::write(directory.join(file), text).expect("a file");
    }
}
