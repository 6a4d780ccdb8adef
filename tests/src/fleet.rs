//! Several nodes joined by a backbone, each with files and an observer of its own, and one registry.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bpf_loader::Pins;
use lab::traffic::{
    NoAnswer, ServerMode, TcpConnection, TcpServer, TcpTarget, tcp_connect, tcp_exchange,
};
use lab::{Cluster, ClusterBuilder, EndpointSpec, Namespace, NodeBuilder};
use tempfile::TempDir;

use crate::agent::{Agent, Home};

/// Shared with all tests that hold a datapath.
const LOCK: &str = "tycho-kernel-tests.lock";

/// What the nodes pin lies here, a directory for each.
const PINS: &str = "/sys/fs/bpf/tycho-test-fleet";

/// The backbone's own address, where an etcd may listen.
const BACKBONE: &str = "10.60.0.254";

/// Shorter than the second after which TCP repeats its SYN: a denied attempt is one packet.
const PATIENCE: Duration = Duration::from_millis(250);

/// A workload of one of the nodes.
#[derive(Clone, Debug)]
struct Workload {
    node: usize,
    name: String,
    role: String,
    address: IpAddr,
}

/// The namespaces and the files. Dropping it removes them, and the pins.
pub struct Fleet {
    /// Namespaces and links.
    pub cluster: Cluster,
    prefix: String,
    workloads: Vec<Workload>,
    added: usize,
    directory: TempDir,
    _alone: File,
}

impl Fleet {
    /// Makes it; for each node its workloads: (name, role label). Names are unique in the fleet.
    pub fn new(prefix: &str, nodes: &[&[(&str, &str)]]) -> Self {
        let alone = File::create(std::env::temp_dir().join(LOCK)).expect("a lock file");
        alone.lock().expect("a lock");
        lab::sweep(&format!("{prefix}-")).expect("leftovers can be removed");
        let directory = tempfile::tempdir().expect("a folder");
        let mut builder = ClusterBuilder::new(&format!("{prefix}-backbone"))
            .address(format!("{BACKBONE}/24").parse().expect("an address"));
        for place in 0..nodes.len() {
            let gateway = format!("10.{}.0.1/16", 61 + place);
            let node = NodeBuilder::new(&format!("{prefix}-node{place}"))
                .gateway(gateway.parse().expect("an address"));
            let address = format!("10.60.0.{}/24", place + 1);
            builder = builder.node(node, [address.parse().expect("an address")]);
            Pins::at(pins(place))
                .remove()
                .expect("leftovers can be removed");
            let home = directory.path().join(place.to_string());
            fs::create_dir_all(home.join("policies")).expect("made");
        }
        let mut fleet = Self {
            cluster: builder.build().expect("the nodes can be built"),
            prefix: prefix.to_owned(),
            workloads: Vec::new(),
            added: 0,
            directory,
            _alone: alone,
        };
        for (place, workloads) in nodes.iter().enumerate() {
            fleet.write_endpoints(place);
            for (name, role) in *workloads {
                fleet.add(place, name, role);
            }
        }
        fleet
    }

    /// The directory of a node's files.
    pub fn home(&self, node: usize) -> PathBuf {
        self.directory.path().join(node.to_string())
    }

    /// The registry that needs nothing but a directory.
    pub fn file_registry(&self) -> String {
        format!("file:{}", self.directory.path().join("registry").display())
    }

    /// The namespace and the address for what belongs to no node.
    pub fn backbone(&self) -> (&Namespace, IpAddr) {
        (
            self.cluster.backbone(),
            BACKBONE.parse().expect("an address"),
        )
    }

    /// Starts a node's observer, in the node's namespace.
    pub fn start(&self, node: usize, registry: &str, arguments: &[&str]) -> Agent {
        let home = Home {
            directory: &self.home(node),
            pins: &pins(node),
            node: self.node(node),
            inside: true,
        };
        let arguments = [&["--registry", registry], arguments].concat();
        Agent::start_at(&home, &arguments)
    }

    /// Starts a node's observer that is to end by itself; what it says.
    pub fn refused(&self, node: usize, registry: &str) -> String {
        let home = self.home(node);
        let file = |name: &str| home.join(name);
        let mut command = crate::binary::command();
        command.args(["observer", "--registry", registry, "--pins"]);
        command.arg(pins(node)).arg("--listen");
        command.arg(format!("unix://{}", file("other.sock").display()));
        for (flag, name) in [
            ("--endpoints", "endpoints.yaml"),
            ("--policies", "policies"),
            ("--state", "state"),
        ] {
            command.arg(flag).arg(file(name));
        }
        let run = self.node(node).run(|| crate::binary::finish(&mut command));
        let run = run.expect("the namespace is there");
        assert_ne!(run.code, 0, "{run:?}");
        run.stderr
    }

    /// Writes a node's one policy file.
    pub fn set_policies(&self, node: usize, text: &str) {
        fs::write(self.home(node).join("policies/shop.yaml"), text).expect("written");
    }

    /// Makes one more workload and appends it to the endpoint file of its node.
    pub fn add(&mut self, node: usize, name: &str, role: &str) {
        let address = self.make(node, name);
        self.workloads.push(Workload {
            node,
            name: name.to_owned(),
            role: role.to_owned(),
            address,
        });
        self.write_endpoints(node);
    }

    /// Makes the namespace of a workload that no file has; its definition, as `tycho endpoint add` takes it.
    pub fn make_unlisted(&mut self, node: usize, name: &str, role: &str) -> String {
        let address = self.make(node, name);
        self.workloads.push(Workload {
            node,
            name: name.to_owned(),
            role: String::new(),
            address,
        });
        self.definition(name, role, address)
    }

    /// Takes a workload out of the endpoint file; it goes on living.
    pub fn unlist(&mut self, name: &str) {
        let place = self.place(name);
        let node = self.workloads[place].node;
        self.workloads[place].role.clear();
        self.write_endpoints(node);
    }

    /// The namespace of a workload.
    pub fn namespace(&self, name: &str) -> &Namespace {
        let node = self.workloads[self.place(name)].node;
        let node = self.cluster.node(node).expect("it is there");
        let endpoint = node.endpoint(&self.namespace_name(name));
        endpoint.expect("a known workload").namespace()
    }

    /// The address of a workload.
    pub fn address(&self, name: &str) -> IpAddr {
        self.workloads[self.place(name)].address
    }

    /// The same, with a port.
    pub fn at(&self, name: &str, port: u16) -> SocketAddr {
        SocketAddr::new(self.address(name), port)
    }

    /// A TCP server at a workload that sends back what it gets.
    pub fn serve(&self, name: &str, port: u16) -> TcpServer {
        let server = TcpServer::start(self.namespace(name), self.at(name, port), ServerMode::Echo);
        server.expect("the port is free")
    }

    /// Opens a connection.
    pub fn connect(&self, from: &str, to: SocketAddr) -> Result<TcpConnection, NoAnswer> {
        let target = TcpTarget::new(to, Duration::from_secs(2));
        tcp_connect(self.namespace(from), &target).expect("sockets work")
    }

    /// One connection with one request; true if it was answered and ended in order.
    pub fn is_answered(&self, from: &str, to: SocketAddr) -> bool {
        let target = TcpTarget::new(to, PATIENCE);
        let exchange = tcp_exchange(self.namespace(from), &target, 1, 100).expect("sockets work");
        exchange.is_ok_and(|exchange| exchange.closed_cleanly)
    }

    fn make(&mut self, node: usize, name: &str) -> IpAddr {
        self.added += 1;
        let [high, low] = u16::try_from(self.added + 15).expect("few").to_be_bytes();
        let address = format!("10.{}.{high}.{low}", 61 + node);
        let spec = EndpointSpec::new(&self.namespace_name(name))
            .ipv4(address.parse().expect("an address"));
        let node = self.cluster.node_mut(node).expect("it is there");
        node.add_endpoint(spec).expect("it can be made");
        address.parse().expect("an address")
    }

    fn write_endpoints(&self, node: usize) {
        let mut text = format!("node: {}-{node}\nendpoints:\n", self.prefix);
        let here = self.workloads.iter().filter(|each| each.node == node);
        let listed: Vec<String> = here
            .filter(|each| !each.role.is_empty())
            .map(|each| self.definition(&each.name, &each.role, each.address))
            .collect();
        if listed.is_empty() {
            text = text.replace("endpoints:\n", "endpoints: []\n");
        }
        for definition in listed {
            writeln!(text, "- {definition}").expect("text takes text");
        }
        fs::write(self.home(node).join("endpoints.yaml"), text).expect("written");
    }

    fn definition(&self, name: &str, role: &str, address: IpAddr) -> String {
        let netns = self.namespace_name(name);
        format!(
            "{{name: {name}, namespace: shop, netns: {netns}, ips: [{address}], labels: {{role: {role}}}}}"
        )
    }

    fn node(&self, node: usize) -> &Namespace {
        self.cluster.node(node).expect("it is there").namespace()
    }

    fn namespace_name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    fn place(&self, name: &str) -> usize {
        let place = self.workloads.iter().position(|each| each.name == name);
        place.expect("a known workload")
    }
}

fn pins(node: usize) -> PathBuf {
    PathBuf::from(format!("{PINS}-{node}"))
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for node in 0..self.cluster.len() {
            Pins::at(pins(node)).remove().ok();
        }
    }
}
