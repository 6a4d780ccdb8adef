//! What the cluster's registry costs: numbers for label sets from ten nodes at once. Starts an etcd of its own on
//! loopback.
//!
//! Prints one JSON object per figure.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[path = "../tests/cluster/etcd.rs"]
#[expect(dead_code, reason = "the tests do more with it")]
mod etcd;

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use daemon::tasks::Tasks;
use etcd::Etcd;
use futures_util::future::join_all;
use policy::LabelSet;
use registry::cluster::{Registry, RegistrySettings, first_contact, open};

const NODES: usize = 10;

/// Label sets that each node asks for, one after the other.
const SETS: usize = 400;

const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| name != "--bench")
        .collect();
    let wanted = |row: &str| asked.is_empty() || asked.iter().any(|name| name == row);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if wanted("registry-allocation") {
        let etcd = Etcd::start();
        measure("registry-allocation", &runtime, &etcd.url());
    }
    if wanted("registry-allocation-file") {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("file:{}/registry", directory.path().display());
        measure("registry-allocation-file", &runtime, &url);
    }
}

fn measure(row: &str, runtime: &tokio::runtime::Runtime, url: &str) {
    let sync_ms = ms(disk_sync());
    let each = runtime.block_on(allocate(url));
    println!(
        "{:.0} numbers a second from {NODES} nodes of {url}; a sync of the disk takes {sync_ms:.2} ms",
        1.0 / each.as_secs_f64()
    );
    println!(
        r#"{{"row": "{row}", "value": {:.2}, "unit": "ms"}}"#,
        ms(each)
    );
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The median of a small write with a sync, where the registry's data lies too: what has to be done at least once for
/// each batch of changes.
fn disk_sync() -> Duration {
    let directory = tempfile::tempdir().unwrap();
    let mut file = File::create(directory.path().join("log")).unwrap();
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let begin = Instant::now();
            file.write_all(&[1; 512]).unwrap();
            file.sync_data().unwrap();
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// A node of the bench. It ends with it.
struct Node {
    registry: Arc<dyn Registry>,
    tasks: Tasks,
}

impl Node {
    async fn start(url: &str, number: usize) -> Self {
        let tasks = Tasks::new();
        let settings = RegistrySettings::for_node(url.parse().unwrap(), format!("c/n{number}"));
        let (registry, driver) = open(settings).unwrap();
        tasks.spawn("registry", driver.run(tasks.cancellation()));
        first_contact(&*registry, PATIENCE).await.unwrap();
        Self { registry, tasks }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.tasks.cancellation().cancel();
    }
}

async fn nodes(url: &str, count: usize) -> Vec<Node> {
    join_all((0..count).map(|number| Node::start(url, number))).await
}

/// The time for each new number, over ten nodes that ask at once, each for one set after the other.
async fn allocate(url: &str) -> Duration {
    let nodes = nodes(url, NODES).await;
    let begin = Instant::now();
    let asked = nodes.iter().enumerate().map(|(number, node)| async move {
        for set in 0..SETS {
            let labels = labels(&format!("n{number}-{set}"));
            node.registry.allocate(&labels).await.unwrap();
        }
    });
    join_all(asked).await;
    begin.elapsed() / u32::try_from(NODES * SETS).unwrap()
}

fn labels(name: &str) -> LabelSet {
    let pairs = ["k8s:io.kubernetes.pod.namespace=shop", "k8s:tier=web"];
    let name = format!("k8s:app={name}");
    LabelSet::parse(pairs.into_iter().chain([name.as_str()])).unwrap()
}
