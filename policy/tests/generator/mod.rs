//! Generated policies over a small universe in which they often match.

use std::sync::Arc;

use policy::{
    Action, Cidr, CidrPeer, Direction, Enforcement, Entity, Identities, Identity, LabelSet,
    NamedPorts, Operator, Peer, Peers, Policy, PolicyKind, PolicyModel, PolicyName, PortRange,
    PortSpec, Ports, Requirement, Rule, RuleKey, RuleSet, Selector, protocol,
};
use proptest::prelude::*;

pub(crate) const PROTOCOLS: [u8; 5] = [
    protocol::ICMP,
    protocol::TCP,
    protocol::UDP,
    protocol::ICMPV6,
    47,
];
pub(crate) const PORTS: [u16; 9] = [0, 1, 8, 79, 80, 81, 128, 8_080, 65_535];
/// Networks that lie within each other, and some that do not.
const NETWORKS: [&str; 9] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.0/24",
    "10.1.2.3/32",
    "192.0.2.0/24",
    "::/0",
    "fd00::/8",
    "fd00:1::/32",
];

/// Label sets of two keys with few values, so that generated selectors often match.
pub(crate) fn label_sets() -> Vec<LabelSet> {
    let mut sets = Vec::new();
    for role in ["a", "b", "c"] {
        for source in ["k8s", "container"] {
            let role = format!("{source}:role={role}");
            sets.push(LabelSet::parse([role.as_str()]).unwrap());
            sets.push(LabelSet::parse([role.as_str(), "k8s:tier=x"]).unwrap());
        }
    }
    sets
}

/// The label sets, and every network.
pub(crate) fn identities() -> Identities {
    let mut identities = Identities::new();
    for labels in label_sets() {
        identities.allocate(labels).unwrap();
    }
    for (number, network) in (1u32..).zip(NETWORKS) {
        let network: Cidr = network.parse().unwrap();
        let local = Identity(Identity::NODE_LOCAL_BIT | number);
        let identity = Identity::of_family(network).unwrap_or(local);
        identities.insert_prefix(identity, network).unwrap();
    }
    identities
}

/// Some label sets name ports, one name for different ports.
pub(crate) fn named_ports() -> NamedPorts {
    let identities = identities();
    let mut named = NamedPorts::new();
    for (number, labels) in label_sets().iter().enumerate() {
        let identity = identities.identity(labels).unwrap();
        match number % 3 {
            0 => named.insert(identity, labels, "http", 80),
            1 => {
                named.insert(identity, labels, "http", 8_080);
                named.insert(identity, labels, "dns", 81);
            }
            _ => {}
        }
    }
    named
}

pub(crate) fn model<'a>(
    rules: &'a RuleSet,
    enforcement: Enforcement,
    named_ports: &'a NamedPorts,
) -> PolicyModel<'a> {
    PolicyModel {
        rules,
        enforcement,
        named_ports,
    }
}

pub(crate) fn requirement() -> impl Strategy<Value = Requirement> {
    let key = prop::sample::select(vec![
        "role",
        "tier",
        "k8s:role",
        "container:role",
        "any:tier",
        "reserved:world",
    ]);
    let values = prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "x"]), 1..3);
    (key, values, 0..4).prop_map(|(key, values, operator)| {
        let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
        let operator = match operator {
            0 => Operator::In(values),
            1 => Operator::NotIn(values),
            2 => Operator::Exists,
            _ => Operator::DoesNotExist,
        };
        Requirement::new(key, operator).unwrap()
    })
}

pub(crate) fn selector() -> impl Strategy<Value = Selector> {
    prop::collection::vec(requirement(), 0..3).prop_map(Selector::new)
}

/// A network without some of those that lie within it.
fn cidr_peer() -> impl Strategy<Value = CidrPeer> {
    let network =
        || prop::sample::select(NETWORKS.to_vec()).prop_map(|text| text.parse::<Cidr>().unwrap());
    (network(), prop::collection::vec(network(), 0..3)).prop_map(|(cidr, mut except)| {
        except.retain(|network| cidr.contains_cidr(network));
        CidrPeer { cidr, except }
    })
}

pub(crate) fn peers() -> impl Strategy<Value = Peers> {
    let entity = prop::sample::select(vec![
        Entity::All,
        Entity::World,
        Entity::WorldIpv4,
        Entity::WorldIpv6,
        Entity::Cluster,
        Entity::Host,
        Entity::RemoteNode,
        Entity::None,
    ]);
    let peer = prop_oneof![
        6 => selector().prop_map(Peer::Labels),
        1 => Just(Peer::AnyEndpoint),
        2 => entity.prop_map(Peer::Entity),
        4 => cidr_peer().prop_map(Peer::Cidr),
    ];
    prop_oneof![
        1 => Just(Peers::Any),
        5 => prop::collection::vec(peer, 0..3).prop_map(Peers::of),
    ]
}

pub(crate) fn ports() -> impl Strategy<Value = Ports> {
    let port = || prop::sample::select(PORTS.to_vec());
    let name = prop::sample::select(vec!["http", "dns", "none"]);
    let range = prop_oneof![
        1 => Just(PortRange::Any),
        3 => port().prop_map(PortRange::one),
        3 => (port(), port()).prop_map(|(a, b)| PortRange::span(a.min(b), a.max(b))),
        2 => name.prop_map(|name| PortRange::Named(name.into())),
    ];
    let spec = (prop::sample::select(PROTOCOLS.to_vec()), range)
        .prop_map(|(protocol, ports)| PortSpec { protocol, ports });
    prop_oneof![
        1 => Just(Ports::Any),
        4 => prop::collection::vec(spec, 0..4).prop_map(Ports::of),
    ]
}

/// What a generated rule is made of.
pub(crate) type RuleParts = (Action, Direction, Peers, Ports);

pub(crate) fn rule() -> impl Strategy<Value = RuleParts> {
    let action = prop::sample::select(vec![Action::Allow, Action::Allow, Action::Deny]);
    let direction = prop::sample::select(vec![Direction::Ingress, Direction::Egress]);
    (action, direction, peers(), ports())
}

/// What a generated policy is made of.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) kind: PolicyKind,
    pub(crate) subject: Selector,
    pub(crate) default_deny: (bool, bool),
    pub(crate) audited: bool,
    pub(crate) rules: Vec<RuleParts>,
}

pub(crate) fn policies(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Arc<Policy>>> {
    let kind = prop::sample::select(vec![
        PolicyKind::CiliumNetworkPolicy,
        PolicyKind::CiliumClusterwideNetworkPolicy,
        PolicyKind::NetworkPolicy,
    ]);
    let parts = (
        kind,
        selector(),
        any::<(bool, bool)>(),
        prop::bool::weighted(0.3),
        prop::collection::vec(rule(), 0..5),
    )
        .prop_map(|(kind, subject, default_deny, audited, rules)| Parts {
            kind,
            subject,
            default_deny,
            audited,
            rules,
        });
    prop::collection::vec(parts, count).prop_map(|parts| {
        parts
            .into_iter()
            .enumerate()
            .map(|(number, parts)| Arc::new(build(&format!("p{number}"), parts)))
            .collect()
    })
}

pub(crate) fn build(name: &str, parts: Parts) -> Policy {
    let name = Arc::new(PolicyName {
        kind: parts.kind,
        namespace: "n".into(),
        name: name.into(),
    });
    let subject = Arc::new(parts.subject);
    let rules = (0u32..)
        .zip(parts.rules)
        .map(|(index, (action, direction, peers, ports))| Rule {
            key: RuleKey {
                action,
                policy: Arc::clone(&name),
                direction,
                index,
            },
            subject: Arc::clone(&subject),
            peers,
            ports,
            line: 1,
        })
        .collect();
    Policy {
        name,
        subject,
        default_deny_ingress: parts.default_deny.0,
        default_deny_egress: parts.default_deny.1,
        audited: parts.audited,
        rules,
        file: "generated".into(),
        line: 1,
        text: "".into(),
    }
}

pub(crate) fn enforcement() -> impl Strategy<Value = Enforcement> {
    prop::sample::select(vec![
        Enforcement::Default,
        Enforcement::Default,
        Enforcement::Always,
        Enforcement::Never,
    ])
}
