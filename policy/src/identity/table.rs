//! The table of identities: number ↔ label set.

use std::collections::{BTreeMap, HashMap};

use thiserror::Error;

use super::{Identity, OtherSide};
use crate::cidr::Cidr;
use crate::label::LabelSet;

/// Every known identity. Starts with the reserved ones.
#[derive(Clone, Debug)]
pub struct Identities {
    by_number: BTreeMap<Identity, Known>,
    by_labels: HashMap<LabelSet, Identity>,
    /// Where the next search for a free number begins.
    next: u32,
}

#[derive(Clone, Debug)]
struct Known {
    labels: LabelSet,
    prefix: Option<Cidr>,
}

/// Why an identity could not be added.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// Every number is taken.
    #[error("no free identity number: all {in_use} from 256 to 65535 are in use")]
    Exhausted {
        /// How many are taken.
        in_use: usize,
    },
    /// The number means other labels already.
    #[error("identity {identity} already means {present}, not {wanted}")]
    NumberTaken {
        /// The number.
        identity: Identity,
        /// What it means.
        present: LabelSet,
        /// What it should have meant.
        wanted: LabelSet,
    },
    /// The number cannot stand for that network: a network has a node-local number, all of IPv4 `world-ipv4`, all of IPv6
    /// `world-ipv6`.
    #[error("identity {identity} cannot stand for the network {prefix}")]
    NotForPrefix {
        /// The number.
        identity: Identity,
        /// The network.
        prefix: Cidr,
    },
    /// The labels have another number already.
    #[error("the labels {labels} already have identity {present}, not {wanted}")]
    LabelsTaken {
        /// The labels.
        labels: LabelSet,
        /// Their number.
        present: Identity,
        /// The number they should have had.
        wanted: Identity,
    },
}

impl Identities {
    /// A table of the reserved identities.
    pub fn new() -> Self {
        let mut table = Self {
            by_number: BTreeMap::new(),
            by_labels: HashMap::new(),
            next: Identity::FIRST_ALLOCATED.0,
        };
        for identity in Identity::reserved() {
            if let Some(labels) = identity.reserved_labels() {
                table.put(identity, labels);
            }
        }
        table
    }

    /// The number of a label set, a new one if it has none. New numbers go round robin through `256..=65535`, so that a
    /// freed one rests as long as possible.
    ///
    /// # Errors
    /// [`IdentityError::Exhausted`] if every number is taken.
    pub fn allocate(&mut self, labels: LabelSet) -> Result<Identity, IdentityError> {
        if let Some(&identity) = self.by_labels.get(&labels) {
            return Ok(identity);
        }
        let first = Identity::FIRST_ALLOCATED.0;
        let last = Identity::LAST_ALLOCATED.0;
        let free = (self.next..=last)
            .chain(first..self.next)
            .map(Identity)
            .find(|identity| !self.by_number.contains_key(identity));
        let Some(identity) = free else {
            let in_use = self
                .by_number
                .range(Identity::FIRST_ALLOCATED..=Identity::LAST_ALLOCATED)
                .count();
            return Err(IdentityError::Exhausted { in_use });
        };
        self.next = after(identity);
        self.put(identity, labels);
        Ok(identity)
    }

    /// Adds an identity whose number is known already: adopted after a restart, or given by another node.
    ///
    /// # Errors
    /// If the number or the labels are taken by another pair; adding the same pair again is no error.
    pub fn insert(&mut self, identity: Identity, labels: LabelSet) -> Result<(), IdentityError> {
        if let Some(present) = self.by_number.get(&identity)
            && present.labels != labels
        {
            return Err(IdentityError::NumberTaken {
                identity,
                present: present.labels.clone(),
                wanted: labels,
            });
        }
        if let Some(&present) = self.by_labels.get(&labels)
            && present != identity
        {
            return Err(IdentityError::LabelsTaken {
                labels,
                present,
                wanted: identity,
            });
        }
        if identity.is_allocated() && identity.0 >= self.next {
            self.next = after(identity);
        }
        self.put(identity, labels);
        Ok(())
    }

    /// Adds an identity as [`Identities::insert`] does, also if its labels have another number already: from now on they
    /// have this one, and the earlier number goes on meaning them until it is removed. Gives that earlier number.
    ///
    /// # Errors
    /// [`IdentityError::NumberTaken`] if the number means other labels.
    pub fn supersede(
        &mut self,
        identity: Identity,
        labels: LabelSet,
    ) -> Result<Option<Identity>, IdentityError> {
        let earlier = self.identity(&labels).filter(|known| *known != identity);
        if earlier.is_some() {
            self.by_labels.remove(&labels);
        }
        match self.insert(identity, labels.clone()) {
            Ok(()) => Ok(earlier),
            Err(error) => {
                if let Some(earlier) = earlier {
                    self.by_labels.insert(labels, earlier);
                }
                Err(error)
            }
        }
    }

    /// Adds the identity of a network.
    ///
    /// # Errors
    /// If the number is not one of networks, or as [`Identities::insert`].
    pub fn insert_prefix(&mut self, identity: Identity, prefix: Cidr) -> Result<(), IdentityError> {
        let fits = match Identity::of_family(prefix) {
            Some(family) => identity == family,
            None => identity.is_node_local(),
        };
        if !fits {
            return Err(IdentityError::NotForPrefix { identity, prefix });
        }
        self.insert(identity, Identity::prefix_labels(prefix))
    }

    /// Forgets an identity and gives back its labels. Reserved ones stay.
    pub fn remove(&mut self, identity: Identity) -> Option<LabelSet> {
        if identity.name().is_some() {
            return None;
        }
        let labels = self.by_number.remove(&identity)?.labels;
        if self.by_labels.get(&labels) == Some(&identity) {
            self.by_labels.remove(&labels);
        }
        Some(labels)
    }

    /// The labels of an identity.
    pub fn labels(&self, identity: Identity) -> Option<&LabelSet> {
        Some(&self.by_number.get(&identity)?.labels)
    }

    /// The network that an identity stands for.
    pub fn prefix(&self, identity: Identity) -> Option<Cidr> {
        self.by_number.get(&identity)?.prefix
    }

    /// The identity of a label set.
    pub fn identity(&self, labels: &LabelSet) -> Option<Identity> {
        self.by_labels.get(labels).copied()
    }

    /// Every identity in order of its number.
    pub fn iter(&self) -> impl Iterator<Item = (Identity, &LabelSet)> {
        self.by_number
            .iter()
            .map(|(identity, known)| (*identity, &known.labels))
    }

    /// Every identity as rules look at it, in order of its number.
    pub fn other_sides(&self) -> impl Iterator<Item = OtherSide<'_>> {
        self.by_number.iter().map(|(identity, known)| OtherSide {
            identity: *identity,
            labels: &known.labels,
            prefix: known.prefix,
        })
    }

    /// How many identities, the reserved ones included.
    pub fn len(&self) -> usize {
        self.by_number.len()
    }

    /// Whether there is none; never so, since the reserved ones are always there.
    pub fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    fn put(&mut self, identity: Identity, labels: LabelSet) {
        self.by_labels.insert(labels.clone(), identity);
        let prefix = OtherSide::new(identity, &labels).prefix;
        self.by_number.insert(identity, Known { labels, prefix });
    }
}

fn after(identity: Identity) -> u32 {
    if identity == Identity::LAST_ALLOCATED {
        Identity::FIRST_ALLOCATED.0
    } else {
        identity.0 + 1
    }
}

impl Default for Identities {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Identities, IdentityError};
    use crate::identity::Identity;
    use crate::label::{Label, LabelSet};

    fn labels(name: &str) -> LabelSet {
        [Label::new("k8s", "name", name)].into_iter().collect()
    }

    #[test]
    fn goes_round_robin_and_reuses_the_same_set() {
        let mut table = Identities::new();
        assert_eq!(table.allocate(labels("a")), Ok(Identity(256)));
        assert_eq!(table.allocate(labels("b")), Ok(Identity(257)));
        assert_eq!(table.allocate(labels("a")), Ok(Identity(256)));
        assert_eq!(table.remove(Identity(257)), Some(labels("b")));
        assert_eq!(table.allocate(labels("c")), Ok(Identity(258)));
        assert_eq!(
            table.allocate(Identity::WORLD.reserved_labels().unwrap()),
            Ok(Identity::WORLD)
        );
        table.insert(Identity(65_534), labels("d")).unwrap();
        assert_eq!(table.allocate(labels("e")), Ok(Identity(65_535)));
        assert_eq!(table.allocate(labels("f")), Ok(Identity(257)));
        assert_eq!(table.remove(Identity::WORLD), None);
    }

    #[test]
    fn adoption_refuses_contradictions() {
        let mut table = Identities::new();
        table.insert(Identity(300), labels("a")).unwrap();
        table.insert(Identity(300), labels("a")).unwrap();
        assert!(matches!(
            table.insert(Identity(300), labels("b")),
            Err(IdentityError::NumberTaken { .. })
        ));
        assert!(matches!(
            table.insert(Identity(301), labels("a")),
            Err(IdentityError::LabelsTaken { .. })
        ));
        assert_eq!(table.identity(&labels("a")), Some(Identity(300)));
        assert_eq!(table.labels(Identity(300)), Some(&labels("a")));
    }

    #[test]
    fn labels_with_a_new_number_keep_the_earlier_one_until_it_is_removed() {
        let mut table = Identities::new();
        table.insert(Identity(300), labels("a")).unwrap();
        table.insert(Identity(301), labels("b")).unwrap();
        assert_eq!(
            table.supersede(Identity(302), labels("a")),
            Ok(Some(Identity(300)))
        );
        assert_eq!(table.supersede(Identity(302), labels("a")), Ok(None));
        assert_eq!(table.supersede(Identity(303), labels("c")), Ok(None));
        let both = [Identity(300), Identity(302)].map(|identity| table.labels(identity).cloned());
        assert_eq!(both, [Some(labels("a")), Some(labels("a"))]);
        assert_eq!(table.identity(&labels("a")), Some(Identity(302)));
        let taken = table.supersede(Identity(301), labels("a"));
        assert!(matches!(taken, Err(IdentityError::NumberTaken { .. })));
        assert_eq!(table.identity(&labels("a")), Some(Identity(302)));
        assert_eq!(table.remove(Identity(300)), Some(labels("a")));
        assert_eq!(table.identity(&labels("a")), Some(Identity(302)));
        assert_eq!(table.remove(Identity(302)), Some(labels("a")));
        assert_eq!(table.identity(&labels("a")), None);
    }

    #[test]
    fn networks_have_numbers_of_their_own() {
        let mut table = Identities::new();
        let local = |number| Identity(Identity::NODE_LOCAL_BIT | number);
        let check = |identity, prefix: &str, table: &mut Identities, expect: &str| {
            let found = match table.insert_prefix(identity, prefix.parse().unwrap()) {
                Ok(()) => table.prefix(identity).unwrap().to_string(),
                Err(error) => error.to_string(),
            };
            assert_eq!(found, expect);
        };
        check(local(1), "10.0.0.0/8", &mut table, "10.0.0.0/8");
        check(local(1), "10.0.0.0/8", &mut table, "10.0.0.0/8");
        check(local(2), "fd00::/8", &mut table, "fd00::/8");
        check(Identity::WORLD_IPV4, "0.0.0.0/0", &mut table, "0.0.0.0/0");
        check(Identity::WORLD_IPV6, "::/0", &mut table, "::/0");
        let refused = "identity 300 cannot stand for the network 10.0.0.0/8";
        check(Identity(300), "10.0.0.0/8", &mut table, refused);
        let refused = "identity 16777219 cannot stand for the network ::/0";
        check(local(3), "::/0", &mut table, refused);
        assert!(
            table
                .insert_prefix(local(3), "10.0.0.0/8".parse().unwrap())
                .is_err()
        );
        let labels = Identity::prefix_labels("10.0.0.0/8".parse().unwrap());
        assert_eq!(table.identity(&labels), Some(local(1)));
        assert_eq!(table.remove(local(1)), Some(labels));
        assert_eq!(table.prefix(local(1)), None);
        assert_eq!(table.prefix(Identity::WORLD), None);
    }

    #[test]
    fn exhaustion_names_the_count() {
        let mut table = Identities::new();
        for number in 256..=65_535u32 {
            table.allocate(labels(&number.to_string())).unwrap();
        }
        let error = table.allocate(labels("one more")).unwrap_err();
        assert_eq!(error, IdentityError::Exhausted { in_use: 65_280 });
        table.remove(Identity(4_000)).unwrap();
        assert_eq!(table.allocate(labels("one more")), Ok(Identity(4_000)));
    }
}
