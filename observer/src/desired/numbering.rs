//! Numbers of label sets come from outside: which are asked for, what was answered, and what the registry contradicts.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use policy::{Identity, LabelSet};
use registry::endpoint_file::labels;

use super::Desired;
use super::book::Book;
use super::error::BookError;
use super::identities::Learned;
use super::plan::Planner;
use crate::pipeline::wall_ns;

/// What the registry is to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NumbersWanted {
    /// Label sets of endpoints that wait for a number.
    pub(crate) unknown: BTreeSet<LabelSet>,
    /// Numbers that this node uses for endpoints of its own, or did until lately, and what for.
    pub(crate) known: BTreeMap<Identity, LabelSet>,
}

/// How often the registry has contradicted what this node knew, since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contradictions {
    /// Label sets that got another number.
    pub(crate) renumbered: u64,
    /// Numbers that stand for other labels than before.
    pub(crate) redefined: u64,
    /// The last one, as a sentence.
    pub(crate) last: String,
}

/// The state of it.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// Label sets that endpoints wait for.
    wanted: BTreeSet<LabelSet>,
    /// Answers that are not written down yet.
    answers: BTreeMap<LabelSet, Identity>,
    /// Why there is no number.
    refusals: BTreeMap<LabelSet, String>,
    /// Numbers that stand for other labels in the registry than here.
    overruled: BTreeSet<Identity>,
    /// Identities in the last step that the maps say in full; none before the first.
    mapped: Option<HashSet<u32>>,
    /// Numbers that were taken from their labels by force, for the maps to forget.
    forgotten: Vec<u32>,
    contradictions: Contradictions,
}

impl Numbering {
    /// Says that an endpoint waits for the number of a label set; why there is none.
    pub(super) fn want(&mut self, labels: LabelSet) -> BookError {
        let problem = self.refusals.get(&labels).cloned();
        self.wanted.insert(labels);
        BookError::NotNumbered { problem }
    }

    /// Says that a number stands for other labels in the registry than `here`.
    pub(super) fn overrule(&mut self, identity: Identity, here: &LabelSet, there: &LabelSet) {
        if self.overruled.insert(identity) {
            let what = format!(
                "identity {identity} stands for {there} in the registry, and stood for {here} on this node"
            );
            tracing::error!(
                "{what}: nothing of this node may keep it, and then it means the former"
            );
            self.contradictions.redefined += 1;
            self.contradictions.last = what;
        }
    }

    /// Says that labels have another number than before.
    pub(super) fn renumber(&mut self, labels: &LabelSet, earlier: Identity, now: Identity) {
        let what =
            format!("{labels} have identity {now} in the registry, and had {earlier} on this node");
        tracing::error!("{what}: endpoints and policies change over");
        self.contradictions.renumbered += 1;
        self.contradictions.last = what;
    }

    /// Whether another look may get on with something.
    pub(super) fn has_leftovers(&self) -> bool {
        !self.overruled.is_empty() || !self.answers.is_empty()
    }

    /// Says that the maps say all of a step.
    pub(super) fn applied(&mut self, step: &Desired) {
        let own = step.endpoints.iter().map(|endpoint| endpoint.row.identity);
        let remotes = step.remotes.values().map(|remote| remote.identity.0);
        self.mapped = Some(own.chain(remotes).collect());
    }

    /// Takes overruled numbers away from their labels once no map resolves to them.
    fn withdraw_overruled(&mut self, book: &mut Book) -> Result<(), BookError> {
        let Some(mapped) = &self.mapped else {
            return Ok(());
        };
        let overruled: Vec<Identity> = self.overruled.iter().copied().collect();
        for identity in overruled {
            if mapped.contains(&identity.0) {
                continue;
            }
            if book.identities.labels(identity).is_some() {
                book.free_identities(&[identity.0], wall_ns())?;
                self.forgotten.push(identity.0);
            }
            self.overruled.remove(&identity);
        }
        Ok(())
    }
}

impl Planner {
    /// The registry gives a label set its number.
    pub(crate) fn give_number(&mut self, labels: LabelSet, identity: Identity) {
        self.numbering.refusals.remove(&labels);
        self.numbering.answers.insert(labels, identity);
    }

    /// The registry gives no number to a label set, or not now.
    pub(crate) fn refuse_number(&mut self, labels: LabelSet, reason: String) {
        self.numbering.refusals.insert(labels, reason);
    }

    /// What the registry is to be asked, as of the last call of [`Planner::desired`].
    pub(crate) fn numbers_wanted(&self) -> NumbersWanted {
        let claimed = self.book.claimed();
        NumbersWanted {
            unknown: self.numbering.wanted.clone(),
            known: claimed
                .map(|(identity, labels)| (identity, labels.clone()))
                .collect(),
        }
    }

    /// The label sets of endpoints that have no number yet, before the first call of [`Planner::desired`].
    pub(crate) fn unnumbered(&self) -> BTreeSet<LabelSet> {
        let listed = self.inventory.endpoints().iter();
        let sets = listed.map(|one| {
            let all = labels(&one.spec, self.inventory.namespaces());
            self.filter.relevant(&all)
        });
        sets.filter(|labels| self.book.identity(labels).is_none())
            .collect()
    }

    /// Numbers that mean something else from now on: whatever still names them is nobody's.
    pub(crate) fn take_forgotten(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.numbering.forgotten)
    }

    /// What of other nodes this node cannot use, as sentences.
    pub(crate) fn cluster_problems(&self) -> impl Iterator<Item = String> {
        self.remotes.problems()
    }

    /// How often the registry has contradicted what this node knew.
    pub(crate) fn contradictions(&self) -> &Contradictions {
        &self.numbering.contradictions
    }

    /// Writes down what was answered, as far as it can be now.
    pub(super) fn take_answers(&mut self) -> Result<(), BookError> {
        let numbering = &mut self.numbering;
        numbering.withdraw_overruled(&mut self.book)?;
        numbering.wanted.clear();
        for (labels, identity) in numbering.answers.clone() {
            match self.book.learn(&labels, identity)? {
                Learned::Known => {}
                Learned::Renumbered { earlier } => numbering.renumber(&labels, earlier, identity),
                Learned::Taken { by } => {
                    numbering.overrule(identity, &by, &labels);
                    let reason = format!("{identity} still stands for {by} on this node");
                    numbering.refusals.insert(labels, reason);
                    continue;
                }
            }
            numbering.answers.remove(&labels);
            self.book.claim(identity);
        }
        Ok(())
    }

    /// What was refused to labels that no endpoint waits for is of no interest.
    pub(super) fn forget_refusals(&mut self) {
        let Numbering {
            wanted, refusals, ..
        } = &mut self.numbering;
        refusals.retain(|labels, _| wanted.contains(labels));
    }
}
