//! A generated set of policies, put in force in the kernel.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bpf_events::endpoint::EndpointRow;
use bpf_loader::policy_sets::SetWrite;
use bpf_loader::{Aggregation, RunTimeSettings};
use policy::{
    Cidr, Compiler, Direction, Enforcement, Identities, Identity, NamedPorts, PolicyModel,
    PolicyRepository, PolicySet, RuleRef, RuleSet,
};
use tests::datapath::TestNode;
use tests::random::Random;

use super::expectation::{MODES, Stance};
use super::names::{Numbers, RuleNames};
use super::world::World;

/// Endpoints of the node itself have smaller numbers.
const FIRST_LATE: u32 = Identity::FIRST_ALLOCATED.0 + 6;

/// Longer than any test: what is traced for want of news is the first packet alone.
const FAR: Duration = Duration::from_hours(1);

/// How the node is set while a set of policies is in force.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// The enforcement setting.
    pub(super) enforcement: Enforcement,
    /// Modes, as `World::locals`.
    pub(super) modes: Vec<u8>,
    /// What the host sends passes before policy.
    pub(super) local_host_passes: bool,
    /// The networks are known before the cells are, as when rules change, or after.
    pub(super) networks_first: bool,
    /// How much is told.
    pub(super) aggregation: Aggregation,
    /// Bits of identities, by the low bits of their numbers, that are known only after the policies.
    pub(super) late: u64,
}

impl Manner {
    /// A generated one.
    pub(super) fn new(random: &mut Random, locals: usize) -> Self {
        Self {
            enforcement: random.weighted(&[
                (7, Enforcement::Default),
                (2, Enforcement::Always),
                (1, Enforcement::Never),
            ]),
            modes: (0..locals).map(|_| random.weighted(&MODES)).collect(),
            local_host_passes: random.percent(25),
            networks_first: random.percent(50),
            aggregation: Aggregation::Connection,
            late: if random.percent(50) {
                random.number() & random.number()
            } else {
                0
            },
        }
    }
}

impl Manner {
    /// Whether an identity is known only after the policies.
    fn is_late(&self, identity: Identity) -> bool {
        identity.0 >= FIRST_LATE && self.late & 1 << (identity.0 % 64) != 0
    }
}

/// Policies that have been compiled for the endpoints of the node.
pub(super) struct Compiled {
    rules: Arc<RuleSet>,
    networks: BTreeSet<Cidr>,
    /// By number of the set.
    sets: BTreeMap<u32, (PolicySet, [u32; 2])>,
    /// What each of them says, in words.
    says: BTreeMap<u32, String>,
    /// [`Manner::late`].
    late: u64,
    rule_numbers: HashMap<RuleRef, u32>,
}

/// The kernel's policies from the first set to the last.
#[derive(Default)]
pub(super) struct InForce {
    rules: Arc<RuleSet>,
    named_ports: NamedPorts,
    /// Numbers of rules.
    pub(super) numbers: Numbers,
    revision: u32,
    /// What each set said when it was last written, in words, and who was left out of them.
    said: HashMap<u32, (u64, String)>,
}

impl InForce {
    /// Nothing yet; ports have these names.
    pub(super) fn new(named_ports: NamedPorts) -> Self {
        Self {
            named_ports,
            ..Self::default()
        }
    }

    /// All that decides.
    pub(super) fn model(&self, manner: &Manner) -> PolicyModel<'_> {
        PolicyModel {
            rules: &self.rules,
            enforcement: manner.enforcement,
            named_ports: &self.named_ports,
        }
    }

    /// Reads a text, compiles it, and puts it in force; returns what is to be expected of each endpoint.
    pub(super) fn enforce(
        &mut self,
        node: &mut TestNode,
        world: &mut World,
        text: &str,
        manner: &Manner,
    ) -> Vec<Stance> {
        let compiled = self.compile(world, text, manner);
        if manner.late == 0 {
            self.put(node, world, &compiled, manner);
        } else {
            let mut identities = world.identities(&compiled.networks);
            let all: Vec<Identity> = identities.iter().map(|(identity, _)| identity).collect();
            for identity in all.into_iter().filter(|identity| manner.is_late(*identity)) {
                identities.remove(identity);
            }
            let rules = Arc::clone(&compiled.rules);
            let before = self.compile_for(world, rules, &identities, manner);
            self.put(node, world, &before, manner);
            self.write_sets(node, &compiled, |identity| !manner.is_late(identity));
        }
        for (place, mode) in manner.modes.iter().enumerate() {
            let local = &world.locals[place];
            let info = local.known.info;
            let set = local.set;
            node.change_row(local.name, |row: &mut EndpointRow| {
                (row.identity, row.metadata) = (info.identity, info.metadata);
                (row.policy_set, row.mode) = (set, *mode);
            });
        }
        let stance = |(place, mode): (usize, &u8)| Stance {
            mode: *mode,
            revision: revision_of(node, world.locals[place].set),
            local_host_passes: manner.local_host_passes,
        };
        manner.modes.iter().enumerate().map(stance).collect()
    }

    /// Reads and compiles a text for every endpoint of the node.
    pub(super) fn compile(&mut self, world: &mut World, text: &str, manner: &Manner) -> Compiled {
        let mut repository = PolicyRepository::new();
        repository
            .replace_file("generated.yaml", text)
            .unwrap_or_else(|error| panic!("a generated policy is refused: {error}\n{text}"));
        let rules = Arc::clone(repository.rules());
        let identities = world.identities(&rules.prefixes());
        self.compile_for(world, rules, &identities, manner)
    }

    fn compile_for(
        &mut self,
        world: &World,
        rules: Arc<RuleSet>,
        identities: &Identities,
        manner: &Manner,
    ) -> Compiled {
        let model = PolicyModel {
            rules: &rules,
            enforcement: manner.enforcement,
            named_ports: &self.named_ports,
        };
        let compiler = Compiler::new(model, identities);
        let mut rule_numbers: HashMap<RuleRef, u32> = HashMap::new();
        for (reference, rule) in rules.rules() {
            rule_numbers.insert(reference, self.numbers.of(rule.key.to_string()));
        }
        let mut sets = BTreeMap::new();
        for local in &world.locals {
            let subject = &local.known.labels;
            let names = RuleNames {
                model: &model,
                subject,
            };
            let default_rules =
                [Direction::Ingress, Direction::Egress].map(|direction| {
                    match names.default_deny(direction) {
                        none if none == names.none() => 0,
                        words => self.numbers.of(words),
                    }
                });
            sets.insert(local.set, (compiler.compile(subject), default_rules));
        }
        let in_words = |(set, (policy, default_rules)): (&u32, &(PolicySet, [u32; 2]))| {
            (*set, says(policy, *default_rules, &rule_numbers, manner))
        };
        Compiled {
            late: manner.late,
            networks: rules.prefixes(),
            says: sets.iter().map(in_words).collect(),
            sets,
            rule_numbers,
            rules,
        }
    }

    /// Puts policies in force, as a new revision.
    pub(super) fn put(
        &mut self,
        node: &mut TestNode,
        world: &mut World,
        compiled: &Compiled,
        manner: &Manner,
    ) {
        self.revision += 1;
        self.rules = Arc::clone(&compiled.rules);
        if manner.networks_first {
            world.set_prefixes(node, &compiled.networks);
        }
        let in_use = world.in_use();
        let exists = |identity: Identity| manner.networks_first || in_use.contains(&identity);
        self.write_sets(node, compiled, exists);
        self.check_revisions(node, compiled, manner.networks_first);
        world.set_prefixes(node, &compiled.networks);
        node.datapath.configure(&RunTimeSettings {
            aggregation: manner.aggregation,
            trace_interval: FAR,
            drop_events_per_second: 0,
            local_host_passes: manner.local_host_passes,
        });
        node.datapath.bump_policy_epoch();
    }

    fn write_sets(
        &mut self,
        node: &mut TestNode,
        compiled: &Compiled,
        exists: impl Fn(Identity) -> bool,
    ) {
        let writes: Vec<SetWrite<'_>> = compiled
            .sets
            .iter()
            .map(|(set, (policy, default_rules))| SetWrite {
                set: *set,
                policy,
                default_rules: *default_rules,
            })
            .collect();
        let numbers = &compiled.rule_numbers;
        let sets = &mut node.datapath.policy_sets;
        sets.write_all(&writes, self.revision, |rule| numbers[&rule], exists)
            .expect("there is room");
    }

    /// A set that says something new names the new revision, unless cells may have changed in place, which they may for
    /// identities that nobody has.
    fn check_revisions(&mut self, node: &TestNode, compiled: &Compiled, nothing_in_place: bool) {
        for (set, says) in &compiled.says {
            let before = self.said.insert(*set, (compiled.late, says.to_owned()));
            let is_new = |(late, said): (u64, String)| late == compiled.late && said != *says;
            if nothing_in_place && before.is_some_and(is_new) {
                let named = revision_of(node, *set);
                assert_eq!(named, self.revision, "set {set} says something new");
            }
        }
    }
}

/// The revision that verdicts of a set name.
pub(super) fn revision_of(node: &TestNode, set: u32) -> u32 {
    let generation = node.datapath.policy_sets.generation(set);
    generation.map_or(0, |(_, revision)| revision)
}

/// What a set says, in words. Cells of networks and of identities that come late may come and go without notice.
fn says(
    policy: &PolicySet,
    default_rules: [u32; 2],
    numbers: &HashMap<RuleRef, u32>,
    manner: &Manner,
) -> String {
    let is_told = |identity: Identity| !identity.is_node_local() && !manner.is_late(identity);
    let cells = policy.cells.iter();
    let cells = cells.filter(|cell| cell.identity.is_none_or(is_told));
    let cells: Vec<_> = cells
        .map(|cell| {
            let place = (cell.direction, cell.audit, cell.identity, cell.protocol);
            (place, cell.port, cell.port_prefix, numbers[&cell.rule])
        })
        .collect();
    let flags = [Direction::Ingress, Direction::Egress]
        .map(|direction| (policy.enforced(direction), policy.audited(direction)));
    format!("{default_rules:?} {flags:?} {cells:?}")
}
