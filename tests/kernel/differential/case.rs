//! A generated set of policies, put in force in the kernel.

use std::collections::{BTreeMap, HashMap};

use bpf_events::endpoint::EndpointRow;
use bpf_events::policy::RULE_FIRST;
use bpf_loader::policy_sets::SetWrite;
use policy::{
    Compiler, Decision, Direction, Enforcement, Identities, Identity, LabelSet, NamedPorts,
    PolicyModel, PolicyRepository, PolicySet, RuleRef, Verdict,
};
use tests::datapath::TestNode;
use tests::random::Random;

use super::expectation::{MODES, Stance};
use super::world::World;

/// Rules by number, for as long as a test runs.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    words: Vec<String>,
    by_words: HashMap<String, u32>,
}

impl Numbers {
    /// The number of a rule in words.
    pub(super) fn of(&mut self, words: String) -> u32 {
        let next = RULE_FIRST + self.words.len() as u32;
        *self.by_words.entry(words).or_insert_with_key(|words| {
            self.words.push(words.clone());
            next
        })
    }

    /// The words of a number.
    pub(super) fn words(&self, number: u32) -> String {
        let place = number.checked_sub(RULE_FIRST).map(|place| place as usize);
        place.and_then(|place| self.words.get(place)).map_or_else(
            || format!("number {number}, which no rule has"),
            String::clone,
        )
    }
}

/// What decides, in words.
pub(super) struct RuleNames<'a> {
    /// All that decides.
    pub(super) model: &'a PolicyModel<'a>,
    /// Whose policy it is.
    pub(super) subject: &'a LabelSet,
}

impl RuleNames<'_> {
    /// Nothing decides.
    pub(super) fn none(&self) -> String {
        "none".to_owned()
    }

    /// What a decision goes back to.
    pub(super) fn of(&self, decision: &Decision, direction: Direction) -> String {
        match decision.rule {
            Some(rule) => self.of_rule(rule),
            None if decision.verdict == Verdict::DefaultDeny => self.default_deny(direction),
            None => self.none(),
        }
    }

    fn of_rule(&self, rule: RuleRef) -> String {
        let rule = self.model.rules.rule(rule).expect("a rule of this set");
        rule.key.to_string()
    }

    /// The policies that put the subject into default deny: those that enforce, else those that audit.
    pub(super) fn default_deny(&self, direction: Direction) -> String {
        let by = |audited| -> Vec<String> {
            let all = self.model.rules.default_denying(self.subject, direction);
            let fitting = all.filter(|policy| policy.audited == audited);
            fitting.map(|policy| policy.name.to_string()).collect()
        };
        let enforcing = by(false);
        let names = if enforcing.is_empty() && self.model.enforcement == Enforcement::Default {
            by(true)
        } else {
            enforcing
        };
        if names.is_empty() {
            self.none()
        } else {
            format!("default deny of {}", names.join(" and "))
        }
    }
}

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
        }
    }
}

/// The kernel's policies from the first set to the last.
#[derive(Default)]
pub(super) struct InForce {
    repository: PolicyRepository,
    named_ports: NamedPorts,
    /// Numbers of rules.
    pub(super) numbers: Numbers,
    /// What each set said when it was last written, in words.
    said: HashMap<u32, String>,
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
        self.repository.model(manner.enforcement, &self.named_ports)
    }

    /// Puts a text's policies in force; returns what is to be expected of each endpoint.
    pub(super) fn enforce(
        &mut self,
        node: &mut TestNode,
        world: &mut World,
        text: &str,
        manner: &Manner,
    ) -> Vec<Stance> {
        let read = self.repository.replace_file("generated.yaml", text);
        read.unwrap_or_else(|error| {
            panic!("the reader refuses a generated policy: {error}\n{text}")
        });
        let prefixes = self.repository.rules().prefixes();
        let identities = world.identities(&prefixes);
        if manner.networks_first {
            world.set_prefixes(node, &prefixes);
        }
        self.write_sets(node, world, &identities, manner);
        world.set_prefixes(node, &prefixes);
        for (place, mode) in manner.modes.iter().enumerate() {
            let local = &world.locals[place];
            let (identity, metadata, set) = (
                local.known.info.identity,
                local.known.info.metadata,
                local.set,
            );
            node.change_row(local.name, |row: &mut EndpointRow| {
                (row.identity, row.metadata, row.policy_set, row.mode) =
                    (identity, metadata, set, *mode);
            });
        }
        node.datapath.configure(&bpf_loader::RunTimeSettings {
            drop_events_per_second: 0,
            local_host_passes: manner.local_host_passes,
            ..bpf_loader::RunTimeSettings::default()
        });
        node.datapath.bump_policy_epoch();
        let stance = |place: usize| Stance {
            mode: manner.modes[place],
            revision: node
                .datapath
                .policy_sets
                .generation(world.locals[place].set)
                .map_or(0, |(_, revision)| revision),
            local_host_passes: manner.local_host_passes,
        };
        (0..world.locals.len()).map(stance).collect()
    }

    fn write_sets(
        &mut self,
        node: &mut TestNode,
        world: &World,
        identities: &Identities,
        manner: &Manner,
    ) {
        let revision = u32::try_from(self.repository.revision()).expect("few revisions");
        let in_use = world.in_use();
        let model = self.repository.model(manner.enforcement, &self.named_ports);
        let compiler = Compiler::new(model, identities);
        let mut rule_numbers: HashMap<RuleRef, u32> = HashMap::new();
        for (reference, rule) in model.rules.rules() {
            rule_numbers.insert(reference, self.numbers.of(rule.key.to_string()));
        }
        let mut compiled: BTreeMap<u32, (PolicySet, [u32; 2])> = BTreeMap::new();
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
            compiled.insert(local.set, (compiler.compile(subject), default_rules));
        }
        let writes: Vec<SetWrite<'_>> = compiled
            .iter()
            .map(|(set, (policy, default_rules))| SetWrite {
                set: *set,
                policy,
                default_rules: *default_rules,
            })
            .collect();
        let exists = |identity: Identity| manner.networks_first || in_use.contains(&identity);
        let sets = &mut node.datapath.policy_sets;
        sets.write_all(&writes, revision, |rule| rule_numbers[&rule], exists)
            .expect("there is room");
        for (set, (policy, default_rules)) in &compiled {
            self.check_revision(node, *set, policy, *default_rules, revision, &rule_numbers);
        }
    }

    /// A set whose cells of somebody changed names the new revision.
    fn check_revision(
        &mut self,
        node: &TestNode,
        set: u32,
        policy: &PolicySet,
        default_rules: [u32; 2],
        revision: u32,
        numbers: &HashMap<RuleRef, u32>,
    ) {
        let cells: Vec<_> = policy
            .cells
            .iter()
            .map(|cell| {
                (
                    cell.direction,
                    cell.audit,
                    cell.identity,
                    cell.protocol,
                    cell.port,
                    cell.port_prefix,
                    numbers[&cell.rule],
                )
            })
            .filter(|cell| cell.2.is_none_or(|identity| !identity.is_node_local()))
            .collect();
        let flags = [Direction::Ingress, Direction::Egress]
            .map(|direction| (policy.enforced(direction), policy.audited(direction)));
        let says = format!("{default_rules:?} {flags:?} {cells:?}");
        let named = node
            .datapath
            .policy_sets
            .generation(set)
            .map(|(_, revision)| revision);
        let before = self.said.insert(set, says.clone());
        if before.as_deref() != Some(says.as_str()) {
            assert_eq!(named, Some(revision), "set {set} says something new");
        }
    }
}
