//! The nodes: observers' pipelines and services, with flows of 200 pods that are interleaved in time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bpf_events::record::{
    DIRECTION_INGRESS, KIND_TRACE, POINT_TO_ENDPOINT, RECORD_VERSION, REPLY_NO, Record, TRACE_NEW,
    VERDICT_FORWARDED,
};
use daemon::drain::Drain;
use daemon::health::Health;
use daemon::listen::{Exposure, Listen};
use daemon::tasks::Tasks;
use daemon::tls::{CertificateFiles, ServerFiles, ServerTls};
use flow::metadata::{FIRST_FREE_INDEX, MetadataContent, Workload};
use observer::Node;
use observer::pipeline::{Inlet, Pipeline, monotonic_ns};
use observer::service::Server;
use policy::LabelSet;
use zerocopy::{FromZeros, IntoBytes};

use crate::hubble;
use crate::process::serve_until_end;

/// The role of such a process.
pub(crate) const ROLE: &str = "as-nodes";

/// Pods of a node, each with seven labels.
const PODS: u32 = 200;

/// How nodes are to be.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    pub(crate) count: u32,
    /// Flows that each holds.
    pub(crate) flows: u64,
    pub(crate) speak: Speak,
    /// Where certificates are, for TLS.
    pub(crate) certificates: Option<PathBuf>,
    /// Between two flows of all nodes, after the stored ones; none without.
    pub(crate) pause: Option<Duration>,
}

/// The protocol of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speak {
    Tycho,
    /// Hubble's GetFlows alone, from bytes that are ready.
    Hubble,
    /// The same, one chunk of flows again and again: what is left of the work is the kernel's and HTTP/2's.
    Floor,
}

impl Speak {
    const ALL: [Self; 3] = [Self::Tycho, Self::Hubble, Self::Floor];
}

impl Nodes {
    pub(crate) fn arguments(&self) -> Vec<String> {
        let pause_ms = self.pause.map_or(0, |pause| pause.as_millis());
        vec![
            self.count.to_string(),
            self.flows.to_string(),
            (self.speak as usize).to_string(),
            pause_ms.to_string(),
            self.certificates
                .as_ref()
                .map_or(String::new(), |path| path.display().to_string()),
        ]
    }

    fn parse(arguments: &[String]) -> Self {
        let number = |index: usize| arguments[index].parse::<u64>().expect("a number");
        Self {
            count: u32::try_from(number(0)).expect("few nodes"),
            flows: number(1),
            speak: Speak::ALL[usize::try_from(number(2)).expect("a small number")],
            pause: Some(Duration::from_millis(number(3))).filter(|pause| !pause.is_zero()),
            certificates: Some(PathBuf::from(&arguments[4]))
                .filter(|path| !path.as_os_str().is_empty()),
        }
    }
}

/// Serves until the input ends.
pub(crate) fn run(arguments: &[String]) {
    let nodes = Nodes::parse(arguments);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let tasks = Tasks::new();
        let begin_ns = monotonic_ns();
        let mut ports = Vec::new();
        let mut inlets = Vec::new();
        for index in 0..nodes.count {
            let (node, mut inlet) = make(index, nodes.flows, &tasks);
            feed(&mut inlet, &node, &nodes, index, begin_ns).await;
            inlet.watermark(monotonic_ns());
            let port = match nodes.speak {
                Speak::Tycho => serve(&node, nodes.certificates.as_deref(), &tasks).await,
                Speak::Hubble => hubble::serve(hubble::encoded(&node), &tasks).await,
                Speak::Floor => hubble::serve(hubble::repeated(&node), &tasks).await,
            };
            ports.push(port);
            inlets.push(inlet);
        }
        let stop = tasks.cancellation();
        let pause = nodes.pause;
        std::thread::spawn(move || {
            let mut port = 0;
            while !stop.is_cancelled() {
                std::thread::sleep(Duration::from_millis(1));
                if let Some(pause) = pause {
                    std::thread::sleep(pause);
                    port += 1;
                    let which = port as usize % inlets.len();
                    inlets[which].accept(record(port, monotonic_ns()).as_bytes());
                }
                for inlet in &mut inlets {
                    inlet.watermark(monotonic_ns());
                }
                std::thread::sleep(Duration::from_millis(49));
            }
        });
        tokio::task::block_in_place(|| serve_until_end(&ports));
        tasks.cancellation().cancel();
    });
    std::process::exit(0);
}

fn make(index: u32, flows: u64, tasks: &Tasks) -> (Arc<Node>, Inlet) {
    let (pipeline, inlet) = Pipeline::start(flows.max(4_096), tasks);
    let node = Arc::new(Node::new(format!("default/node-{index}"), &pipeline, None));
    for pod in 0..PODS {
        let labels = [
            format!("k8s:app=app-{}", pod / 4),
            "k8s:io.kubernetes.pod.namespace=shop".to_owned(),
            "k8s:io.cilium.k8s.policy.cluster=default".to_owned(),
            format!(
                "k8s:io.cilium.k8s.policy.serviceaccount=account-{}",
                pod / 4
            ),
            format!("k8s:tier=tier-{}", pod % 3),
            format!("k8s:version=v{}", pod % 5),
            format!("k8s:team=team-{}", pod % 7),
        ];
        let content = MetadataContent {
            endpoint_id: pod + 1,
            identity: 256 + pod / 4,
            labels: LabelSet::parse(labels).expect("these are labels"),
            namespace: "shop".into(),
            pod_name: format!("app-{}-{index}-{pod}", pod / 4),
            workloads: vec![Workload {
                kind: "Deployment".into(),
                name: format!("app-{}", pod / 4),
            }],
            cluster_name: "default".into(),
            ..MetadataContent::default()
        };
        node.names
            .metadata
            .set(
                FIRST_FREE_INDEX + pod,
                &format!("endpoint/shop/{pod}"),
                content,
                1,
            )
            .expect("a small index");
    }
    (node, inlet)
}

/// Flows a microsecond apart, taken in turn by the nodes.
async fn feed(inlet: &mut Inlet, node: &Node, nodes: &Nodes, index: u32, begin_ns: u64) {
    let all = u64::from(nodes.count);
    let step_ns = 1_000;
    let length_ns = nodes.flows * all * step_ns;
    for number in 0..nodes.flows {
        let time_ns =
            begin_ns.saturating_sub(length_ns) + (number * all + u64::from(index)) * step_ns;
        let port = u16::try_from(number % 50_000).unwrap_or(0) + 1_024;
        inlet.accept(record(port, time_ns).as_bytes());
        if number % 16_384 == 16_383 || number + 1 == nodes.flows {
            inlet.watermark(time_ns);
            while {
                let counts = node.counts.reading();
                counts.queued != counts.stored
                    && number + 1 != nodes.flows
                    && counts.queued - counts.stored > 20_000
            } {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        }
    }
    inlet.watermark(monotonic_ns());
    while {
        let counts = node.counts.reading();
        counts.queued != counts.stored
    } {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(
        node.counts.reading().stored,
        nodes.flows,
        "the bench lost flows"
    );
}

fn record(port: u16, time_ns: u64) -> Record {
    let pod = u32::from(port) % PODS;
    let other = (pod + 7) % PODS;
    let address = |pod: u32| {
        std::net::Ipv4Addr::from(0x0a00_0000 + pod)
            .to_ipv6_mapped()
            .octets()
    };
    Record {
        version: RECORD_VERSION,
        kind: KIND_TRACE,
        time_ns,
        bytes: 1_500,
        packets: 3,
        source_address: address(pod),
        destination_address: address(other),
        source_identity: 256 + pod / 4,
        source_metadata: FIRST_FREE_INDEX + pod,
        destination_identity: 256 + other / 4,
        destination_metadata: FIRST_FREE_INDEX + other,
        policy_revision: 4,
        ifindex: 3,
        protocol: 6,
        tcp_flags: 0x10,
        source_port: port,
        destination_port: 8_080,
        verdict: VERDICT_FORWARDED,
        observation_point: POINT_TO_ENDPOINT,
        trace_reason: TRACE_NEW,
        direction: DIRECTION_INGRESS,
        reply: REPLY_NO,
        ..Record::new_zeroed()
    }
}

async fn serve(node: &Arc<Node>, certificates: Option<&Path>, tasks: &Tasks) -> u16 {
    let exposure = match certificates {
        Some(directory) => Exposure::Tls(
            ServerTls::load(ServerFiles {
                certificate: CertificateFiles {
                    certificate: directory.join("node.pem"),
                    key: directory.join("node-key.pem"),
                },
                client_authorities: vec![directory.join("ca.pem")],
            })
            .expect("the certificates are good"),
        ),
        None => Exposure::LoopbackOnly,
    };
    let listen: Listen = "127.0.0.1:0".parse().expect("an address");
    let bound = listen.bind(exposure).await.expect("a free port");
    let port = bound.tcp_address().expect("it is TCP").port();
    let drain = Drain::new(tasks.cancellation());
    let health = Health::starting().await;
    let server = Server::new(node, &health, &drain, tasks).expect("the services");
    let _served = server.serve(bound, tasks);
    health.serving().await;
    port
}
