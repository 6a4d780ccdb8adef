//! Policy sets that were compiled already: only what changed is compiled anew.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use policy::{
    Compiler, Direction, Enforcement, Identity, LabelSet, NamedPorts, PolicyModel, PolicyName,
    PolicySet,
};

use super::book::Book;
use super::error::BookError;
use super::policies::NumberedRules;
use super::rule;

/// What was compiled, by revision: two of them while one takes the place of the other.
#[derive(Debug, Default)]
pub(super) struct CompiledSets {
    by_revision: BTreeMap<u32, OfRevision>,
}

/// What was compiled of one revision.
#[derive(Debug, Default)]
struct OfRevision {
    /// What the sets depend on besides the rules and the subject.
    identity_changes: u64,
    named_ports: Arc<NamedPorts>,
    sets: HashMap<Identity, Arc<PolicySet>>,
    /// Depends on rules and subject only.
    default_rules: HashMap<Identity, [u32; 2]>,
}

/// The policies of one subject, compiled.
pub(super) struct Compiled {
    pub(super) set: Arc<PolicySet>,
    pub(super) default_rules: [u32; 2],
}

impl CompiledSets {
    /// The sets of all subjects under these rules.
    pub(super) fn compile(
        &mut self,
        book: &mut Book,
        rules: &NumberedRules,
        enforcement: Enforcement,
        named_ports: &Arc<NamedPorts>,
        subjects: &BTreeMap<Identity, LabelSet>,
    ) -> Result<BTreeMap<Identity, Compiled>, BookError> {
        let model = PolicyModel {
            rules: &rules.rules,
            enforcement,
            named_ports,
        };
        let known = self.by_revision.entry(rules.revision).or_default();
        if known.identity_changes != book.identity_changes || known.named_ports != *named_ports {
            known.identity_changes = book.identity_changes;
            known.named_ports = Arc::clone(named_ports);
            known.sets.clear();
        }
        known
            .sets
            .retain(|identity, _| subjects.contains_key(identity));
        let rest = |identity: &Identity| subjects.contains_key(identity);
        known.default_rules.retain(|identity, _| rest(identity));
        let identities = Arc::clone(&book.identities);
        let compiler = Compiler::new(model, &identities);
        let mut compiled = BTreeMap::new();
        for (identity, labels) in subjects {
            let set = known
                .sets
                .entry(*identity)
                .or_insert_with(|| Arc::new(compiler.compile(labels)));
            let default_rules = match known.default_rules.get(identity) {
                Some(numbers) => *numbers,
                None => default_rules(book, &model, labels)?,
            };
            known.default_rules.insert(*identity, default_rules);
            let set = Arc::clone(set);
            compiled.insert(*identity, Compiled { set, default_rules });
        }
        Ok(compiled)
    }

    /// Forgets the revisions that are none of these.
    pub(super) fn keep(&mut self, revisions: [u32; 2]) {
        self.by_revision
            .retain(|revision, _| revisions.contains(revision));
    }

    /// The numbers of all default denies that are remembered.
    pub(super) fn default_rules(&self) -> impl Iterator<Item = u32> {
        let revisions = self.by_revision.values();
        revisions.flat_map(|known| known.default_rules.values().copied().flatten())
    }
}

/// The rule numbers of a subject's default denies, 0 where there is none.
fn default_rules(
    book: &mut Book,
    model: &PolicyModel<'_>,
    subject: &LabelSet,
) -> Result<[u32; 2], BookError> {
    let mut numbers = [0; 2];
    for (number, direction) in numbers
        .iter_mut()
        .zip([Direction::Ingress, Direction::Egress])
    {
        let (enforced, audited) = model.default_deny(subject, direction);
        if !enforced && !audited {
            continue;
        }
        // By name already, as the rule set has them. Those that only audit have no part in a drop.
        let names: Vec<&PolicyName> = model
            .rules
            .default_denying(subject, direction)
            .filter(|policy| policy.audited != enforced)
            .map(|policy| &*policy.name)
            .collect();
        let key = rule::default_deny_key(direction, &names);
        *number = book.rule(&key, rule::default_deny(direction, &names))?;
    }
    Ok(numbers)
}
