//! What the backend holds, as far as this process was told: from its keys to a [`ClusterState`].

mod taken;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use policy::Identity;
use serde::de::DeserializeOwned;

use super::keys::{self, Key};
use super::model::IdentityEntry;
use super::state::ClusterState;
use super::store::{Event, KeyChange, Stored};
pub(super) use taken::Taken;

/// Entries that are told one by one when they cannot be understood; beyond that they are only left out.
const MAX_IGNORED: usize = 1024;

/// The copy. It is changed by events alone, so it is always a state that the backend was in.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    node: Option<Arc<str>>,
    pub(super) state: ClusterState,
    /// The keys that belong to this process's node, with their values.
    pub(super) own: BTreeMap<String, Own>,
    /// The identities that nobody uses, with what is written of it.
    pub(super) resting: BTreeMap<Identity, Vec<u8>>,
    /// The timers that run.
    pub(super) timers: BTreeSet<String>,
    /// Where the next numbers are given, as written.
    pub(super) cursor: Option<Vec<u8>>,
    /// The node that frees numbers.
    pub(super) sweeper: Option<Vec<u8>>,
    /// The numbers that have an identity.
    pub(super) taken: Taken,
    /// Keys that could not be understood, and why.
    ignored: BTreeMap<String, String>,
}

/// A key of this process's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) value: Vec<u8>,
    /// Whether this process keeps it alive; else it is of an earlier process or session.
    pub(super) kept: bool,
}

impl Mirror {
    /// Knows what an earlier process has kept, or nothing.
    pub(super) fn new(node: Option<Arc<str>>, kept: ClusterState) -> Self {
        let mut mirror = Self {
            node,
            ..Self::default()
        };
        for identity in kept.identities.keys() {
            mirror.taken.insert(*identity);
        }
        mirror.state = kept;
        mirror
    }

    /// Takes an event. Says whether a key of this node was touched.
    pub(super) fn apply(&mut self, event: Event) -> bool {
        match event {
            Event::All { revision, keys } => {
                self.replace(keys);
                self.state.revision = revision;
                true
            }
            Event::Changes { revision, changes } => {
                let mut own = false;
                for change in changes {
                    own |= match change {
                        KeyChange::Put(stored) => self.put(stored),
                        KeyChange::Delete(key) => self.delete(&key),
                    };
                }
                self.state.revision = revision;
                own
            }
        }
    }

    /// No key of this node is kept alive any more: another session has begun.
    pub(super) fn disown(&mut self) {
        for own in self.own.values_mut() {
            own.kept = false;
        }
    }

    /// How many keys are left out, and one of them with what is wrong with it.
    pub(super) fn ignored(&self) -> (usize, Option<String>) {
        let example = self.ignored.first_key_value();
        let example = example.map(|(key, reason)| format!("{key}: {reason}"));
        (self.ignored.len(), example)
    }

    /// Everything anew. What has not changed stays the same allocation.
    fn replace(&mut self, keys: Vec<Stored>) {
        let old = std::mem::take(self);
        self.node = old.node;
        for stored in keys {
            self.put(stored);
        }
        let (old, new) = (old.state, &mut self.state);
        keep_allocations(&old.nodes, &mut new.nodes);
        keep_allocations(&old.endpoints, &mut new.endpoints);
        keep_allocations(&old.identities, &mut new.identities);
        keep_allocations(&old.users, &mut new.users);
        keep_allocations(&old.policies, &mut new.policies);
        keep_allocations(&old.services, &mut new.services);
        if old.identity_of == new.identity_of {
            new.identity_of = old.identity_of;
        }
    }

    fn put(&mut self, stored: Stored) -> bool {
        let Some(key) = keys::parse(&stored.key) else {
            self.ignore(&stored.key, "no key of the registry");
            return false;
        };
        let own = self.is_own(&key);
        if own {
            let own = Own {
                value: stored.value.clone(),
                kept: stored.own,
            };
            self.own.insert(stored.key.clone(), own);
        }
        let state = &mut self.state;
        let value = &stored.value;
        let understood = match key {
            Key::ClusterId | Key::Labels => Ok(()),
            Key::Cursor => {
                self.cursor = Some(stored.value.clone());
                Ok(())
            }
            Key::Sweeper => {
                self.sweeper = Some(stored.value.clone());
                Ok(())
            }
            Key::Timer(timer) => {
                self.timers.insert(timer);
                Ok(())
            }
            Key::Resting(identity) => {
                self.resting.insert(identity, stored.value.clone());
                Ok(())
            }
            Key::Use(identity, node) => {
                let users = Arc::make_mut(&mut state.users).entry(identity).or_default();
                Arc::make_mut(users).insert(node);
                Ok(())
            }
            Key::Identity(identity) => self.put_identity(identity, value),
            Key::Node(node) => read_into(&mut state.nodes, node, value),
            Key::Endpoint(endpoint) => read_into(&mut state.endpoints, endpoint, value),
            Key::Policy(name) => read_into(&mut state.policies, name, value),
            Key::Service(service) => read_into(&mut state.services, service, value),
        };
        match understood {
            Ok(()) => drop(self.ignored.remove(&stored.key)),
            Err(reason) => {
                // What stood there before does not hold any more.
                self.delete_entry(&stored.key);
                self.ignore(&stored.key, &reason);
            }
        }
        own
    }

    fn put_identity(&mut self, identity: Identity, value: &[u8]) -> Result<(), String> {
        let entry: IdentityEntry = read(value)?;
        if entry.identity != identity {
            return Err(format!("it speaks of {}", entry.identity.0));
        }
        self.forget_labels(identity);
        self.taken.insert(identity);
        Arc::make_mut(&mut self.state.identity_of).insert(entry.labels.clone(), identity);
        Arc::make_mut(&mut self.state.identities).insert(identity, Arc::new(entry));
        Ok(())
    }

    fn delete(&mut self, key: &str) -> bool {
        self.ignored.remove(key);
        self.delete_entry(key);
        self.own.remove(key).is_some()
    }

    fn delete_entry(&mut self, key: &str) {
        let state = &mut self.state;
        match keys::parse(key) {
            None | Some(Key::ClusterId | Key::Labels) => {}
            Some(Key::Cursor) => self.cursor = None,
            Some(Key::Sweeper) => self.sweeper = None,
            Some(Key::Timer(timer)) => drop(self.timers.remove(&timer)),
            Some(Key::Resting(identity)) => drop(self.resting.remove(&identity)),
            Some(Key::Use(identity, node)) => {
                if let Some(users) = Arc::make_mut(&mut state.users).get_mut(&identity) {
                    Arc::make_mut(users).remove(&node);
                    if users.is_empty() {
                        Arc::make_mut(&mut state.users).remove(&identity);
                    }
                }
            }
            Some(Key::Identity(identity)) => {
                self.forget_labels(identity);
                self.taken.remove(identity);
                Arc::make_mut(&mut self.state.identities).remove(&identity);
            }
            Some(Key::Node(node)) => drop(Arc::make_mut(&mut state.nodes).remove(&node)),
            Some(Key::Endpoint(endpoint)) => {
                drop(Arc::make_mut(&mut state.endpoints).remove(&endpoint));
            }
            Some(Key::Policy(name)) => drop(Arc::make_mut(&mut state.policies).remove(&name)),
            Some(Key::Service(service)) => {
                drop(Arc::make_mut(&mut state.services).remove(&service));
            }
        }
    }

    /// Takes the labels of a number off the index, if they lead to it.
    fn forget_labels(&mut self, identity: Identity) {
        let Some(entry) = self.state.identities.get(&identity) else {
            return;
        };
        if self.state.identity_of.get(&entry.labels) == Some(&identity) {
            Arc::make_mut(&mut self.state.identity_of).remove(&entry.labels);
        }
    }

    fn is_own(&self, key: &Key) -> bool {
        let node = match key {
            Key::Node(node) | Key::Use(_, node) => node,
            Key::Endpoint(endpoint) => &endpoint.node,
            _ => return false,
        };
        self.node.as_ref() == Some(node)
    }

    fn ignore(&mut self, key: &str, reason: &str) {
        if self.ignored.len() < MAX_IGNORED && !self.ignored.contains_key(key) {
            tracing::warn!(%key, %reason, "left out an entry of the registry");
            self.ignored.insert(key.to_owned(), reason.to_owned());
        }
    }
}

fn read<T: DeserializeOwned>(value: &[u8]) -> Result<T, String> {
    serde_json::from_slice(value).map_err(|error| error.to_string())
}

fn read_into<K: Ord + Clone, V: DeserializeOwned + Clone>(
    map: &mut Arc<BTreeMap<K, Arc<V>>>,
    key: K,
    value: &[u8],
) -> Result<(), String> {
    let entry = read(value)?;
    Arc::make_mut(map).insert(key, Arc::new(entry));
    Ok(())
}

/// Entries, and the whole map, that are equal to the old become the old.
fn keep_allocations<K: Ord + Clone, V: PartialEq>(
    old: &Arc<BTreeMap<K, Arc<V>>>,
    new: &mut Arc<BTreeMap<K, Arc<V>>>,
) {
    let mut same = old.len() == new.len();
    for (key, entry) in Arc::make_mut(new).iter_mut() {
        match old.get(key).filter(|older| *older == entry) {
            Some(older) => *entry = Arc::clone(older),
            None => same = false,
        }
    }
    if same {
        *new = Arc::clone(old);
    }
}

#[cfg(test)]
mod tests;
