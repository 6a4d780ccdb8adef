//! Identities: their numbers are the registry's; what one stands for is written down here before any map has it.

use std::collections::HashSet;
use std::sync::Arc;

use policy::{Identity, LabelSet};
use registry::numbers::Entry;

use super::book::Book;
use super::error::BookError;
use crate::pipeline::wall_ns;

/// What became of a number that the registry gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Learned {
    /// The labels have it.
    Known,
    /// They have it from now on, and had another. That one goes on meaning them until nothing has it any more.
    Renumbered {
        /// The other.
        earlier: Identity,
    },
    /// On this node the number stands for other labels; nothing was changed.
    Taken {
        /// These labels.
        by: LabelSet,
    },
}

impl Book {
    /// The number of a label set, if it is known.
    pub(super) fn identity(&self, labels: &LabelSet) -> Option<Identity> {
        self.identities.identity(labels)
    }

    /// Writes down the number of a label set.
    pub(super) fn learn(
        &mut self,
        labels: &LabelSet,
        identity: Identity,
    ) -> Result<Learned, BookError> {
        if self.identities.identity(labels) == Some(identity) {
            return Ok(Learned::Known);
        }
        let stands_for = self.identities.labels(identity);
        if let Some(other) = stands_for.filter(|other| *other != labels) {
            return Ok(Learned::Taken { by: other.clone() });
        }
        let texts: Vec<String> = labels.iter().map(ToString::to_string).collect();
        let name = texts.join(",");
        let now_ns = wall_ns();
        let entry = Entry::Identity {
            number: identity.0,
            labels: texts,
            from_ns: Some(now_ns),
        };
        self.identity_numbers
            .take(&name, &mut self.numbers, &entry)?;
        let earlier = Arc::make_mut(&mut self.identities).supersede(identity, labels.clone())?;
        self.identity_changes += 1;
        self.history
            .identity_begins(identity, labels.clone(), now_ns);
        Ok(match earlier {
            Some(earlier) => Learned::Renumbered { earlier },
            None => Learned::Known,
        })
    }

    /// Says that this node uses a number for endpoints of its own.
    pub(super) fn claim(&mut self, identity: Identity) {
        self.claimed.insert(identity.0);
    }

    /// The numbers that this node uses for endpoints of its own, or that its maps may still have from one, and what they
    /// stand for.
    pub(super) fn claimed(&self) -> impl Iterator<Item = (Identity, &LabelSet)> {
        let numbers = self.claimed.iter().map(|number| Identity(*number));
        numbers.filter_map(|identity| Some((identity, self.identities.labels(identity)?)))
    }

    /// Numbers that are neither wanted nor in use.
    pub(super) fn unused_identities(
        &self,
        wanted: &HashSet<u32>,
        in_use: &HashSet<u32>,
    ) -> Vec<u32> {
        let numbers = self.identity_numbers.in_use();
        let numbers = numbers.chain(self.prefix_numbers.in_use());
        let numbers = numbers.map(|(number, _)| number);
        numbers
            .filter(|number| !wanted.contains(number) && !in_use.contains(number))
            .collect()
    }

    /// Frees numbers of label sets and of networks.
    pub(super) fn free_identities(
        &mut self,
        identities: &[u32],
        now_ns: u64,
    ) -> Result<(), BookError> {
        for &number in identities {
            let identity = Identity(number);
            let series = if identity.is_node_local() {
                &mut self.prefix_numbers
            } else {
                &mut self.identity_numbers
            };
            series.free(number, &mut self.numbers)?;
            self.claimed.remove(&number);
            Arc::make_mut(&mut self.identities).remove(identity);
            self.identity_changes += 1;
            self.history.identity_ends(identity, now_ns);
        }
        Ok(())
    }
}
