//! The compiler against the specification, and what must hold of the specification itself, on generated policies.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod generator;

use std::net::IpAddr;
use std::sync::Arc;

use generator::{
    PORTS, PROTOCOLS, Parts, build, enforcement, identities, label_sets, model, named_ports,
    policies, rule, selector,
};
use policy::{
    Action, Cidr, Compiler, Decision, Direction, Enforcement, Identities, Identity, LabelSet,
    NamedPorts, Peer, Peers, Policy, PolicyKind, PolicyModel, PolicyName, Ports, Ranks, RuleKey,
    RuleSet, Selector, evaluate, nearest,
};
use proptest::prelude::*;

const DIRECTIONS: [Direction; 2] = [Direction::Ingress, Direction::Egress];

/// Addresses within and beside the networks that policies name.
const ADDRESSES: [&str; 8] = [
    "10.1.2.3",
    "10.1.2.4",
    "10.1.3.1",
    "10.9.9.9",
    "192.0.2.1",
    "203.0.113.1",
    "fd00:1::1",
    "2001:db8::1",
];

/// Every protocol with every port of the small universe.
fn packets() -> impl Iterator<Item = (u8, u16)> {
    PROTOCOLS
        .into_iter()
        .flat_map(|protocol| PORTS.map(|port| (protocol, port)))
}

/// All decisions of the specification, with rules named by their lasting key.
fn decisions(
    policies: &[Arc<Policy>],
    enforcement: Enforcement,
) -> Vec<(Decision, Option<RuleKey>)> {
    let rules = RuleSet::new(policies.iter().cloned(), &mut Ranks::default());
    let (identities, named_ports) = (identities(), named_ports());
    let model = model(&rules, enforcement, &named_ports);
    let mut decisions = Vec::new();
    for subject in label_sets() {
        for direction in DIRECTIONS {
            for peer in identities.iter() {
                for (protocol, port) in packets() {
                    let decision = evaluate(&model, &subject, peer, direction, protocol, port);
                    decisions.push(by_key(&model, decision));
                }
            }
        }
    }
    decisions
}

fn by_key(model: &PolicyModel<'_>, decision: Decision) -> (Decision, Option<RuleKey>) {
    let key = decision
        .rule
        .map(|rule| model.rules.rule(rule).unwrap().key.clone());
    let decision = Decision {
        rule: None,
        ..decision
    };
    (decision, key)
}

/// The same policy, with everything that is a list the other way round.
fn reversed(policy: &Policy) -> Policy {
    let selector =
        |selector: &Selector| Selector::new(selector.requirements().iter().rev().cloned());
    let mut policy = policy.clone();
    policy.subject = Arc::new(selector(&policy.subject));
    policy.rules.reverse();
    for rule in &mut policy.rules {
        rule.subject = Arc::clone(&policy.subject);
        if let Ports::Of(specs) = &rule.ports {
            rule.ports = Ports::of(specs.iter().rev().cloned().collect());
        }
        let Peers::Of(peers) = &mut rule.peers else {
            continue;
        };
        peers.reverse();
        for peer in peers {
            match peer {
                Peer::Labels(labels) => *labels = selector(labels),
                Peer::Cidr(cidr) => cidr.except.reverse(),
                Peer::AnyEndpoint | Peer::Entity(_) => {}
            }
        }
    }
    policy
}

/// The identity of an address where exactly the networks that the rules name have one: that of the longest.
fn identity_of(address: IpAddr, rules: &RuleSet) -> (Identity, LabelSet) {
    let longest = rules
        .prefixes()
        .into_iter()
        .filter(|prefix| prefix.contains(address))
        .max_by_key(|prefix| prefix.bits());
    match longest {
        Some(prefix) => of_network(prefix),
        None => (Identity::WORLD, Identity::WORLD.reserved_labels().unwrap()),
    }
}

fn of_network(prefix: Cidr) -> (Identity, LabelSet) {
    let local = Identity(Identity::NODE_LOCAL_BIT | 1_000);
    (
        Identity::of_family(prefix).unwrap_or(local),
        Identity::prefix_labels(prefix),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn cells_decide_as_the_rules_do(first in policies(0..6), second in policies(0..6), enforcement in enforcement()) {
        let (identities, named_ports) = (identities(), named_ports());
        let mut ranks = Ranks::default();
        // Twice with the same ranks: the second set must fit between what is left of the first.
        for policies in [first, second] {
            let rules = RuleSet::new(policies, &mut ranks);
            let model = model(&rules, enforcement, &named_ports);
            let compiler = Compiler::new(model, &identities);
            for subject in label_sets() {
                let set = compiler.compile(&subject);
                // 0 is "anybody" in the kernel's key: a cell for the unknown identity would match everyone.
                prop_assert!(set.cells.iter().all(|cell| cell.identity != Some(Identity::UNKNOWN)));
                prop_assert!(set.cells.iter().all(|cell| !cell.audit || cell.action == Action::Deny));
                for direction in DIRECTIONS {
                    prop_assert_eq!(model.default_deny(&subject, direction), (set.enforced(direction), set.audited(direction)));
                    for (identity, labels) in identities.iter() {
                        for (protocol, port) in packets() {
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
        let (straight, shuffled) = policies;
        let shuffled: Vec<Arc<Policy>> = shuffled.iter().map(|policy| Arc::new(reversed(policy))).collect();
        prop_assert_eq!(decisions(&straight, Enforcement::Default), decisions(&shuffled, Enforcement::Default));
    }

    /// The place of a rule in its section and the name of its policy say which of several rules decides, not what.
    #[test]
    fn places_and_names_change_no_verdict(policies in policies(0..6)) {
        let renamed: Vec<Arc<Policy>> = policies.iter().enumerate().map(|(number, policy)| {
            let mut policy = Policy::clone(policy);
            let name = format!("z{}", policies.len() - number);
            policy.name = Arc::new(PolicyName { name, ..PolicyName::clone(&policy.name) });
            let count = policy.rules.len();
            for (number, rule) in policy.rules.iter_mut().enumerate() {
                rule.key.policy = Arc::clone(&policy.name);
                rule.key.index = u32::try_from(count - number).unwrap();
            }
            Arc::new(policy)
        }).collect();
        let outcome = |(decision, _): (Decision, _)| (decision.verdict, decision.audited);
        let before: Vec<_> = decisions(&policies, Enforcement::Default).into_iter().map(outcome).collect();
        let after: Vec<_> = decisions(&renamed, Enforcement::Default).into_iter().map(outcome).collect();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn allow_never_denies_and_deny_never_allows(
        mut policies in policies(0..5),
        added in (selector(), rule(), any::<bool>()),
        enforcement in enforcement(),
    ) {
        let before = decisions(&policies, enforcement);
        let (subject, rule, audited) = added;
        let action = rule.0;
        let parts = Parts {
            kind: PolicyKind::CiliumNetworkPolicy, subject, default_deny: (false, false), audited, rules: vec![rule],
        };
        policies.push(Arc::new(build("added", parts)));
        for (before, after) in before.into_iter().zip(decisions(&policies, enforcement)) {
            let (passed, passes) = (before.0.passes(), after.0.passes());
            match action {
                Action::Allow => prop_assert!(passes || !passed, "{:?} became {:?}", before, after),
                Action::Deny if audited => prop_assert_eq!(passes, passed, "{:?} became {:?}", before, after),
                Action::Deny => prop_assert!(passed || !passes, "{:?} became {:?}", before, after),
            }
        }
    }

    /// What passes without a mark is what would pass if every policy enforced.
    #[test]
    fn audited_policies_only_mark(policies in policies(0..5), enforcement in enforcement()) {
        let enforcing: Vec<Arc<Policy>> = policies.iter().map(|policy| {
            Arc::new(Policy { audited: false, ..Policy::clone(policy) })
        }).collect();
        for (audited, enforced) in decisions(&policies, enforcement).into_iter().zip(decisions(&enforcing, enforcement)) {
            let marked = audited.0.audited;
            prop_assert_eq!(audited.0.passes() && !marked, enforced.0.passes(), "{:?} {:?}", audited, enforced);
            if marked {
                prop_assert_eq!(audited.0.verdict, enforced.0.verdict);
            }
        }
    }

    /// Which networks have an identity depends on all the policies; what an address may do depends on none but those that
    /// match it.
    #[test]
    fn an_address_is_judged_as_if_it_had_an_identity_of_its_own(policies in policies(0..6), enforcement in enforcement()) {
        let rules = RuleSet::new(policies, &mut Ranks::default());
        let named_ports = named_ports();
        let model = model(&rules, enforcement, &named_ports);
        for address in ADDRESSES {
            let address: IpAddr = address.parse().unwrap();
            let (identity, labels) = identity_of(address, &rules);
            let (own, own_labels) = of_network(Cidr::host(address));
            for subject in label_sets() {
                for direction in DIRECTIONS {
                    for (protocol, port) in packets() {
                        let found = evaluate(&model, &subject, (identity, &labels), direction, protocol, port);
                        let expect = evaluate(&model, &subject, (own, &own_labels), direction, protocol, port);
                        prop_assert_eq!(found, expect, "{} as {}: {} {} {}/{}", address, labels, subject, direction, protocol, port);
                    }
                }
            }
        }
    }

    /// Endpoints that come and go with an identity and port names that are known write nothing.
    #[test]
    fn scaling_changes_no_policy_set(policies in policies(0..6), enforcement in enforcement()) {
        let rules = RuleSet::new(policies, &mut Ranks::default());
        let sets = |identities: &Identities, named_ports: &NamedPorts| -> Vec<_> {
            let compiler = Compiler::new(model(&rules, enforcement, named_ports), identities);
            label_sets().iter().map(|subject| compiler.compile(subject)).collect()
        };
        let (mut identities, mut named) = (identities(), named_ports());
        let before = sets(&identities, &named);
        for labels in label_sets() {
            let identity = identities.allocate(labels.clone()).unwrap();
            let ports = named.ports("http", |other, _| other == identity);
            for port in ports {
                named.insert(identity, &labels, "http", port);
            }
        }
        prop_assert_eq!(sets(&identities, &named), before);
    }

    /// Near misses are of the other action, and something differs, but for an allow rule that a deny rule overrules.
    #[test]
    fn near_misses_differ(policies in policies(1..5)) {
        let rules = RuleSet::new(policies, &mut Ranks::default());
        let (identities, named_ports) = (identities(), named_ports());
        let model = model(&rules, Enforcement::Default, &named_ports);
        for (subject, peer) in label_sets().iter().zip(identities.iter().skip(11)) {
            for direction in DIRECTIONS {
                for (protocol, port) in packets() {
                    let decision = evaluate(&model, subject, peer, direction, protocol, port);
                    let near = nearest(&model, subject, peer, direction, protocol, port, usize::MAX);
                    let wanted = if decision.verdict == policy::Verdict::Allowed { Action::Deny } else { Action::Allow };
                    prop_assert!(near.iter().all(|miss| rules.rule(miss.rule).unwrap().key.action == wanted));
                    let matches = near.iter().any(|miss| miss.differences.is_empty());
                    prop_assert!(!matches || decision.verdict == policy::Verdict::DeniedByRule, "{:?} {:?}", decision, near);
                    let few = nearest(&model, subject, peer, direction, protocol, port, 2);
                    prop_assert_eq!(few.as_slice(), &near[..near.len().min(2)]);
                }
            }
        }
    }
}
