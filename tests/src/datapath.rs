//! A node of network namespaces with the real eBPF programs attached, and no observer: tests read the ring themselves.

use std::collections::HashMap;
use std::fs::File;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bpf_events::endpoint::{EndpointRow, MODE_ENFORCE, SPOOFING_STRICT};
use bpf_events::ipcache::{ADDRESS_LOCAL_HOST, ADDRESS_MANAGED, AddressInfo};
use bpf_events::policy::RULE_FIRST;
use bpf_events::record::Record;
use bpf_loader::ring::EventRing;
use bpf_loader::{Datapath, RunTimeSettings, Settings};
use lab::{EndpointSpec, Namespace, Node, NodeBuilder};
use policy::{
    Compiler, Enforcement, Identities, Identity, LabelSet, NamedPorts, PolicyRepository, RuleRef,
};

/// Floods and exact counts want the machine for themselves, however many threads and test runners there are.
const LOCK: &str = "tycho-kernel-tests.lock";

/// Metadata indexes of test endpoints begin here; identities are their own index below.
const FIRST_METADATA: u32 = 100;

/// One endpoint of the test node.
#[derive(Clone, Debug)]
pub struct Member {
    /// Short name, such as `client`.
    pub name: String,
    /// Labels, `k8s:` and sorted.
    pub labels: LabelSet,
    /// Its identity.
    pub identity: Identity,
    /// Its number at the node.
    pub number: u16,
    /// Its metadata index.
    pub metadata: u32,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Interface index of its host end.
    pub ifindex: u32,
}

/// The node, its endpoints and the datapath.
pub struct TestNode {
    /// Namespaces and links.
    pub node: Node,
    /// The real datapath.
    pub datapath: Datapath,
    /// The ring's reading end.
    pub ring: EventRing,
    /// Endpoints by name.
    pub members: HashMap<String, Member>,
    /// Identities by labels.
    pub identities: Identities,
    /// The policies in force.
    pub policies: PolicyRepository,
    /// Rule numbers of a default deny: at ingress and at egress. None unless a test sets them.
    pub default_rules: [u32; 2],
    /// Names of rules by their number less `RULE_FIRST`: a number means one rule for ever.
    rules: Vec<String>,
    prefix: String,
    _alone: File,
}

impl TestNode {
    /// Makes the node; `endpoints` are (name, role label). Address `n` ends in `.10 + n`, in both families.
    pub fn new(prefix: &str, endpoints: &[(&str, &str)]) -> Self {
        Self::with(
            prefix,
            endpoints,
            &Settings::default(),
            &RunTimeSettings::default(),
        )
    }

    /// The same with other settings.
    pub fn with(
        prefix: &str,
        endpoints: &[(&str, &str)],
        settings: &Settings,
        run_time: &RunTimeSettings,
    ) -> Self {
        let alone = File::create(std::env::temp_dir().join(LOCK)).expect("a lock file");
        alone.lock().expect("a lock");
        lab::sweep(&format!("{prefix}-")).expect("leftovers can be removed");
        let mut builder = NodeBuilder::new(&format!("{prefix}-node"));
        for gateway in ["10.44.0.1/24", "fd44::1/64", "10.45.0.1/24", "fd45::1/64"] {
            builder = builder.gateway(gateway.parse().expect("an address"));
        }
        for (index, (name, _)) in endpoints.iter().enumerate() {
            builder = builder.endpoint(spec(prefix, name, index));
        }
        let node = builder.build().expect("the test node can be built");
        let mut datapath = Datapath::load(settings, run_time).expect("the programs load");
        let ring = datapath.take_ring().expect("the first to take it");
        let mut test = Self {
            node,
            datapath,
            ring,
            members: HashMap::new(),
            identities: Identities::new(),
            policies: PolicyRepository::new(),
            default_rules: [0; 2],
            rules: Vec::new(),
            prefix: prefix.to_owned(),
            _alone: alone,
        };
        let host = AddressInfo {
            identity: 1,
            metadata: 1,
            endpoint: 0,
            flags: ADDRESS_LOCAL_HOST,
        };
        let gateways: Vec<IpAddr> = test
            .node
            .gateways()
            .iter()
            .map(|each| each.address())
            .collect();
        for address in gateways {
            test.datapath.addresses.set(address, host).expect("written");
        }
        for (index, (name, role)) in endpoints.iter().enumerate() {
            test.enrol(name, role, index);
        }
        test
    }

    /// Adds an endpoint while the node runs.
    pub fn add(&mut self, name: &str, role: &str) {
        self.join(name);
        self.enrol(name, role, self.members.len());
    }

    /// Makes the namespace and link of the next endpoint, without telling the datapath; returns the host end's name.
    pub fn join(&mut self, name: &str) -> String {
        let spec = spec(&self.prefix, name, self.members.len());
        let endpoint = self
            .node
            .add_endpoint(spec)
            .expect("the endpoint can be made");
        endpoint.host_interface().to_owned()
    }

    /// Adds a neighbour in a subnet of its own that no one has enrolled: to the datapath it is `world`.
    pub fn add_stranger(&mut self, name: &str) {
        let spec = EndpointSpec::new(&self.namespace_name(name))
            .ipv4([10, 45, 0, 10].into())
            .ipv6("fd45::10".parse().expect("an address"));
        self.node
            .add_endpoint(spec)
            .expect("the stranger can be made");
        for endpoint in self.node.endpoints() {
            // The gateway would tell them that they are on one bridge.
            let stay = || std::fs::write("/proc/sys/net/ipv6/conf/eth0/accept_redirects", "0");
            endpoint
                .namespace()
                .run(stay)
                .expect("it can be entered")
                .expect("it can be set");
        }
    }

    /// Tells the datapath about an endpoint that has joined as number `index`, and attaches to it.
    pub fn enrol(&mut self, name: &str, role: &str, index: usize) {
        let labels = LabelSet::parse([
            format!("k8s:role={role}"),
            "k8s:io.kubernetes.pod.namespace=shop".to_owned(),
        ])
        .expect("labels");
        let identity = match self.identities.identity(&labels) {
            Some(identity) => identity,
            None => self.identities.allocate(labels.clone()).expect("room"),
        };
        let endpoint = self
            .node
            .endpoint(&self.namespace_name(name))
            .expect("made above");
        let host_interface = endpoint.host_interface().to_owned();
        let number = u16::try_from(index).expect("few endpoints") + 1;
        let member = Member {
            name: name.to_owned(),
            labels,
            identity,
            number,
            metadata: FIRST_METADATA + u32::from(number),
            addresses: address_list(index),
            ifindex: endpoint.host_interface_index(),
        };
        for address in &member.addresses {
            let info = AddressInfo {
                identity: identity.0,
                metadata: member.metadata,
                endpoint: number,
                flags: ADDRESS_MANAGED,
            };
            self.datapath
                .addresses
                .set(*address, info)
                .expect("written");
        }
        self.members.insert(name.to_owned(), member);
        self.change_row(name, |_| {});
        let namespace = self.node.namespace().path().to_owned();
        self.datapath
            .attach(Some(&namespace), &host_interface)
            .expect("attached");
        self.datapath.bump_identity_epoch();
    }

    /// Writes an endpoint's row: strict enforcement, but for what `change` makes of it.
    pub fn change_row(&mut self, name: &str, change: impl Fn(&mut EndpointRow)) {
        let member = &self.members[name];
        let mut row = EndpointRow {
            identity: member.identity.0,
            metadata: member.metadata,
            policy_set: member.identity.0 - 255,
            other_slot: self.datapath.edges.other_slot(member.number),
            endpoint: member.number,
            mode: MODE_ENFORCE,
            spoofing: SPOOFING_STRICT,
        };
        change(&mut row);
        self.datapath
            .endpoints
            .set(member.ifindex, row)
            .expect("written");
        self.datapath.bump_identity_epoch();
    }

    /// Puts these policies in force.
    pub fn enforce(&mut self, yaml: &str) {
        self.policies
            .replace_file("test.yaml", yaml)
            .expect("valid policies");
        let numbers = self.number_rules();
        let named_ports = NamedPorts::new();
        let model = self.policies.model(Enforcement::Default, &named_ports);
        let compiler = Compiler::new(model, &self.identities);
        for member in self.members.values() {
            let set = compiler.compile(&member.labels);
            self.datapath
                .policy_sets
                .write(
                    member.identity.0 - 255,
                    &set,
                    u32::try_from(self.policies.revision()).expect("few revisions"),
                    |rule| numbers[&rule],
                    self.default_rules,
                )
                .expect("written");
        }
        self.datapath.bump_policy_epoch();
    }

    fn number_rules(&mut self) -> HashMap<RuleRef, u32> {
        let mut numbers = HashMap::new();
        for (reference, rule) in self.policies.rules().rules() {
            let name = rule.key.to_string();
            let known = self.rules.iter().position(|other| *other == name);
            let position = known.unwrap_or_else(|| {
                self.rules.push(name);
                self.rules.len() - 1
            });
            numbers.insert(reference, RULE_FIRST + position as u32);
        }
        numbers
    }

    /// The rule behind a number, such as `CiliumNetworkPolicy/shop/backend ingress[0]`.
    pub fn rule_name(&self, number: u32) -> Option<&str> {
        let position = number.checked_sub(RULE_FIRST)? as usize;
        self.rules.get(position).map(String::as_str)
    }

    /// Namespace of an endpoint, a stranger or the `gateway` (the node itself).
    pub fn namespace(&self, name: &str) -> &Namespace {
        if name == "gateway" {
            return self.node.namespace();
        }
        let endpoint = self.node.endpoint(&self.namespace_name(name));
        endpoint.expect("a known endpoint").namespace()
    }

    /// MAC address of an endpoint, a stranger or the `gateway`.
    pub fn mac(&self, name: &str) -> [u8; 6] {
        if name == "gateway" {
            let node = self.node.namespace().name();
            return lab::topology::default_mac_address(node, self.node.bridge());
        }
        let endpoint = self.node.endpoint(&self.namespace_name(name));
        endpoint.expect("a known endpoint").mac_address()
    }

    /// Every name that an address can have: endpoints, strangers, and `gateway`.
    pub fn names(&self) -> Vec<String> {
        let prefix = format!("{}-", self.prefix);
        let endpoints = self.node.endpoints().iter();
        let names = endpoints.filter_map(|each| each.namespace().name().strip_prefix(&prefix));
        names.chain(["gateway"]).map(str::to_owned).collect()
    }

    /// An endpoint.
    pub fn member(&self, name: &str) -> &Member {
        &self.members[name]
    }

    /// Address of an endpoint, a stranger or the `gateway` in one family.
    pub fn address(&self, name: &str, ipv6: bool) -> IpAddr {
        if name == "gateway" {
            return self.node.gateways()[usize::from(ipv6)].address();
        }
        let endpoint = self
            .node
            .endpoint(&self.namespace_name(name))
            .expect("a known endpoint");
        let address = endpoint
            .addresses()
            .find(|address| address.is_ipv6() == ipv6);
        address.expect("every endpoint has both families")
    }

    /// Everything in the ring now.
    pub fn records(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        self.ring.drain(usize::MAX, |bytes| {
            records.push(flow::record::decode(bytes).expect("the kernel writes valid records"));
        });
        records
    }

    /// Collects records until `enough` or five seconds are over.
    pub fn records_until(&mut self, enough: impl Fn(&[Record]) -> bool) -> Vec<Record> {
        let started = Instant::now();
        let mut records = self.records();
        while !enough(&records) && started.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
            records.extend(self.records());
        }
        records
    }

    fn namespace_name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }
}

fn spec(prefix: &str, name: &str, index: usize) -> EndpointSpec {
    EndpointSpec::new(&format!("{prefix}-{name}"))
        .ipv4(
            format!("10.44.0.{}", 10 + index)
                .parse()
                .expect("an address"),
        )
        .ipv6(
            format!("fd44::{:x}", 0x10 + index)
                .parse()
                .expect("an address"),
        )
}

fn address_list(index: usize) -> Vec<IpAddr> {
    [
        format!("10.44.0.{}", 10 + index),
        format!("fd44::{:x}", 0x10 + index),
    ]
    .map(|text| text.parse().expect("an address"))
    .to_vec()
}
