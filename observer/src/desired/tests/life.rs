//! A long random life: no number that anything still has is freed or changes its meaning, and nothing piles up.

use super::*;
use std::collections::HashMap;

use super::remotes::{TestCluster, spec_labels};
use flow::row::FlowRow;
use flow::store::{SEGMENT_FLOWS, Store, Writer};
use proptest::prelude::*;
use registry::cluster::ClusterState;

/// What happens.
#[derive(Clone, Debug)]
enum Event {
    /// Endpoints: the role of each, if it is there.
    Endpoints(Vec<Option<u8>>),
    /// Policies: the network and role that each names, if it is there.
    Policies(Vec<Option<u8>>),
    /// Endpoints of another node: the role of each, if it is there.
    Remotes(Vec<Option<u8>>),
    /// An endpoint talks: a connection, an edge and a flow.
    Talk(usize),
    /// So many connections end.
    Close(usize),
    /// So many of the oldest flows leave the store.
    Overwrite,
    Reclaim,
    Restart,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let roles = || prop::collection::vec(prop::option::weighted(0.7, 0u8..4), 4);
    let event = prop_oneof![
        4 => roles().prop_map(Event::Endpoints),
        3 => roles().prop_map(Event::Policies),
        3 => roles().prop_map(Event::Remotes),
        6 => (0usize..4).prop_map(Event::Talk),
        3 => (0usize..6).prop_map(Event::Close),
        1 => Just(Event::Overwrite),
        6 => Just(Event::Reclaim),
        1 => Just(Event::Restart),
    ];
    prop::collection::vec(event, 1..60)
}

/// What a connection or flow carries, and what that meant when it was made.
#[derive(Clone, Debug, PartialEq)]
struct Meaning {
    metadata: (u32, String),
    rule: (u32, String),
    identity: (u32, LabelSet),
}

struct World {
    planning: Planning,
    endpoints: Arc<EndpointFile>,
    policies: Vec<String>,
    step: Desired,
    cluster: Arc<ClusterState>,
    connections: Vec<Meaning>,
    flows: Vec<Meaning>,
    store: Arc<Store>,
    writer: Writer,
}

impl World {
    fn new() -> Self {
        let endpoints = file(&[]);
        let settings = PlanSettings {
            identity_rest: Duration::ZERO,
            ..settings(Mode::Enforce, Enforcement::Default)
        };
        let mut planning = Planning::with(settings, Arc::clone(&endpoints));
        planning.giver.forgets = true;
        let step = planning.step();
        let (store, writer) = Store::new(1);
        Self {
            planning,
            endpoints,
            policies: Vec::new(),
            step,
            cluster: Arc::default(),
            connections: Vec::new(),
            flows: Vec::new(),
            store,
            writer,
        }
    }

    fn settle(&mut self) {
        let mut steps = self.planning.settle();
        self.step = steps.pop().unwrap();
    }

    fn policies(&mut self, roles: &[Option<u8>]) {
        let present = roles
            .iter()
            .enumerate()
            .filter_map(|(place, role)| Some((place, (*role)?)));
        self.policies = present
            .map(|(place, role)| {
                let ingress = format!("  ingress:\n  - fromCIDR: [10.{role}.0.0/16]\n  - fromEndpoints: [{{matchLabels: {{role: r{role}}}}}]");
                policy(&format!("p{place}"), &format!("r{place}"), &ingress)
            })
            .collect();
        self.write_policies();
    }

    /// Endpoints of another node, of which this one knows through the registry only.
    fn remotes(&mut self, roles: &[Option<u8>]) {
        let present = roles
            .iter()
            .enumerate()
            .filter_map(|(place, role)| Some((place, (*role)?)));
        let mut cluster = TestCluster::default();
        for (place, role) in present {
            let labels = spec_labels(&format!("r{role}"));
            let number = self.planning.giver.number(&labels);
            let name = format!("e{place}");
            let ip = format!("10.8.0.{}", place + 1);
            cluster.add("default/far", &name, &ip, number, labels);
        }
        self.planning.giver.used = cluster.identities();
        self.cluster = cluster.state(self.cluster.revision + 1);
        self.planning.planner.set_cluster(Arc::clone(&self.cluster));
        self.settle();
    }

    fn write_policies(&mut self) {
        let texts: Vec<&str> = self.policies.iter().map(String::as_str).collect();
        self.planning.set_policies(&texts);
        self.settle();
    }

    fn talk(&mut self, place: usize) {
        let Some(endpoint) = self.step.endpoints.get(place) else {
            return;
        };
        let row = endpoint.row;
        let defaults = self.step.default_rules[&row.policy_set];
        let cells = self.step.sets[&row.policy_set].cells.iter();
        let rules = cells.map(|cell| self.step.rules[&cell.rule]);
        let mut metadata = vec![(row.metadata, row.identity)];
        let networks = self.step.prefixes.iter();
        metadata.extend(networks.map(|prefix| (prefix.metadata, prefix.identity.0)));
        let remotes = self.step.remotes.values();
        metadata.extend(remotes.map(|remote| (remote.metadata, remote.identity.0)));
        for rule in rules.chain(defaults).filter(|rule| *rule != 0) {
            for (index, identity) in &metadata {
                let meaning = self.meaning(*index, rule, *identity);
                let meaning = meaning.expect("what is in the maps is known");
                self.connections.push(meaning.clone());
                self.flows.push(meaning);
                self.writer.append(&FlowRow {
                    source_metadata: *index,
                    rule,
                    ..FlowRow::default()
                });
            }
        }
        self.writer.publish();
    }

    fn meaning(&self, metadata: u32, rule: u32, identity: u32) -> Option<Meaning> {
        let version = self.planning.metadata.version(metadata)?;
        let told = self.planning.rules.rule(rule)?;
        let labels = labels_of(&self.planning, Identity(identity))?;
        Some(Meaning {
            metadata: (metadata, format!("{:?}", version.content())),
            rule: (rule, told.info().description.clone()),
            identity: (identity, labels),
        })
    }

    fn overwrite(&mut self) {
        for _ in 0..3 * SEGMENT_FLOWS {
            self.writer.append(&FlowRow::default());
        }
        self.writer.publish();
        self.flows.clear();
    }

    fn reclaim(&mut self) {
        let mut in_use = InUse {
            policy_sets: self.step.sets.keys().copied().collect(),
            ..InUse::default()
        };
        for meaning in &self.connections {
            in_use.metadata.insert(meaning.metadata.0);
            in_use.rules.insert(meaning.rule.0);
            in_use.identities.insert(meaning.identity.0);
        }
        let stored = self.store.stored_numbers();
        let now_ns = wall_ns();
        self.planning
            .planner
            .reclaim(&in_use, &stored, now_ns)
            .unwrap();
    }

    fn restart(self) -> Self {
        let planning = self.planning.restarted(Arc::clone(&self.endpoints));
        let (store, writer) = Store::new(1);
        let mut world = Self {
            planning,
            flows: Vec::new(),
            store,
            writer,
            ..self
        };
        let cluster = Arc::clone(&world.cluster);
        world.planning.planner.set_cluster(cluster);
        world.write_policies();
        world
    }

    /// Everything that is carried means what it did.
    fn check(&self) -> Result<(), TestCaseError> {
        for meaning in &self.connections {
            let now = self.meaning(meaning.metadata.0, meaning.rule.0, meaning.identity.0);
            prop_assert_eq!(now.as_ref(), Some(meaning));
        }
        for meaning in &self.flows {
            let version = self.planning.metadata.version(meaning.metadata.0);
            let version = version.map(|version| format!("{:?}", version.content()));
            prop_assert_eq!(version.as_ref(), Some(&meaning.metadata.1));
            let rule = self.planning.rules.rule(meaning.rule.0);
            let rule = rule.map(|rule| rule.info().description.clone());
            prop_assert_eq!(rule.as_ref(), Some(&meaning.rule.1));
        }
        let view = self.planning.planner.view();
        let mut numbers: HashMap<u32, &str> = HashMap::new();
        for endpoint in view.endpoints.iter() {
            let other = numbers.insert(endpoint.row.metadata, &endpoint.name);
            prop_assert_eq!(other, None, "one index for two endpoints");
            let current = labels_of(&self.planning, Identity(endpoint.row.identity));
            prop_assert_eq!(
                current.as_ref(),
                Some(&endpoint.labels),
                "no label is filtered here"
            );
        }
        Ok(())
    }

    /// Numbers that the tables have, reserved ones aside.
    fn known(&self) -> (usize, usize, usize) {
        let indexes = (16..10_000).filter(|index| self.planning.metadata.version(*index).is_some());
        let rules = (16..10_000).filter(|rule| self.planning.rules.rule(*rule).is_some());
        let identities = self.planning.planner.view().identities.len() - 11;
        (indexes.count(), rules.count(), identities)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_number_in_use_is_freed_and_nothing_piles_up(events in events()) {
        let mut world = World::new();
        for event in events {
            match event {
                Event::Endpoints(roles) => {
                    let texts: Vec<_> = roles.iter().enumerate().filter_map(|(place, role)| {
                        let role = (*role)?;
                        Some((format!("e{place}"), format!("r{role}"), format!("10.9.0.{}", place + 1)))
                    }).collect();
                    let refs: Vec<_> = texts.iter().map(|(name, role, ip)| (name.as_str(), role.as_str(), ip.as_str())).collect();
                    world.endpoints = file(&refs);
                    world.planning.planner.set_endpoints(Arc::clone(&world.endpoints)).unwrap();
                    world.settle();
                }
                Event::Policies(roles) => world.policies(&roles),
                Event::Remotes(roles) => world.remotes(&roles),
                Event::Talk(place) => world.talk(place),
                Event::Close(count) => { let rest = world.connections.len().saturating_sub(count * 4); world.connections.drain(rest..); }
                Event::Overwrite => world.overwrite(),
                Event::Reclaim => world.reclaim(),
                Event::Restart => world = world.restart(),
            }
            world.check()?;
        }
        world.connections.clear();
        world.overwrite();
        world.settle();
        for _ in 0..3 {
            world.reclaim();
            world.settle();
        }
        let step = &world.step;
        let defaults: std::collections::HashSet<u32> = step.default_rules.values().flatten().copied().filter(|rule| *rule != 0).collect();
        let mut subjects: std::collections::HashSet<u32> = step.endpoints.iter().map(|one| one.row.identity).collect();
        subjects.extend(step.remotes.values().map(|remote| remote.identity.0));
        let expect = (
            step.endpoints.len() + step.prefixes.len() + step.remotes.len(),
            step.rules.len() + defaults.len(),
            subjects.len() + step.prefixes.len(),
        );
        prop_assert_eq!(world.known(), expect);
        let known = world.planning.planner.numbers_wanted().known;
        let own: BTreeSet<u32> = step.endpoints.iter().map(|one| one.row.identity).collect();
        let claimed: BTreeSet<u32> = known.keys().map(|identity| identity.0).collect();
        prop_assert!(claimed.is_superset(&own));
    }
}
