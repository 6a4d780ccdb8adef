//! Networks that policies name: their numbers, and that no packet meets half a change.

use super::*;
use std::collections::BTreeSet;
use std::net::IpAddr;

use policy::{Decision, Direction, NamedPorts, PolicyModel, RuleSet, evaluate};
use proptest::prelude::*;

fn cidr_policy(section: &str, cidrs: &str) -> String {
    policy("net", "a", &format!("  {section}:\n  - {cidrs}"))
}

fn cidrs(step: &Desired) -> Vec<String> {
    let prefixes = step.prefixes.iter();
    prefixes
        .map(|prefix| format!("{} {}", prefix.cidr, prefix.identity))
        .collect()
}

#[test]
fn networks_come_before_the_rules_that_name_them_and_leave_after() {
    let mut planning = Planning::new(file(&[("a", "a", "10.0.0.1")]));
    planning.set_policies(&[&cidr_policy("ingress", "fromCIDR: [10.0.0.0/8, 0.0.0.0/0]")]);
    let first = planning.step();
    assert_eq!(
        cidrs(&first),
        ["0.0.0.0/0 world-ipv4", "10.0.0.0/8 16777217"]
    );
    assert_eq!(
        first.prefixes[0].metadata, 9,
        "reserved metadata has the identity's number"
    );
    let version = planning
        .metadata
        .version(first.prefixes[1].metadata)
        .unwrap();
    let content = version.content();
    assert_eq!(content.kind, flow::metadata::MetadataKind::Cidr);
    assert_eq!(content.labels.to_string(), "cidr:10.0.0.0/8,reserved:world");
    planning.set_policies(&[&cidr_policy(
        "ingress",
        "fromCIDR: [10.1.0.0/16, 10.0.0.0/8, \"fd00::/8\"]",
    )]);
    let steps = planning.desired();
    let all = [
        "0.0.0.0/0 world-ipv4",
        "10.0.0.0/8 16777217",
        "10.1.0.0/16 16777218",
        "fd00::/8 16777219",
    ];
    assert_eq!(
        steps.iter().map(|step| step.revision).collect::<Vec<_>>(),
        [1, 2]
    );
    assert!(steps.iter().all(|step| cidrs(step) == all));
    let again = planning.desired();
    assert_eq!(again.len(), 2, "nothing was applied");
    planning.planner.applied(&again[0]).unwrap();
    assert!(!planning.planner.has_leftovers());
    let rest = planning.desired();
    assert_eq!(
        rest.iter().map(|step| step.revision).collect::<Vec<_>>(),
        [2]
    );
    planning.planner.applied(&rest[0]).unwrap();
    assert!(planning.planner.has_leftovers());
    let last = planning.step();
    assert_eq!(cidrs(&last), all[1..]);
    assert!(!planning.planner.has_leftovers());
    let view = planning.planner.view();
    assert_eq!(view.prefixes.len(), 3);
    assert_eq!(
        view.identities.prefix(Identity(16_777_218)),
        "10.1.0.0/16".parse().ok()
    );
}

#[test]
fn a_restart_keeps_the_numbers_of_networks_and_takes_old_ones_away_later() {
    let endpoints = file(&[("a", "a", "10.0.0.1")]);
    let mut planning = Planning::new(Arc::clone(&endpoints));
    planning.set_policies(&[&cidr_policy(
        "ingress",
        "fromCIDR: [10.0.0.0/8, 11.0.0.0/8]",
    )]);
    let before = planning.step();
    let mut planning = planning.restarted(endpoints);
    planning.set_policies(&[&cidr_policy("ingress", "fromCIDR: [11.0.0.0/8]")]);
    let after = planning.step();
    assert_eq!(before.prefixes, after.prefixes);
    assert_eq!(planning.step().prefixes, after.prefixes[1..]);
    planning.reclaim(&InUse::default(), &StoredNumbers::none());
    let view = planning.planner.view();
    assert!(
        view.identities
            .labels(before.prefixes[0].identity)
            .is_none()
    );
    assert!(
        view.identities
            .labels(before.prefixes[1].identity)
            .is_some()
    );
    assert!(
        planning
            .metadata
            .version(before.prefixes[0].metadata)
            .is_none()
    );
}

/// The maps as packets meet them.
#[derive(Default)]
struct Maps {
    set: Arc<PolicySet>,
    prefixes: Vec<DesiredPrefix>,
}

impl Maps {
    fn decide(&self, from: IpAddr) -> Decision {
        let longest = self
            .prefixes
            .iter()
            .filter(|prefix| prefix.cidr.contains(from));
        let longest = longest.max_by_key(|prefix| prefix.cidr.bits());
        let identity = longest.map_or(Identity::WORLD, |prefix| prefix.identity);
        self.set.lookup(Direction::Ingress, identity, 6, 80)
    }
}

/// What rules say of an address, by their own networks alone.
fn truth(rules: &RuleSet, subject: &LabelSet, from: IpAddr) -> Decision {
    let prefixes = rules.prefixes();
    let longest = prefixes.iter().filter(|cidr| cidr.contains(from));
    let longest = longest.max_by_key(|cidr| cidr.bits());
    let identity = longest.map_or(Identity::WORLD, |cidr| {
        Identity::of_family(*cidr).unwrap_or(Identity(Identity::NODE_LOCAL_BIT | 1))
    });
    let labels = longest.map_or_else(
        || Identity::WORLD.reserved_labels().unwrap(),
        |cidr| Identity::prefix_labels(*cidr),
    );
    let named_ports = NamedPorts::new();
    let model = PolicyModel {
        rules,
        enforcement: Enforcement::Default,
        named_ports: &named_ports,
    };
    evaluate(
        &model,
        subject,
        (identity, &labels),
        Direction::Ingress,
        6,
        80,
    )
}

const NETWORKS: [&str; 6] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.1.0/24",
    "10.1.1.1/32",
    "11.0.0.0/8",
];

const PROBES: [&str; 6] = [
    "10.1.1.1", "10.1.1.2", "10.1.2.1", "10.2.0.1", "11.0.0.1", "12.0.0.1",
];

prop_compose! {
    fn rules()(rules in prop::collection::vec((any::<bool>(), 0..NETWORKS.len(), prop::option::of(0..NETWORKS.len())), 0..4)) -> String {
        let mut sections = String::new();
        for deny in [false, true] {
            let mut entries = String::new();
            for (_, network, except) in rules.iter().filter(|(denies, ..)| *denies == deny) {
                let network: Cidr = NETWORKS[*network].parse().unwrap();
                let except = except.map(|except| NETWORKS[except].parse::<Cidr>().unwrap());
                let except = except.filter(|except| network.contains_cidr(except) && *except != network);
                let except = except.map(|except| format!(", except: [{except}]")).unwrap_or_default();
                entries += &format!("\n  - fromCIDRSet: [{{cidr: {network}{except}}}]");
            }
            if !entries.is_empty() {
                sections += &format!("  {}:{entries}\n", if deny { "ingressDeny" } else { "ingress" });
            }
        }
        if sections.is_empty() {
            sections = "  egress:\n  - {}".to_owned();
        }
        policy("net", "a", &sections)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_packet_gets_the_answer_of_the_old_or_the_new_policy(policies in prop::collection::vec(rules(), 2..6), reclaims in any::<bool>()) {
        let mut planning = Planning::new(file(&[("a", "a", "10.0.0.1")]));
        let mut maps = Maps::default();
        let mut old: Option<Arc<RuleSet>> = None;
        for text in policies {
            planning.set_policies(&[&text]);
            for round in 0..3 {
                let steps = planning.desired();
                let new = Arc::clone(&planning.planner.view().rules);
                let subject = labels_of(&planning, identity_of(&steps[0], "shop/a")).unwrap();
                let check = |maps: &Maps, moment: &str| {
                    for probe in PROBES {
                        let probe: IpAddr = probe.parse().unwrap();
                        let found = maps.decide(probe).verdict;
                        let expect = truth(&new, &subject, probe).verdict;
                        let before = old.as_ref().map(|old| truth(old, &subject, probe).verdict);
                        prop_assert!(found == expect || before.is_none_or(|before| found == before), "{probe} {moment}: {found:?}, neither {before:?} nor {expect:?}\n{text}");
                    }
                    Ok(())
                };
                for step in &steps {
                    maps.set = Arc::clone(&step.sets[&step.endpoints[0].row.policy_set]);
                    check(&maps, "sets written")?;
                    let known: BTreeSet<Cidr> = maps.prefixes.iter().map(|prefix| prefix.cidr).collect();
                    for prefix in step.prefixes.iter().filter(|prefix| !known.contains(&prefix.cidr)) {
                        maps.prefixes.push(*prefix);
                        check(&maps, "network added")?;
                    }
                    while let Some(gone) = maps.prefixes.iter().position(|prefix| !step.prefixes.contains(prefix)) {
                        maps.prefixes.remove(gone);
                        check(&maps, "network gone")?;
                    }
                    planning.planner.applied(step).unwrap();
                }
                if reclaims && round == 1 {
                    planning.reclaim(&InUse::default(), &StoredNumbers::none());
                }
                old = Some(new);
            }
            prop_assert!(!planning.planner.has_leftovers());
            for probe in PROBES {
                let probe: IpAddr = probe.parse().unwrap();
                let rules = planning.planner.view();
                let subject = labels_of(&planning, Identity(rules.endpoints[0].row.identity)).unwrap();
                prop_assert_eq!(maps.decide(probe).verdict, truth(&rules.rules, &subject, probe).verdict);
            }
        }
    }
}
