//! The compiler against the specification, on generated policies: same verdict, same deciding rule, same match type.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::sync::Arc;

use policy::{
    Action, Compiler, Decision, Direction, Enforcement, Entity, Identities, Identity, LabelSet,
    NamedPorts, Operator, Peer, Peers, Policy, PolicyKind, PolicyModel, PolicyName, PortRange,
    PortSpec, Ports, Ranks, Requirement, Rule, RuleKey, RuleSet, Selector, Verdict, evaluate,
    protocol,
};
use proptest::prelude::*;

const PROTOCOLS: [u8; 5] = [
    protocol::ICMP,
    protocol::TCP,
    protocol::UDP,
    protocol::ICMPV6,
    47,
];
const PORTS: [u16; 9] = [0, 1, 8, 79, 80, 81, 128, 8_080, 65_535];

/// Label sets of two keys with few values, so that generated selectors often match.
fn label_sets() -> Vec<LabelSet> {
    let mut sets = Vec::new();
    for role in ["a", "b", "c"] {
        for source in ["k8s", "container"] {
            sets.push(LabelSet::parse([format!("{source}:role={role}")]).unwrap());
            sets.push(
                LabelSet::parse([format!("{source}:role={role}"), "k8s:tier=x".to_owned()])
                    .unwrap(),
            );
        }
    }
    sets
}

fn identities() -> Identities {
    let mut identities = Identities::new();
    for labels in label_sets() {
        identities.allocate(labels).unwrap();
    }
    let cidr = LabelSet::parse(["cidr:192.0.2.0/24", "reserved:world"]).unwrap();
    identities
        .insert(Identity(Identity::NODE_LOCAL_BIT | 1), cidr)
        .unwrap();
    identities
}

fn requirement() -> impl Strategy<Value = Requirement> {
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

fn selector() -> impl Strategy<Value = Selector> {
    prop::collection::vec(requirement(), 0..3).prop_map(Selector::new)
}

fn peers() -> impl Strategy<Value = Peers> {
    let entity = prop::sample::select(vec![
        Entity::All,
        Entity::World,
        Entity::WorldIpv4,
        Entity::Cluster,
        Entity::Host,
        Entity::RemoteNode,
        Entity::None,
    ]);
    let peer = prop_oneof![
        6 => selector().prop_map(Peer::Labels),
        1 => Just(Peer::AnyEndpoint),
        2 => entity.prop_map(Peer::Entity),
    ];
    prop_oneof![
        1 => Just(Peers::Any),
        5 => prop::collection::vec(peer, 0..3).prop_map(Peers::of),
    ]
}

fn ports() -> impl Strategy<Value = Ports> {
    let port = || prop::sample::select(PORTS.to_vec());
    let range = prop_oneof![
        1 => Just(PortRange::Any),
        3 => port().prop_map(PortRange::one),
        3 => (port(), port()).prop_map(|(a, b)| PortRange::span(a.min(b), a.max(b))),
    ];
    let spec = (prop::sample::select(PROTOCOLS.to_vec()), range)
        .prop_map(|(protocol, ports)| PortSpec { protocol, ports });
    prop_oneof![
        1 => Just(Ports::Any),
        4 => prop::collection::vec(spec, 0..4).prop_map(Ports::of),
    ]
}

fn rule() -> impl Strategy<Value = (Action, Direction, Peers, Ports)> {
    let action = prop::sample::select(vec![Action::Allow, Action::Allow, Action::Deny]);
    let direction = prop::sample::select(vec![Direction::Ingress, Direction::Egress]);
    (action, direction, peers(), ports())
}

fn policies(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Arc<Policy>>> {
    let kind = prop::sample::select(vec![
        PolicyKind::CiliumNetworkPolicy,
        PolicyKind::CiliumClusterwideNetworkPolicy,
        PolicyKind::NetworkPolicy,
    ]);
    let policy = (
        kind,
        selector(),
        any::<(bool, bool)>(),
        prop::collection::vec(rule(), 0..5),
    );
    prop::collection::vec(policy, count).prop_map(|parts| {
        parts
            .into_iter()
            .enumerate()
            .map(|(number, part)| Arc::new(build(&format!("p{number}"), part)))
            .collect()
    })
}

static NO_NAMES: NamedPorts = NamedPorts::new();

fn model(rules: &RuleSet, enforcement: Enforcement) -> PolicyModel<'_> {
    PolicyModel {
        rules,
        enforcement,
        named_ports: &NO_NAMES,
    }
}

type Parts = (
    PolicyKind,
    Selector,
    (bool, bool),
    Vec<(Action, Direction, Peers, Ports)>,
);

fn build(name: &str, (kind, subject, default_deny, rules): Parts) -> Policy {
    let name = Arc::new(PolicyName {
        kind,
        namespace: "n".into(),
        name: name.into(),
    });
    let subject = Arc::new(subject);
    let rules = (0u32..)
        .zip(rules)
        .map(|(index, (action, direction, peers, ports))| {
            let key = RuleKey {
                action,
                policy: Arc::clone(&name),
                direction,
                index,
            };
            Rule {
                key,
                subject: Arc::clone(&subject),
                peers,
                ports,
                line: 1,
            }
        })
        .collect();
    Policy {
        name,
        subject,
        default_deny_ingress: default_deny.0,
        default_deny_egress: default_deny.1,
        audited: false,
        rules,
        file: "generated".into(),
        line: 1,
        text: "".into(),
    }
}

fn enforcement() -> impl Strategy<Value = Enforcement> {
    prop::sample::select(vec![
        Enforcement::Default,
        Enforcement::Default,
        Enforcement::Always,
        Enforcement::Never,
    ])
}

/// Every packet of the small universe: subject, direction, peer, protocol, port.
fn for_each_packet(
    identities: &Identities,
    mut look: impl FnMut(&LabelSet, Direction, (Identity, &LabelSet), u8, u16),
) {
    for subject in label_sets() {
        for direction in [Direction::Ingress, Direction::Egress] {
            for peer in identities.iter() {
                for protocol in PROTOCOLS {
                    for port in PORTS {
                        look(&subject, direction, peer, protocol, port);
                    }
                }
            }
        }
    }
}

/// All decisions of the specification, with rules named by their lasting key.
fn decisions(
    policies: &[Arc<Policy>],
    enforcement: Enforcement,
) -> Vec<(Decision, Option<RuleKey>)> {
    let rules = RuleSet::new(policies.iter().cloned(), &mut Ranks::default());
    let mut decisions = Vec::new();
    for_each_packet(&identities(), |subject, direction, peer, protocol, port| {
        let decision = evaluate(
            &model(&rules, enforcement),
            subject,
            peer,
            direction,
            protocol,
            port,
        );
        let key = decision
            .rule
            .map(|rule| rules.rule(rule).unwrap().key.clone());
        decisions.push((
            Decision {
                rule: None,
                ..decision
            },
            key,
        ));
    });
    decisions
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn cells_decide_as_the_rules_do(first in policies(0..6), second in policies(0..6), enforcement in enforcement()) {
        let identities = identities();
        let mut ranks = Ranks::default();
        // Twice with the same ranks: the second set must fit between what is left of the first.
        for policies in [first, second] {
            let rules = RuleSet::new(policies, &mut ranks);
            let model = model(&rules, enforcement);
            let compiler = Compiler::new(model, &identities);
            for subject in label_sets() {
                let set = compiler.compile(&subject);
                // 0 is "anybody" in the kernel's key: a cell for the unknown identity would match everyone.
                prop_assert!(set.cells.iter().all(|cell| cell.identity != Some(Identity::UNKNOWN)));
                for direction in [Direction::Ingress, Direction::Egress] {
                    for (identity, labels) in identities.iter() {
                        for (protocol, port) in PROTOCOLS.into_iter().flat_map(|protocol| PORTS.map(|port| (protocol, port))) {
                            let expect = evaluate(&model, &subject, (identity, labels), direction, protocol, port);
                            let found = set.lookup(direction, identity, protocol, port);
                            prop_assert_eq!(found, expect, "{} {} {} {}/{}", subject, direction, identity, protocol, port);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn order_means_nothing(policies in policies(0..6).prop_flat_map(|p| (Just(p.clone()), Just(p).prop_shuffle()))) {
        let (straight, mut shuffled) = policies;
        for policy in &mut shuffled {
            let mut reversed = Policy::clone(policy);
            reversed.rules.reverse();
            *policy = Arc::new(reversed);
        }
        prop_assert_eq!(decisions(&straight, Enforcement::Default), decisions(&shuffled, Enforcement::Default));
    }

    #[test]
    fn allow_never_denies_and_deny_never_allows(
        mut policies in policies(0..5),
        added in (selector(), rule()),
        enforcement in enforcement(),
    ) {
        let before = decisions(&policies, enforcement);
        let (subject, rule) = added;
        let action = rule.0;
        policies.push(Arc::new(build("added", (PolicyKind::CiliumNetworkPolicy, subject, (false, false), vec![rule]))));
        for (before, after) in before.into_iter().zip(decisions(&policies, enforcement)) {
            let was_allowed = before.0.verdict == Verdict::Allowed;
            let is_allowed = after.0.verdict == Verdict::Allowed;
            match action {
                Action::Allow => prop_assert!(is_allowed || !was_allowed, "{:?} became {:?}", before, after),
                Action::Deny => prop_assert!(was_allowed || !is_allowed, "{:?} became {:?}", before, after),
            }
        }
    }
}
