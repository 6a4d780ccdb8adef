//! A node that plans from files in a directory of its own, and answers on a Unix socket and on TCP.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use daemon::drain::Drain;
use daemon::health::Health;
use daemon::listen::{Exposure, Listen};
use daemon::tasks::Tasks;
use observer::pipeline::{Inlet, Pipeline, monotonic_ns};
use observer::service::Server;
use observer::{Config, Node, plan_only};
use proto::tycho::v1::endpoints_client::EndpointsClient;
use proto::tycho::v1::identities_client::IdentitiesClient;
use proto::tycho::v1::policies_client::PoliciesClient;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use zerocopy::IntoBytes;

use crate::fixture::LONG;

/// Two endpoints, one of them with everything that an endpoint may have.
pub(crate) const ENDPOINTS: &str = "
node: node-a
namespaces: {shop: {team: web}}
endpoints:
- name: db
  namespace: shop
  netns: no-such-db
  ips: [10.1.0.12, 'fd00:1::12']
  labels: {role: db}
  workload: {kind: StatefulSet, name: db}
  ports: {sql: 5432}
  mode: enforce
  spoofing: [10.9.0.0/16]
- name: frontend
  namespace: shop
  netns: no-such-frontend
  ips: [10.1.0.11]
  labels: {role: frontend}
";

/// The database takes its port from the backend, and from a network.
pub(crate) const DB_POLICY: &str = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: db}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: backend}}]
    toPorts: [{ports: [{port: sql, protocol: TCP}]}]
  - fromCIDR: [192.0.2.0/24]
";

/// One life of the node.
pub(crate) struct Life {
    pub(crate) node: Arc<Node>,
    inlet: Option<Inlet>,
    pub(crate) unix: Channel,
    pub(crate) tcp: Channel,
    tasks: Tasks,
    drain: Drain,
}

/// The directory with the files of a node.
pub(crate) struct Files {
    directory: TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        let files = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(files.path("policies")).unwrap();
        files.write("endpoints.yaml", ENDPOINTS);
        files.write("policies/db.yaml", DB_POLICY);
        files
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Replaces a file as an editor does.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let temporary = self.path("new");
        fs::write(&temporary, text).unwrap();
        fs::rename(temporary, self.path(name)).unwrap();
    }

    pub(crate) fn config(&self) -> Config {
        Config {
            policies: Some(self.path("policies")),
            state: self.path("state"),
            ..Config::new(self.path("endpoints.yaml"))
        }
    }

    /// Starts a node.
    pub(crate) async fn start(&self) -> Life {
        self.start_with(&self.config()).await
    }

    pub(crate) async fn start_with(&self, config: &Config) -> Life {
        let tasks = Tasks::new();
        let (pipeline, inlet) = Pipeline::start(8_192, &tasks);
        let name = config.node.as_deref().unwrap_or("node-a");
        let node = Arc::new(Node::new(format!("default/{name}"), &pipeline, None));
        plan_only(config, &node, &tasks).await.unwrap();
        let drain = Drain::new(tasks.cancellation());
        let health = Health::starting().await;
        let server = Server::new(&node, &health, &drain, &tasks).unwrap();
        let mut channels = Vec::new();
        let socket = Listen::Unix(self.path("observer.sock"));
        for listen in [socket, "127.0.0.1:0".parse().unwrap()] {
            let bound = listen.bind(Exposure::LoopbackOnly).await.unwrap();
            let (address, _served) = server.serve(bound, &tasks);
            let address = match &address {
                Listen::Unix(_) => address.to_string(),
                Listen::Tcp { .. } => format!("http://{address}"),
            };
            let endpoint = Endpoint::from_shared(address).unwrap();
            channels.push(endpoint.connect().await.unwrap());
        }
        let [unix, tcp] = <[Channel; 2]>::try_from(channels).unwrap();
        Life {
            node,
            inlet: Some(inlet),
            unix,
            tcp,
            tasks,
            drain,
        }
    }
}

impl Life {
    pub(crate) fn endpoints(&self) -> EndpointsClient<Channel> {
        EndpointsClient::new(self.unix.clone())
    }

    pub(crate) fn identities(&self) -> IdentitiesClient<Channel> {
        IdentitiesClient::new(self.unix.clone())
    }

    pub(crate) fn policies(&self) -> PoliciesClient<Channel> {
        PoliciesClient::new(self.unix.clone())
    }

    /// Stores one record and gives the reference of its flow.
    pub(crate) async fn feed(&mut self, mut record: bpf_events::record::Record) -> String {
        record.time_ns = monotonic_ns();
        let inlet = self.inlet.as_mut().expect("the life goes on");
        inlet.accept(record.as_bytes());
        inlet.watermark(u64::MAX);
        until(async || {
            let counts = self.node.counts.reading();
            counts.queued == counts.stored
        })
        .await;
        let reference = flow::reference::FlowReference {
            epoch: self.node.names.epoch,
            sequence: self.node.store.range().1 - 1,
        };
        reference.to_string()
    }

    /// Ends as a signal would, and waits for it.
    pub(crate) async fn end(mut self) {
        self.inlet = None;
        self.tasks.cancellation().cancel();
        self.drain.finish(LONG).await;
        self.tasks.shutdown(LONG).await.unwrap();
    }
}

impl Drop for Life {
    /// The threads of a test that failed end too.
    fn drop(&mut self) {
        self.tasks.cancellation().cancel();
    }
}

/// Waits for something that is bound to come.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.unwrap();
}

/// Whether a path is there with this mode.
pub(crate) fn has_mode(path: &Path, mode: u32) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o777 == mode)
}
