//! The workloads on a real node: policies put in force, attempts made, and what the hooks said of them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bpf_events::ipcache::AddressInfo;
use bpf_events::policy::{RULE_FIRST, RULE_LOCAL_HOST, RULE_NONE};
use bpf_events::record::{
    KIND_POLICY_VERDICT, REASON_POLICY_DENIED, REASON_POLICY_DENY, Record, VERDICT_AUDIT,
    VERDICT_DROPPED, VERDICT_FORWARDED,
};
use lab::EndpointSpec;
use lab::traffic::{
    Ping, ServerMode, TcpServer, TcpTarget, UdpRequest, UdpServer, ping, tcp_exchange, udp_exchange,
};
use policy::{
    Cidr, Compiler, Direction, Enforcement, Identities, Identity, LabelSet, NamedPorts,
    PolicyRepository,
};
use tests::attempt::{Protocol, any};
use tests::datapath::TestNode;

use super::case::Row;
use super::workloads::{STRANGERS, WORKLOADS, labels};

/// How long an answer that must come may take, and one that must not.
const PATIENCE: Duration = Duration::from_secs(2);
const SHORT: Duration = Duration::from_millis(60);

/// The namespaces of this test.
const PREFIX: &str = "npc";

/// The node, and what its numbers mean under the policies in force.
pub(super) struct Stage {
    node: TestNode,
    /// Labels of each workload, by its name.
    labels: HashMap<&'static str, LabelSet>,
    policies: PolicyRepository,
    /// Names of rules and of default denies, by their number less `RULE_FIRST`: a number means one thing for ever.
    numbered: Vec<String>,
    networks: Vec<Cidr>,
    source_port: u16,
}

/// What became of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) answered: bool,
    /// As in the table.
    pub(super) said: Vec<String>,
}

impl Stage {
    /// Makes the node, without policies.
    pub(super) fn new() -> Self {
        let names = WORKLOADS.map(|(name, ..)| short(name));
        let endpoints: Vec<(&str, &str)> = names.iter().map(|name| (&**name, &**name)).collect();
        let mut node = TestNode::new(PREFIX, &endpoints);
        for (name, last) in STRANGERS {
            add_stranger(&mut node, name, last);
        }
        Self {
            node,
            labels: WORKLOADS
                .iter()
                .map(|each| (each.0, labels(each)))
                .collect(),
            policies: PolicyRepository::new(),
            numbered: Vec::new(),
            networks: Vec::new(),
            source_port: 20_000,
        }
    }

    /// Puts these policies in force, in place of those before.
    pub(super) fn enforce(&mut self, yaml: &str) {
        let changed = self.policies.replace_file("case.yaml", yaml);
        changed.unwrap_or_else(|error| panic!("{error}"));
        let (identities, named_ports) = self.identities();
        self.set_networks();
        let numbers = self.number_rules();
        let model = self.policies.model(Enforcement::Default, &named_ports);
        let compiler = Compiler::new(model, &identities);
        let revision = u32::try_from(self.policies.revision()).expect("few revisions");
        for (name, labels) in &self.labels {
            let set = self.node.member(&short(name)).identity.0 - 255;
            let default_rules = [Direction::Ingress, Direction::Egress].map(|direction| {
                let name = default_deny(&self.policies, labels, direction);
                name.map_or(RULE_NONE, |name| number(&mut self.numbered, name))
            });
            let written = self.node.datapath.policy_sets.write(
                set,
                &compiler.compile(labels),
                revision,
                |rule| numbers[&rule],
                default_rules,
            );
            written.expect("there is room");
        }
        self.node.datapath.bump_identity_epoch();
        self.node.datapath.bump_policy_epoch();
    }

    /// Tries what a row says, on a connection of its own.
    pub(super) fn attempt(&mut self, row: &Row) -> Outcome {
        self.source_port += 1;
        self.node.records();
        let answered = self.is_answered(row);
        let (wanted, port) = (row.expected.len(), self.source_port);
        let of_attempt = |record: &&Record| {
            let ours = row.protocol == Protocol::Icmp || record.source_port == port;
            record.kind == KIND_POLICY_VERDICT && ours
        };
        let records = self
            .node
            .records_until(|records| records.iter().filter(of_attempt).count() >= wanted);
        let verdicts = records.iter().filter(of_attempt);
        Outcome {
            answered,
            said: verdicts.map(|record| self.tell(record)).collect(),
        }
    }

    /// What a hook said, as in the table.
    fn tell(&self, record: &Record) -> String {
        let rule = match record.rule {
            RULE_NONE => "-",
            RULE_LOCAL_HOST => "reserved:local-host",
            number => &self.numbered[(number - RULE_FIRST) as usize],
        };
        match (record.verdict, record.reason) {
            (VERDICT_FORWARDED, 0) if record.rule == RULE_NONE => "-".to_owned(),
            (VERDICT_FORWARDED, 0) => format!("by {rule}"),
            (VERDICT_DROPPED, REASON_POLICY_DENIED) => format!("drop {rule}"),
            (VERDICT_DROPPED, REASON_POLICY_DENY) => format!("deny {rule}"),
            (VERDICT_AUDIT, REASON_POLICY_DENIED | REASON_POLICY_DENY) => format!("audit {rule}"),
            other => format!("{other:?} {rule}"),
        }
    }

    fn is_answered(&self, row: &Row) -> bool {
        let from = self.node.namespace(&place(&row.from));
        let to = SocketAddr::new(self.node.address(&place(&row.to), row.ipv6), row.port);
        let source = Some(SocketAddr::new(any(row.ipv6), self.source_port));
        let timeout = if row.passes() { PATIENCE } else { SHORT };
        let server = self.node.namespace(&place(&row.to));
        match row.protocol {
            Protocol::Tcp => {
                let server = TcpServer::start(server, to, ServerMode::Echo).expect("a free port");
                let target = TcpTarget {
                    source,
                    ..TcpTarget::new(to, timeout)
                };
                let exchange = tcp_exchange(from, &target, 1, 100).expect("sockets work");
                let answered = exchange.is_ok_and(|exchange| exchange.closed_cleanly);
                assert_eq!(server.stop().accepted, u64::from(answered), "{}", row.text);
                answered
            }
            Protocol::Udp => {
                let server = UdpServer::start(server, to, ServerMode::Echo).expect("a free port");
                let request = UdpRequest {
                    source,
                    ..UdpRequest::new(to, b"ping", timeout)
                };
                let reply = udp_exchange(from, &request).expect("sockets work");
                let answered = reply.is_ok_and(|reply| reply.payload == b"ping");
                assert_eq!(server.stop().received, u64::from(answered), "{}", row.text);
                answered
            }
            Protocol::Icmp => {
                let request = Ping::new(to.ip(), 1, timeout);
                ping(from, &request).expect("sockets work").replies == 1
            }
        }
    }

    /// Numbers as the node has them, with the labels of the workloads and the networks that the policies name.
    fn identities(&self) -> (Identities, NamedPorts) {
        let (mut identities, mut named_ports) = (Identities::new(), NamedPorts::new());
        for (name, _, ports) in &WORKLOADS {
            let identity = self.node.member(&short(name)).identity;
            let labels = &self.labels[name];
            let new = identities.insert(identity, labels.clone());
            new.expect("each workload has labels of its own");
            for (name, port) in *ports {
                named_ports.insert(identity, labels, name, *port);
            }
        }
        for (identity, network) in networks(&self.policies) {
            let new = identities.insert_prefix(identity, network);
            new.expect("each network has a number of its own");
        }
        (identities, named_ports)
    }

    /// Tells the datapath which networks there are now.
    fn set_networks(&mut self) {
        let addresses = &mut self.node.datapath.addresses;
        for network in self.networks.drain(..) {
            let removed = addresses.remove_prefix(network.address(), network.bits());
            removed.expect("it was there");
        }
        for (identity, network) in networks(&self.policies) {
            let info = AddressInfo {
                identity: identity.0,
                metadata: 0,
                endpoint: 0,
                flags: 0,
            };
            let set = addresses.set_prefix(network.address(), network.bits(), info);
            set.expect("there is room");
            self.networks.push(network);
        }
    }

    fn number_rules(&mut self) -> HashMap<policy::RuleRef, u32> {
        let rules = self.policies.rules().rules();
        let numbered = rules.map(|(reference, rule)| {
            let name = without_kind(&rule.key.to_string());
            (reference, number(&mut self.numbered, name))
        });
        numbered.collect()
    }
}

/// The networks of the policies with their numbers.
fn networks(policies: &PolicyRepository) -> Vec<(Identity, Cidr)> {
    let numbered = (1u32..).zip(policies.rules().prefixes());
    let number = |(number, network)| {
        let local = Identity(Identity::NODE_LOCAL_BIT | number);
        (Identity::of_family(network).unwrap_or(local), network)
    };
    numbered.map(number).collect()
}

/// The policies that close a direction of an endpoint: those that enforce, or else those that only audit.
fn default_deny(
    policies: &PolicyRepository,
    labels: &LabelSet,
    direction: Direction,
) -> Option<String> {
    let names = |audited| {
        let policies = policies.rules().default_denying(labels, direction);
        let policies = policies.filter(|policy| policy.audited == audited);
        let names: Vec<String> = policies
            .map(|policy| without_kind(&policy.name.to_string()))
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    names(false).or_else(|| names(true))
}

fn number(numbered: &mut Vec<String>, name: String) -> u32 {
    let known = numbered.iter().position(|other| *other == name);
    let position = known.unwrap_or_else(|| {
        numbered.push(name);
        numbered.len() - 1
    });
    RULE_FIRST + u32::try_from(position).expect("few rules")
}

/// `Kind/namespace/name` without the kind.
fn without_kind(name: &str) -> String {
    let (_, rest) = name.split_once('/').expect("a kind");
    rest.to_owned()
}

/// The name that the node has for what a table names.
fn place(name: &str) -> String {
    if name == "node" {
        "gateway".to_owned()
    } else {
        short(name)
    }
}

/// A name for a network namespace.
fn short(name: &str) -> String {
    name.replace('/', "-")
}

/// A neighbour in a subnet of its own, which the node knows nothing of.
fn add_stranger(node: &mut TestNode, name: &str, last: u8) {
    let addresses: [IpAddr; 2] = [format!("10.45.0.{last}"), format!("fd45::{last}")]
        .map(|text| text.parse().expect("an address"));
    let mut spec = EndpointSpec::new(&format!("{PREFIX}-{name}"));
    for address in addresses {
        spec = match address {
            IpAddr::V4(address) => spec.ipv4(address),
            IpAddr::V6(address) => spec.ipv6(address),
        };
    }
    node.node.add_endpoint(spec).expect("it can be made");
    for endpoint in node.node.endpoints() {
        // The gateway would tell them that they are on one bridge.
        let stay = || std::fs::write("/proc/sys/net/ipv6/conf/eth0/accept_redirects", "0");
        let inside = endpoint.namespace().run(stay).expect("it can be entered");
        inside.expect("it can be set");
    }
}
