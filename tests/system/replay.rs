//! A node that has no kernel: a recording goes through the real pipeline and is served on a socket.

use std::sync::Arc;
use std::time::Duration;

use bpf_events::record::{DIRECTION_INGRESS, RECORD_BYTES, Record};
use daemon::drain::Drain;
use daemon::health::Health;
use daemon::listen::{Exposure, Listen};
use daemon::tasks::Tasks;
use flow::metadata::{MetadataContent, MetadataKind, Workload};
use flow::rules::{PolicyRef, RuleAction, RuleInfo};
use observer::Node;
use observer::pipeline::{Inlet, Pipeline, wall_clock};
use observer::service::Server;
use policy::LabelSet;
use tempfile::TempDir;
use tests::binary::{Run, command, finish};
use tokio::runtime::Runtime;
use zerocopy::{FromBytes, IntoBytes};

/// The recording, and what stands behind its numbers.
const RECORDING: &str = include_str!("recording/records.hex");
const ENDPOINTS: [(u32, &str); 4] = [
    (1, "frontend"),
    (2, "backend"),
    (3, "intruder"),
    (4, "banned"),
];
const RULES: [(u32, &str, u32, RuleAction); 3] = [
    (16, "ingressDeny", 0, RuleAction::Deny),
    (17, "ingress", 0, RuleAction::Allow),
    (18, "ingress", 1, RuleAction::Allow),
];

/// 2044-05-06 10:00:00 UTC: a fixed time that no machine's clock of monotonic time began after.
pub(crate) const EPOCH_NS: u64 = 2_346_141_600_000_000_000;
/// Records are so far apart, and the first so far from the second's beginning, that all digits of milliseconds are sure.
const STEP_NS: u64 = 1_000_000;
const FIRST_NS: u64 = 500_000;

/// Nothing takes that long.
const LONG: Duration = Duration::from_secs(30);

/// The node, its socket and its threads; ends when dropped.
pub(crate) struct Replay {
    /// Address for `--server`.
    pub(crate) server: String,
    node: Arc<Node>,
    inlet: Option<Inlet>,
    tasks: Tasks,
    drain: Drain,
    runtime: Runtime,
    _directory: TempDir,
}

impl Replay {
    /// A node that knows everybody, and no flows.
    pub(crate) fn empty() -> Self {
        Self::serving(None, Exposure::LoopbackOnly)
    }

    /// The same with the whole recording, on a TCP port of this machine.
    pub(crate) fn on_tcp(exposure: Exposure) -> Self {
        let any_port = Listen::Tcp {
            host: "127.0.0.1".to_owned(),
            port: 0,
        };
        let mut replay = Self::serving(Some(any_port), exposure);
        replay.feed(&recording());
        replay
    }

    /// Without an address: on a socket in a folder of its own.
    fn serving(listen: Option<Listen>, exposure: Exposure) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let directory = tempfile::tempdir().expect("a folder");
        let socket = Listen::Unix(directory.path().join("observer.sock"));
        let listen = listen.unwrap_or(socket);
        let inside = runtime.enter();
        let tasks = Tasks::new();
        let (pipeline, inlet) = Pipeline::start(100_000, &tasks);
        let node = Arc::new(Node::new("default/node-a".to_owned(), &pipeline, None));
        describe(&node);
        let drain = Drain::new(tasks.cancellation());
        let server = runtime.block_on(async {
            let bound = listen.bind(exposure).await.expect("free");
            let health = Health::starting().await;
            let server = Server::new(&node, &health, &drain, &tasks).expect("services");
            let (address, _served) = server.serve(bound, &tasks);
            health.serving().await;
            address.to_string()
        });
        drop(inside);
        Self {
            server,
            node,
            inlet: Some(inlet),
            tasks,
            drain,
            runtime,
            _directory: directory,
        }
    }

    /// The same with the whole recording.
    pub(crate) fn new() -> Self {
        let mut replay = Self::empty();
        replay.feed(&recording());
        replay
    }

    /// Puts bytes in where those of the ring go in, and waits until they are stored or counted.
    pub(crate) fn feed<B: AsRef<[u8]>>(&mut self, records: &[B]) {
        let inlet = self.inlet.as_mut().expect("it has not ended");
        for bytes in records {
            inlet.accept(bytes.as_ref());
        }
        inlet.watermark(u64::MAX);
        let begun = std::time::Instant::now();
        while {
            let counts = self.node.counts.reading();
            counts.queued != counts.stored
        } {
            assert!(begun.elapsed() < LONG, "{:?}", self.node.counts.reading());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Runs a command of `tycho` against this node.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Run {
        finish(command().args(arguments).args(["--server", &self.server]))
    }

    /// Ends the node as a signal would, while clients may be there.
    pub(crate) fn end(&mut self) {
        self.inlet = None;
        self.tasks.cancellation().cancel();
        self.runtime.block_on(self.drain.finish(LONG));
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.end();
    }
}

/// The bytes of the recording, a millisecond apart from [`EPOCH_NS`] on.
pub(crate) fn recording() -> Vec<[u8; RECORD_BYTES]> {
    let lines = RECORDING.lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let offset_ns = wall_clock().offset_ns();
    let begin_ns = (EPOCH_NS + FIRST_NS)
        .checked_add_signed(-offset_ns)
        .expect("monotonic time began before");
    let records = lines.zip(0..).map(|(line, index)| {
        let mut record = Record::read_from_bytes(&bytes(line)).expect("a record of 128 bytes");
        record.time_ns = begin_ns + index * STEP_NS;
        let bytes = record.as_bytes().try_into();
        bytes.expect("a record has its size")
    });
    records.collect()
}

fn bytes(line: &str) -> Vec<u8> {
    let digits = (0..line.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&line[at..at + 2], 16).expect("hex digits"))
        .collect()
}

/// Says who was who when it was recorded.
fn describe(node: &Node) {
    for (number, role) in ENDPOINTS {
        let labels = [
            format!("k8s:role={role}"),
            "k8s:io.kubernetes.pod.namespace=shop".to_owned(),
        ];
        let content = MetadataContent {
            kind: MetadataKind::Endpoint,
            endpoint_id: number,
            identity: 255 + number,
            labels: LabelSet::parse(labels).expect("labels"),
            namespace: "shop".to_owned(),
            pod_name: format!("{role}-1"),
            workloads: vec![Workload {
                kind: "Deployment".to_owned(),
                name: role.to_owned(),
            }],
            cluster_name: "default".to_owned(),
        };
        let key = format!("endpoint/shop/{role}-1");
        let set = node.names.metadata.set(100 + number, &key, content, 0);
        set.expect("there is room");
    }
    for (number, section, index, action) in RULES {
        let info = RuleInfo {
            policies: vec![PolicyRef {
                kind: "CiliumNetworkPolicy".to_owned(),
                namespace: "shop".to_owned(),
                name: "backend".to_owned(),
                labels: vec!["k8s:io.cilium.k8s.policy.name=backend".to_owned()],
            }],
            index: Some(index),
            direction: DIRECTION_INGRESS,
            action,
            description: format!("CiliumNetworkPolicy/shop/backend {section}[{index}]"),
        };
        node.names.rules.set(number, info).expect("there is room");
    }
}
