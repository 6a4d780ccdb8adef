//! The cluster under test: three nodes with an endpoint and an observer each, and a relay on the backbone between them.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use bpf_loader::Pins;
use daemon::connect::{ClientSecurity, Target, Windows, connect};
use lab::{Cluster, ClusterBuilder, EndpointSpec, Namespace, NodeBuilder};
use proto::tycho::v1::ledger_client::LedgerClient;
use proto::tycho::v1::{GetLedgerRequest, GetLedgerResponse};
use tempfile::TempDir;
use tests::binary::tycho;
use tests::etcd::Etcd;
use tokio::runtime::Builder;

use super::process::Process;
use super::rounds::until;

/// One cluster at a time: each has the same names.
const LOCK: &str = "tycho-fault-tests.lock";
const PREFIX: &str = "tfa";
/// Where the relay is, and the etcd.
const BACKBONE: Ipv4Addr = Ipv4Addr::new(10, 47, 0, 254);
const PINS: &str = "/sys/fs/bpf/tycho-test-faults";

/// The nodes, in order.
pub(super) const NODES: [&str; 3] = ["a", "b", "c"];

/// Flows that a node keeps unless a test says otherwise: more than comes during an outage.
const FLOWS: u64 = 65_536;

/// What a test wants otherwise.
pub(super) struct Options {
    /// Flows that each node keeps.
    pub(super) flows: u64,
    /// The relay learns of its peers from a file.
    pub(super) peers_file: bool,
    /// How long the relay waits for a node that keeps the others back.
    pub(super) late: &'static str,
    /// The nodes share a registry in an etcd on the backbone.
    pub(super) etcd: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            flows: FLOWS,
            peers_file: false,
            late: "10s",
            etcd: false,
        }
    }
}

/// Dropping it ends every process and removes the namespaces, files and pins.
pub(super) struct Fleet {
    pub(super) observers: [Option<Process>; 3],
    pub(super) relay: Option<Process>,
    etcd: Option<Etcd>,
    pub(super) cluster: Cluster,
    options: Options,
    directory: TempDir,
    _alone: File,
}

impl Fleet {
    /// Starts all of it, and waits until the relay is connected to the three nodes.
    pub(super) fn start(options: Options) -> Self {
        let alone = File::create(std::env::temp_dir().join(LOCK)).expect("a lock file");
        alone.lock().expect("a lock");
        lab::sweep(&format!("{PREFIX}-")).expect("leftovers can be removed");
        remove_pins().expect("leftovers can be removed");
        let mut fleet = Self {
            observers: [const { None }; 3],
            relay: None,
            etcd: None,
            cluster: cluster(),
            options,
            directory: tempfile::tempdir().expect("a folder"),
            _alone: alone,
        };
        if fleet.options.etcd {
            fleet.etcd = Some(Etcd::start(fleet.cluster.backbone(), BACKBONE.into()));
        }
        fleet.write_certificates(&["--relay", "relay"], "1d");
        for node in 0..NODES.len() {
            fleet.write_certificate(node, "1d");
            fleet.write_endpoints(node);
            fleet.start_observer(node, &[]);
        }
        for node in 0..NODES.len() {
            fleet.wait_for_observer(node);
        }
        fs::write(fleet.peers_file(), fleet.peers(&[0, 1, 2])).expect("written");
        fleet.start_relay();
        fleet
    }

    /// A file in the directory of this cluster.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    pub(super) fn relay_socket(&self) -> PathBuf {
        self.file("relay.sock")
    }

    pub(super) fn observer_socket(&self, node: usize) -> PathBuf {
        self.file(&format!("{}.sock", NODES[node]))
    }

    pub(super) fn peers_file(&self) -> PathBuf {
        self.file("peers")
    }

    /// As flows and losses name it.
    pub(super) fn name(node: usize) -> String {
        format!("default/{}", NODES[node])
    }

    /// The lines of a file of peers.
    pub(super) fn peers(&self, nodes: &[usize]) -> String {
        let lines = nodes.iter().map(|node| format!("{}\n", peer(*node)));
        lines.collect()
    }

    /// A new certificate for a node, by the same CA.
    pub(super) fn write_certificate(&self, node: usize, valid: &str) {
        let named = format!("{}={}", NODES[node], address(node));
        self.write_certificates(&["--node", &named], valid);
    }

    fn write_certificates(&self, whom: &[&str], valid: &str) {
        let out = self.text("certificates");
        let how = ["certs", "--force", "--valid", valid, "--out", &out];
        tycho(&[&how, whom].concat()).output();
    }

    fn write_endpoints(&self, node: usize) {
        let text = format!(
            "node: {name}\nendpoints:\n- {{name: pod-{name}, namespace: shop, netns: {PREFIX}-pod-{name}, ips: \
             [{ip}], labels: {{role: {name}}}}}\n",
            name = NODES[node],
            ip = pod_address(node),
        );
        fs::write(self.file(&format!("{}.yaml", NODES[node])), text).expect("written");
    }

    /// Starts a node's observer; it is not there yet when this returns.
    pub(super) fn start_observer(&mut self, node: usize, more: &[&str]) {
        let name = NODES[node];
        let namespace = self.namespace(node).clone();
        let certificate = |ending: &str| self.text(&format!("certificates/node-{name}.{ending}"));
        let arguments = [
            "observer",
            "--mode",
            "enforce",
            "--endpoints",
            &self.text(&format!("{name}.yaml")),
            "--state",
            &self.text(&format!("state-{name}")),
            "--pins",
            &format!("{PINS}/{name}"),
            "--netns",
            &namespace.path().display().to_string(),
            "--listen",
            &format!("unix://{}", self.observer_socket(node).display()),
            "--listen",
            &format!("{}:4244", address(node)),
            "--tls-cert-file",
            &certificate("crt"),
            "--tls-key-file",
            &certificate("key"),
            "--tls-client-ca-files",
            &self.text("certificates/ca.crt"),
            "--flows",
            &self.options.flows.to_string(),
        ];
        let registry = self.etcd.as_ref().map(Etcd::url);
        let registry = registry.iter().flat_map(|url| ["--registry", url]);
        let arguments = arguments
            .into_iter()
            .chain(registry)
            .chain(more.iter().copied());
        let arguments: Vec<String> = arguments.map(str::to_owned).collect();
        let log = self.file(&format!("{name}.log"));
        self.observers[node] = Some(Process::start(&namespace, &arguments, &log));
    }

    pub(super) fn wait_for_observer(&mut self, node: usize) {
        let socket = self.observer_socket(node);
        until(|| {
            let observer = self.observers[node].as_mut();
            observer.expect("it was started").assert_runs();
            let ledger = self.ledger_at(&socket);
            ledger.ok_or("the observer does not serve".to_owned())
        });
    }

    /// Starts the relay and waits until it is connected to every node.
    pub(super) fn start_relay(&mut self) {
        let namespace = self.cluster.backbone().clone();
        let mut arguments = [
            "relay",
            "--listen",
            &format!("unix://{}", self.relay_socket().display()),
            "--late",
            self.options.late,
            "--peer-tls-ca-cert-files",
            &self.text("certificates/ca.crt"),
            "--peer-tls-cert-file",
            &self.text("certificates/relay-relay.crt"),
            "--peer-tls-key-file",
            &self.text("certificates/relay-relay.key"),
        ]
        .map(str::to_owned)
        .to_vec();
        if self.options.peers_file {
            arguments.extend(["--peers-file".to_owned(), self.text("peers")]);
        } else {
            for node in 0..NODES.len() {
                arguments.extend(["--peer".to_owned(), peer(node)]);
            }
        }
        self.relay = Some(Process::start(
            &namespace,
            &arguments,
            &self.file("relay.log"),
        ));
        let socket = self.relay_socket();
        until(|| {
            let relay = self.relay.as_mut();
            relay.expect("it was started").assert_runs();
            let ledger = self.ledger_at(&socket);
            ledger.ok_or("the relay does not serve".to_owned())
        });
        self.wait_for_relay();
    }

    /// Waits until the relay misses nobody.
    pub(super) fn wait_for_relay(&self) {
        until(|| {
            let warnings = self.relay_ledger().warnings;
            let none = warnings.is_empty();
            none.then_some(()).ok_or_else(|| format!("{warnings:?}"))
        });
    }

    /// The registry of the nodes.
    pub(super) fn etcd(&mut self) -> &mut Etcd {
        self.etcd.as_mut().expect("the test wants one")
    }

    /// How often the relay has logged these words.
    pub(super) fn relay_said(&self, words: &str) -> usize {
        said(&self.file("relay.log"), words)
    }

    /// How often a node's observers have.
    pub(super) fn observer_said(&self, node: usize, words: &str) -> usize {
        said(&self.file(&format!("{}.log", NODES[node])), words)
    }

    pub(super) fn namespace(&self, node: usize) -> &Namespace {
        self.cluster.node(node).expect("three nodes").namespace()
    }

    /// The namespace of a node's endpoint.
    pub(super) fn pod(&self, node: usize) -> &Namespace {
        let node = self.cluster.node(node).expect("three nodes");
        node.endpoints()[0].namespace()
    }

    pub(super) fn node_ledger(&self, node: usize) -> GetLedgerResponse {
        let ledger = self.ledger_at(&self.observer_socket(node));
        ledger.expect("the observer answers")
    }

    pub(super) fn relay_ledger(&self) -> GetLedgerResponse {
        let ledger = self.ledger_at(&self.relay_socket());
        ledger.expect("the relay answers")
    }

    /// Over the Unix socket, which no fault of the network reaches.
    fn ledger_at(&self, socket: &Path) -> Option<GetLedgerResponse> {
        // Its end closes the connection: an idle one would hold up a server that drains.
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let target = Target::Unix(socket.to_owned());
            let channel = connect(&target, &ClientSecurity::Plaintext, Windows::BULK).await;
            let mut client = LedgerClient::new(channel.ok()?);
            let answer = client.get_ledger(GetLedgerRequest {}).await;
            answer.ok().map(tonic::Response::into_inner)
        })
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.relay = None;
        self.observers = [const { None }; 3];
        remove_pins().ok();
    }
}

fn remove_pins() -> Result<(), bpf_loader::LoaderError> {
    for name in NODES {
        Pins::at(format!("{PINS}/{name}")).remove()?;
    }
    fs::remove_dir(PINS).ok();
    Ok(())
}

fn said(log: &Path, words: &str) -> usize {
    let log = fs::read_to_string(log).expect("a log file");
    log.matches(words).count()
}

fn peer(node: usize) -> String {
    let name = Fleet::name(node);
    format!("{name}=tls://{}:4244", address(node))
}

/// Of a node, on the backbone.
fn address(node: usize) -> IpAddr {
    let number = u8::try_from(node + 1).expect("three nodes");
    IpAddr::from([10, 47, 0, number])
}

fn pod_address(node: usize) -> IpAddr {
    let number = u8::try_from(node + 1).expect("three nodes");
    IpAddr::from([10, 47, number, 11])
}

/// A port of a node's endpoint. Nobody listens there.
pub(super) fn pod_port(node: usize, port: u16) -> SocketAddr {
    SocketAddr::new(pod_address(node), port)
}

fn cluster() -> Cluster {
    let parse = |text: &str| text.parse().expect("an address");
    let backbone = ClusterBuilder::new(&format!("{PREFIX}-backbone"))
        .address(parse(&format!("{BACKBONE}/24")));
    let cluster = NODES
        .iter()
        .enumerate()
        .fold(backbone, |cluster, (node, name)| {
            let IpAddr::V4(ip) = pod_address(node) else {
                panic!("addresses are of IPv4")
            };
            let pod = EndpointSpec::new(&format!("{PREFIX}-pod-{name}")).ipv4(ip);
            let node_spec = NodeBuilder::new(&format!("{PREFIX}-node-{name}"))
                .gateway(parse(&format!("10.47.{}.1/24", node + 1)))
                .endpoint(pod);
            cluster.node(node_spec, [parse(&format!("{}/24", address(node)))])
        });
    cluster.build().expect("it can be built")
}
