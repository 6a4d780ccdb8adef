//! A node of network namespaces with the real eBPF programs attached, and no observer: tests read the ring themselves.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bpf_events::endpoint::{EndpointRow, MODE_ENFORCE, SPOOFING_STRICT};
use bpf_events::ipcache::{ADDRESS_LOCAL_HOST, ADDRESS_MANAGED, AddressInfo};
use bpf_events::policy::RULE_FIRST;
use bpf_events::record::Record;
use bpf_loader::ring::EventRing;
use bpf_loader::{Datapath, RunTimeSettings, Settings};
use lab::{EndpointSpec, Namespace, Node, NodeBuilder};
use policy::{Enforcement, Identities, Identity, LabelSet, PolicyRepository, RuleRef};

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
    prefix: String,
}

impl TestNode {
    /// Makes the node; `endpoints` are (name, role label). Address `n` ends in `.10 + n`, in both families.
    pub fn new(prefix: &str, endpoints: &[(&str, &str)]) -> Self {
        Self::with(prefix, endpoints, &Settings::default(), &RunTimeSettings::default())
    }

    /// The same with other settings.
    pub fn with(
        prefix: &str,
        endpoints: &[(&str, &str)],
        settings: &Settings,
        run_time: &RunTimeSettings,
    ) -> Self {
        lab::sweep(&format!("{prefix}-")).expect("leftovers can be removed");
        let mut builder = NodeBuilder::new(&format!("{prefix}-node"))
            .gateway("10.44.0.1/24".parse().expect("an address"))
            .gateway("fd44::1/64".parse().expect("an address"));
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
            prefix: prefix.to_owned(),
        };
        let host = AddressInfo {
            identity: 1,
            metadata: 1,
            endpoint: 0,
            flags: ADDRESS_LOCAL_HOST,
        };
        for gateway in ["10.44.0.1", "fd44::1"] {
            let address = gateway.parse().expect("an address");
            test.datapath.addresses.set(address, host).expect("written");
        }
        for (index, (name, role)) in endpoints.iter().enumerate() {
            test.enrol(name, role, index);
        }
        test
    }

    /// Adds an endpoint while the node runs.
    pub fn add(&mut self, name: &str, role: &str) {
        let index = self.members.len();
        self.node
            .add_endpoint(spec(&self.prefix, name, index))
            .expect("the endpoint can be made");
        self.enrol(name, role, index);
    }

    fn enrol(&mut self, name: &str, role: &str, index: usize) {
        let labels = LabelSet::parse([
            format!("k8s:role={role}"),
            "k8s:io.kubernetes.pod.namespace=shop".to_owned(),
        ])
        .expect("labels");
        let identity = match self.identities.identity(&labels) {
            Some(identity) => identity,
            None => self.identities.allocate(labels.clone()).expect("room"),
        };
        let endpoint = self.node.endpoint(&self.namespace_name(name)).expect("made above");
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
            self.datapath.addresses.set(*address, info).expect("written");
        }
        let row = EndpointRow {
            identity: identity.0,
            metadata: member.metadata,
            policy_set: identity.0 - 255,
            other_slot: self.datapath.edges.other_slot(number),
            endpoint: number,
            mode: MODE_ENFORCE,
            spoofing: SPOOFING_STRICT,
        };
        self.datapath.endpoints.set(member.ifindex, row).expect("written");
        let namespace = self.node.namespace().path().to_owned();
        self.datapath
            .attach(Some(&namespace), &host_interface)
            .expect("attached");
        self.datapath.bump_identity_epoch();
        self.members.insert(name.to_owned(), member);
    }

    /// Puts these policies in force.
    pub fn enforce(&mut self, yaml: &str) {
        self.policies.replace_file("test.yaml", yaml).expect("valid policies");
        let numbers: HashMap<RuleRef, u32> = self
            .policies
            .rules()
            .rules()
            .zip(RULE_FIRST..)
            .map(|((rule, _), number)| (rule, number))
            .collect();
        let compiler = self.policies.compiler(&self.identities, Enforcement::Default);
        for member in self.members.values() {
            let set = compiler.compile(&member.labels);
            self.datapath
                .policy_sets
                .write(
                    member.identity.0 - 255,
                    &set,
                    u32::try_from(self.policies.revision()).expect("few revisions"),
                    |rule| numbers[&rule],
                )
                .expect("written");
        }
        self.datapath.bump_policy_epoch();
    }

    /// The rule behind a number, such as `CiliumNetworkPolicy/shop/backend ingress[0]`.
    pub fn rule_name(&self, number: u32) -> Option<String> {
        let position = number.checked_sub(RULE_FIRST)? as usize;
        let rules = self.policies.rules();
        rules.rules().nth(position).map(|(_, rule)| rule.key.to_string())
    }

    /// Namespace of an endpoint.
    pub fn namespace(&self, name: &str) -> &Namespace {
        let endpoint = self.node.endpoint(&self.namespace_name(name));
        endpoint.expect("a known endpoint").namespace()
    }

    /// An endpoint.
    pub fn member(&self, name: &str) -> &Member {
        &self.members[name]
    }

    /// Address of an endpoint in one family.
    pub fn address(&self, name: &str, ipv6: bool) -> IpAddr {
        self.members[name].addresses[usize::from(ipv6)]
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
        .ipv4(format!("10.44.0.{}", 10 + index).parse().expect("an address"))
        .ipv6(format!("fd44::{:x}", 0x10 + index).parse().expect("an address"))
}

fn address_list(index: usize) -> Vec<IpAddr> {
    [
        format!("10.44.0.{}", 10 + index),
        format!("fd44::{:x}", 0x10 + index),
    ]
    .map(|text| text.parse().expect("an address"))
    .to_vec()
}
