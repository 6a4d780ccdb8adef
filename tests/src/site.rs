//! A node of network namespaces as its files describe it: what `tycho observer` is pointed at.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bpf_loader::Pins;
use lab::topology::default_host_interface;
use lab::traffic::{
    NoAnswer, ServerMode, TcpConnection, TcpServer, TcpTarget, tcp_connect, tcp_exchange,
};
use lab::{EndpointSpec, InterfaceAddress, Namespace, Node, NodeBuilder};
use tempfile::TempDir;

/// Shared with the tests that hold the datapath themselves.
const LOCK: &str = "tycho-kernel-tests.lock";

/// What this site pins lies here, and nothing else does.
const PINS: &str = "/sys/fs/bpf/tycho-test-observer";

/// Shorter than the second after which TCP repeats its SYN: a denied attempt is one packet.
const PATIENCE: Duration = Duration::from_millis(250);

/// Beginnings of the node's addresses.
const IPV4: &str = "10.46.0.";
const IPV6: &str = "fd46::";

/// The node's addresses in subnets where only strangers live.
const OUTSIDE: [&str; 2] = ["10.45.0.1/24", "fd45::1/64"];

/// One workload of the site.
#[derive(Clone, Debug)]
struct Workload {
    name: String,
    role: String,
    /// Whether the endpoint file has it.
    listed: bool,
}

/// The namespaces and the files. Dropping it removes them, and the pins.
pub struct Site {
    /// Namespaces and links.
    pub node: Node,
    prefix: String,
    workloads: Vec<Workload>,
    directory: TempDir,
    _alone: File,
}

impl Site {
    /// Makes it; `workloads` are (name, role label), each with an address in both families. No policies yet.
    pub fn new(prefix: &str, workloads: &[(&str, &str)]) -> Self {
        let alone = File::create(std::env::temp_dir().join(LOCK)).expect("a lock file");
        alone.lock().expect("a lock");
        lab::sweep(&format!("{prefix}-")).expect("leftovers can be removed");
        Pins::at(PINS).remove().expect("leftovers can be removed");
        let mut builder = NodeBuilder::new(&format!("{prefix}-node"));
        let outside = OUTSIDE.map(str::to_owned);
        let gateways = [format!("{IPV4}1/24"), format!("{IPV6}1/64")];
        for gateway in gateways.into_iter().chain(outside) {
            let gateway: InterfaceAddress = gateway.parse().expect("an address");
            builder = builder.gateway(gateway);
        }
        for (index, (name, _)) in workloads.iter().enumerate() {
            builder = builder.endpoint(spec(prefix, name, index));
        }
        let workloads = workloads.iter().map(|(name, role)| Workload {
            name: (*name).to_owned(),
            role: (*role).to_owned(),
            listed: true,
        });
        let site = Self {
            node: builder.build().expect("the node can be built"),
            prefix: prefix.to_owned(),
            workloads: workloads.collect(),
            directory: tempfile::tempdir().expect("a folder"),
            _alone: alone,
        };
        fs::create_dir(site.policies()).expect("made");
        site.write_endpoints();
        site
    }

    /// Name of the node, which no other observer of the machine has.
    pub fn node_name(&self) -> String {
        format!("{}-tests", self.prefix)
    }

    /// The endpoint file.
    pub fn endpoints(&self) -> PathBuf {
        self.file("endpoints.yaml")
    }

    /// The directory of policies.
    pub fn policies(&self) -> PathBuf {
        self.file("policies")
    }

    /// The pins.
    pub fn pins(&self) -> PathBuf {
        PathBuf::from(PINS)
    }

    /// A file in the site's directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes the one policy file.
    pub fn set_policies(&self, text: &str) {
        fs::write(self.policies().join("shop.yaml"), text).expect("written");
    }

    /// Writes the endpoint file as the workloads are.
    pub fn write_endpoints(&self) {
        let mut text = format!("node: {}\nendpoints:\n", self.node_name());
        for (index, workload) in self.workloads.iter().enumerate() {
            let Workload { name, role, listed } = workload;
            if *listed {
                let [ipv4, ipv6] = addresses(index);
                let netns = self.namespace_name(name);
                writeln!(
                    text,
                    "- {{name: {name}, namespace: shop, netns: {netns}, ips: [{ipv4}, \"{ipv6}\"], labels: {{role: {role}}}}}"
                )
                .expect("text takes text");
            }
        }
        fs::write(self.endpoints(), text).expect("written");
    }

    /// Makes one more workload and appends it to the endpoint file.
    pub fn add(&mut self, name: &str, role: &str) {
        let spec = spec(&self.prefix, name, self.workloads.len());
        self.node.add_endpoint(spec).expect("it can be made");
        self.workloads.push(Workload {
            name: name.to_owned(),
            role: role.to_owned(),
            listed: true,
        });
        self.write_endpoints();
    }

    /// Gives a workload another role, in the endpoint file.
    pub fn relabel(&mut self, name: &str, role: &str) {
        let index = self.index(name);
        role.clone_into(&mut self.workloads[index].role);
        self.write_endpoints();
    }

    /// Takes a workload out of the endpoint file; it goes on living.
    pub fn unlist(&mut self, name: &str) {
        let index = self.index(name);
        self.workloads[index].listed = false;
        self.write_endpoints();
    }

    /// The namespace of a workload.
    pub fn namespace(&self, name: &str) -> &Namespace {
        let endpoint = self.node.endpoint(&self.namespace_name(name));
        endpoint.expect("a known workload").namespace()
    }

    /// The host end of a workload's link.
    pub fn host_interface(&self, name: &str) -> String {
        default_host_interface(&self.namespace_name(name))
    }

    /// An address of a workload, with a port.
    pub fn at(&self, name: &str, ipv6: bool, port: u16) -> SocketAddr {
        SocketAddr::new(addresses(self.index(name))[usize::from(ipv6)], port)
    }

    /// A TCP server at a workload that sends back what it gets.
    pub fn serve(&self, name: &str, ipv6: bool, port: u16) -> TcpServer {
        let address = self.at(name, ipv6, port);
        let server = TcpServer::start(self.namespace(name), address, ServerMode::Echo);
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

    fn namespace_name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    fn index(&self, name: &str) -> usize {
        let place = self.workloads.iter().position(|each| each.name == name);
        place.expect("a known workload")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        Pins::at(PINS).remove().ok();
    }
}

fn spec(prefix: &str, name: &str, index: usize) -> EndpointSpec {
    let mut spec = EndpointSpec::new(&format!("{prefix}-{name}"));
    for address in addresses(index) {
        spec = match address {
            IpAddr::V4(address) => spec.ipv4(address),
            IpAddr::V6(address) => spec.ipv6(address),
        };
    }
    spec
}

fn addresses(index: usize) -> [IpAddr; 2] {
    let number = 16 + index;
    [format!("{IPV4}{number}"), format!("{IPV6}{number:x}")]
        .map(|text| text.parse().expect("an address"))
}
