//! A process's part in a registry, as tests need it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use daemon::tasks::Tasks;
use policy::{Identity, LabelSet};
use registry::cluster::{
    ClusterState, EndpointEntry, NodeEntry, Registry, RegistryHealth, RegistrySettings, open,
};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::etcd::Etcd;

/// How long a machine that is busy may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where a registry is: each test that is about every backend runs in each of them.
pub(crate) enum Place {
    File(TempDir),
    Etcd(Etcd),
}

impl Place {
    pub(crate) fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    pub(crate) fn etcd() -> Self {
        Self::Etcd(Etcd::start())
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(directory) => format!("file:{}/registry", directory.path().display()),
            Self::Etcd(etcd) => etcd.url(),
        }
    }

    /// Settings of the node `c/<name>`.
    pub(crate) fn node(&self, name: &str) -> RegistrySettings {
        node(&self.url(), name)
    }

    /// Settings of a process that is no node.
    pub(crate) fn reader(&self) -> RegistrySettings {
        RegistrySettings {
            create: true,
            ..RegistrySettings::new(self.url().parse().unwrap())
        }
    }
}

/// Settings of the node `c/<name>` at `url`, with a short lease.
pub(crate) fn node(url: &str, name: &str) -> RegistrySettings {
    RegistrySettings {
        lease: Duration::from_secs(2),
        // Long enough for whatever a test does to the backend meanwhile.
        call_timeout: Duration::from_secs(30),
        ..RegistrySettings::for_node(url.parse().unwrap(), format!("c/{name}"))
    }
}

/// A process's part. It ends, as if the process died, when this is dropped.
pub(crate) struct Part {
    pub(crate) registry: Arc<dyn Registry>,
    tasks: Tasks,
}

impl Part {
    pub(crate) fn start(settings: RegistrySettings) -> Self {
        let tasks = Tasks::new();
        let (registry, driver) = open(settings).unwrap();
        tasks.spawn("registry", driver.run(tasks.cancellation()));
        Self { registry, tasks }
    }

    /// Starts, and waits until the backend was reached.
    pub(crate) async fn reached(settings: RegistrySettings) -> Self {
        let part = Self::start(settings);
        part.health("it is connected", RegistryHealth::is_connected)
            .await;
        part
    }

    /// Ends its task and waits for it.
    pub(crate) async fn stop(self) {
        self.tasks.shutdown(PATIENCE).await.unwrap();
    }

    pub(crate) async fn allocate(&self, labels: &str) -> Identity {
        let allocated = self.registry.allocate(&labels_of(labels)).await.unwrap();
        assert!(allocated.confirmed);
        allocated.identity
    }

    /// Waits for a state.
    pub(crate) async fn state(
        &self,
        what: &str,
        is_so: impl Fn(&ClusterState) -> bool,
    ) -> Arc<ClusterState> {
        wait(self.registry.state(), what, is_so).await
    }

    /// Waits for a health.
    pub(crate) async fn health(
        &self,
        what: &str,
        is_so: impl Fn(&RegistryHealth) -> bool,
    ) -> Arc<RegistryHealth> {
        wait(self.registry.health(), what, is_so).await
    }

    /// Publishes this node and its endpoints, and waits until that is done.
    pub(crate) async fn publish(&self, node: NodeEntry, endpoints: Vec<EndpointEntry>) {
        let count = endpoints.len();
        let name = node.name.clone();
        self.registry.publish_node(node);
        self.registry
            .publish_endpoints(endpoints.into_iter().map(Arc::new).collect());
        self.state("the node's endpoints are there", |state| {
            state.nodes.contains_key(name.as_str()) && state.endpoints_of(&name).count() == count
        })
        .await;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.tasks.cancellation().cancel();
    }
}

/// Waits until what is watched is so.
pub(crate) async fn wait<T>(
    mut receiver: watch::Receiver<Arc<T>>,
    what: &str,
    is_so: impl Fn(&T) -> bool,
) -> Arc<T>
where
    T: std::fmt::Debug,
{
    let last = receiver.clone();
    let found = tokio::time::timeout(PATIENCE, receiver.wait_for(|value| is_so(value))).await;
    match found {
        Ok(value) => Arc::clone(&value.unwrap()),
        Err(_) => panic!(
            "not within {PATIENCE:?}: {what}; it is {:?}",
            **last.borrow()
        ),
    }
}

pub(crate) fn labels_of(text: &str) -> LabelSet {
    LabelSet::parse(text.split(',').filter(|label| !label.is_empty())).unwrap()
}

pub(crate) fn node_entry(name: &str, started_ns: u64) -> NodeEntry {
    NodeEntry {
        name: format!("c/{name}"),
        address: Some("127.0.0.1:4244".to_owned()),
        tls_server_name: None,
        ips: vec!["127.0.0.1".parse().unwrap()],
        started_ns,
        epoch: started_ns,
        version: "test".to_owned(),
    }
}

pub(crate) fn endpoint(node: &str, name: &str, ip: &str, identity: Identity) -> EndpointEntry {
    let ip: IpAddr = ip.parse().unwrap();
    EndpointEntry {
        node: format!("c/{node}"),
        name: name.to_owned(),
        namespace: Some("shop".to_owned()),
        ips: vec![ip],
        identity,
        labels: labels_of("k8s:role=frontend"),
        workload: None,
        ports: [("http".to_owned(), 8080)].into(),
        managed: true,
        since_ns: 1,
    }
}

/// The endpoints of a state, as text.
pub(crate) fn endpoints(state: &ClusterState) -> String {
    let keys = state.endpoints.keys();
    let keys: Vec<String> = keys
        .map(|key| format!("{}:{}", key.node, key.name))
        .collect();
    keys.join(" ")
}
