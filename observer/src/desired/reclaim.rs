//! Numbers come back when nothing has them any more.

use std::collections::HashSet;
use std::time::Duration;

use flow::store::StoredNumbers;
use registry::numbers::Kind;

use super::Desired;
use super::book::{Book, METADATA_END};
use super::error::BookError;
use super::retiring::Retiring;
use crate::pipeline::wall_ns;

/// The numbers that the kernel has: in connections, edges, rows of endpoints, and policy sets that are switched to.
#[derive(Clone, Debug, Default)]
pub(crate) struct InUse {
    /// Rule numbers of connections and edges.
    pub(crate) rules: HashSet<u32>,
    /// Metadata indexes of connections, and of rows (an interface that is out of sight keeps its row).
    pub(crate) metadata: HashSet<u32>,
    /// Identities of connections, edges and rows.
    pub(crate) identities: HashSet<u32>,
    /// Policy sets of the maps.
    pub(crate) policy_sets: HashSet<u32>,
}

/// Numbers that came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reclaimed {
    /// Identities, those of networks included.
    pub(crate) identities: Vec<u32>,
    /// How many metadata indexes.
    pub(crate) metadata: usize,
    /// Rule numbers.
    pub(crate) rules: Vec<u32>,
    /// How many policy sets.
    pub(crate) policy_sets: usize,
}

/// What is on its way out, by kind.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    identities: Retiring,
    metadata: Retiring,
    rules: Retiring,
}

/// The numbers that the desired state has.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) identities: HashSet<u32>,
    pub(super) metadata: HashSet<u32>,
    pub(super) rules: HashSet<u32>,
    pub(super) policy_sets: HashSet<u32>,
}

impl Wanted {
    /// Everything that these steps use.
    pub(super) fn of(steps: &[Desired], default_rules: impl Iterator<Item = u32>) -> Self {
        let mut wanted = Self {
            rules: default_rules.collect(),
            ..Self::default()
        };
        for step in steps {
            for endpoint in &step.endpoints {
                wanted.identities.insert(endpoint.row.identity);
                wanted.metadata.insert(endpoint.row.metadata);
            }
            for prefix in &step.prefixes {
                wanted.identities.insert(prefix.identity.0);
                wanted.metadata.insert(prefix.metadata);
            }
            for remote in step.remotes.values() {
                wanted.identities.insert(remote.identity.0);
                wanted.metadata.insert(remote.metadata);
            }
            wanted.policy_sets.extend(step.sets.keys());
            wanted.rules.extend(step.rules.values());
        }
        wanted
    }
}

impl Leaving {
    /// Frees what is neither wanted nor in use, at the second look at which that is so.
    pub(super) fn free(
        &mut self,
        book: &mut Book,
        wanted: &Wanted,
        in_use: &InUse,
        stored: &StoredNumbers,
        settled_ns: u64,
    ) -> Result<Reclaimed, BookError> {
        let now_ns = wall_ns();
        let identities = book.unused_identities(&wanted.identities, &in_use.identities);
        let unstored = |_| false;
        let identities = self
            .identities
            .look(identities, now_ns, settled_ns, unstored);
        let metadata = book.unused_metadata(&wanted.metadata, &in_use.metadata);
        let stored_metadata = |index| stored.has_metadata(index);
        let metadata = self
            .metadata
            .look(metadata, now_ns, settled_ns, stored_metadata);
        let rules = unused(book.rules.in_use(), &wanted.rules, &in_use.rules);
        let stored_rule = |rule| stored.has_rule(rule);
        let rules = self.rules.look(rules, now_ns, settled_ns, stored_rule);
        // No record names a set.
        let sets = unused(book.sets.in_use(), &wanted.policy_sets, &in_use.policy_sets);
        book.free_identities(&identities, now_ns)?;
        book.free_metadata(&metadata)?;
        book.free_rules(&rules)?;
        for set in &sets {
            book.sets.free(*set, &mut book.numbers)?;
        }
        Ok(Reclaimed {
            identities,
            metadata: metadata.len(),
            rules,
            policy_sets: sets.len(),
        })
    }
}

impl Book {
    fn unused_metadata(&self, wanted: &HashSet<u32>, in_use: &HashSet<u32>) -> Vec<u32> {
        unused(self.indexes.in_use(), wanted, in_use)
    }

    fn free_metadata(&mut self, indexes: &[u32]) -> Result<(), BookError> {
        if indexes.is_empty() {
            return Ok(());
        }
        let now = Duration::from_nanos(wall_ns());
        // The table first: a number that is given again is not in it.
        self.metadata.remove(indexes);
        for &index in indexes {
            self.indexes.free(index, &mut self.numbers)?;
            if self.ended.remove(&index) {
                let kind = Kind::Other(METADATA_END.to_owned());
                self.numbers.release(kind, index, now)?;
            }
        }
        Ok(())
    }

    fn free_rules(&mut self, rules: &[u32]) -> Result<(), BookError> {
        if rules.is_empty() {
            return Ok(());
        }
        self.rule_table.remove(rules);
        for &rule in rules {
            self.rules.free(rule, &mut self.numbers)?;
        }
        Ok(())
    }
}

fn unused<'a>(
    numbers: impl Iterator<Item = (u32, &'a str)>,
    wanted: &HashSet<u32>,
    in_use: &HashSet<u32>,
) -> Vec<u32> {
    numbers
        .map(|(number, _)| number)
        .filter(|number| !wanted.contains(number) && !in_use.contains(number))
        .collect()
}
