//! Which identities a list of peers means, worked out once per list.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::identity::{Identities, Identity, OtherSide};
use crate::rule::Peer;
use crate::selector::{Operator, Selector};

/// The identities, by what selectors ask for.
#[derive(Debug)]
pub(super) struct Members<'a> {
    sides: Vec<OtherSide<'a>>,
    /// Positions in `sides` by key and value of a label.
    by_label: HashMap<(&'a str, &'a str), Vec<usize>>,
    known: RefCell<HashMap<Peer, Arc<[Identity]>>>,
}

impl<'a> Members<'a> {
    pub(super) fn new(identities: &'a Identities) -> Self {
        let sides: Vec<OtherSide<'a>> = identities
            .other_sides()
            .filter(|side| side.identity != Identity::UNKNOWN)
            .collect();
        let mut by_label: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (position, side) in sides.iter().enumerate() {
            for label in side.labels {
                by_label
                    .entry((&label.key, &label.value))
                    .or_default()
                    .push(position);
            }
        }
        Self {
            sides,
            by_label,
            known: RefCell::default(),
        }
    }

    /// Whoever matches one of these, in order of their numbers.
    pub(super) fn of(&self, peers: &[Peer]) -> Arc<[Identity]> {
        match peers {
            [] => Arc::default(),
            [peer] => self.of_one(peer),
            peers => {
                let members: BTreeSet<Identity> = peers
                    .iter()
                    .flat_map(|peer| self.of_one(peer).to_vec())
                    .collect();
                members.into_iter().collect()
            }
        }
    }

    fn of_one(&self, peer: &Peer) -> Arc<[Identity]> {
        if let Some(known) = self.known.borrow().get(peer) {
            return Arc::clone(known);
        }
        let members: Arc<[Identity]> = match peer {
            Peer::Labels(selector) => self.selected(selector, peer),
            _ => self.among(self.sides.iter(), peer),
        };
        self.known
            .borrow_mut()
            .insert(peer.clone(), Arc::clone(&members));
        members
    }

    /// Looks only at the identities that have a value which the selector asks for: at the fewest there are.
    fn selected(&self, selector: &Selector, peer: &Peer) -> Arc<[Identity]> {
        let candidates = selector
            .requirements()
            .iter()
            .filter_map(|requirement| match requirement.operator() {
                Operator::In(values) => Some((requirement.key(), values)),
                _ => None,
            })
            .map(|(key, values)| -> BTreeSet<usize> {
                values
                    .iter()
                    .filter_map(|value| self.by_label.get(&(key, value.as_str())))
                    .flatten()
                    .copied()
                    .collect()
            })
            .min_by_key(BTreeSet::len);
        match candidates {
            Some(positions) => self.among(positions.iter().map(|&at| &self.sides[at]), peer),
            None => self.among(self.sides.iter(), peer),
        }
    }

    fn among<'s>(
        &self,
        sides: impl Iterator<Item = &'s OtherSide<'a>>,
        peer: &Peer,
    ) -> Arc<[Identity]>
    where
        'a: 's,
    {
        sides
            .filter(|side| peer.contains(side))
            .map(|side| side.identity)
            .collect()
    }
}
