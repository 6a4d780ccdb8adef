//! The receiving side of one lane: the tables of its node, as far as the stream has told them.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::BatchError;
use crate::encode::Names;
use crate::interfaces::InterfaceTable;
use crate::metadata::{MetadataTable, MetadataVersion};
use crate::reference::Epoch;
use crate::rules::{Rule, RuleInfo, RuleTable};

/// One node of a stream.
#[derive(Debug)]
pub struct Lane {
    /// What the numbers of its rows stand for.
    names: Names,
    interfaces: Vec<(u32, String)>,
}

impl Lane {
    pub(super) fn new(node_name: String, epoch: u64) -> Self {
        Self {
            names: Names {
                node_name,
                epoch: Epoch::new(epoch),
                metadata: Arc::new(MetadataTable::mirror()),
                rules: Arc::new(RuleTable::new()),
                interfaces: Arc::new(InterfaceTable::new()),
            },
            interfaces: Vec::new(),
        }
    }

    /// What the numbers of its rows stand for.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    pub(super) fn add_interfaces(&mut self, interfaces: impl Iterator<Item = (u32, String)>) {
        for (index, name) in interfaces {
            self.interfaces.retain(|(known, _)| *known != index);
            self.interfaces.push((index, name));
        }
        self.names
            .interfaces
            .replace(self.interfaces.iter().cloned());
    }
}

/// Shares what several streams of a peer are told alike: each stream has tables of its own, their entries are the same.
/// What was read last is kept for streams to come, which are told it anew.
#[derive(Debug, Default)]
pub struct Interner {
    metadata: Mutex<Shared<(u64, u32, u64), MetadataVersion>>,
    rules: Mutex<Shared<(u64, u32), Rule>>,
}

/// Entries of each kind that are kept although no stream has them: some 2 KiB each at most.
const KEPT: usize = 256;

impl Interner {
    /// The one version of an index of a node's life that began to hold at a time, if it is told by the same bytes.
    pub(super) fn metadata(
        &self,
        key: (u64, u32, u64),
        endpoint: &[u8],
        make: impl FnOnce() -> Result<MetadataVersion, BatchError>,
    ) -> Result<Arc<MetadataVersion>, BatchError> {
        let mut shared = self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shared.get(&key);
        if let Some(known) = known.filter(|known| known.encoded().is(endpoint)) {
            return Ok(known);
        }
        let version = Arc::new(make()?);
        shared.put(key, &version);
        Ok(version)
    }

    /// A rule of a node's life.
    pub(super) fn rule(&self, key: (u64, u32), info: RuleInfo) -> Arc<Rule> {
        let mut shared = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shared.get(&key).filter(|known| *known.info() == info) {
            return known;
        }
        let rule = Arc::new(Rule::new(info));
        shared.put(key, &rule);
        rule
    }
}

/// Entries that somebody still has, and the last that were made.
#[derive(Debug)]
struct Shared<K, V> {
    entries: HashMap<K, Weak<V>>,
    kept: VecDeque<Arc<V>>,
    /// At this length those that nobody has are swept out.
    sweep_at: usize,
}

impl<K, V> Default for Shared<K, V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            kept: VecDeque::new(),
            sweep_at: 2 * KEPT,
        }
    }
}

impl<K: Eq + Hash, V> Shared<K, V> {
    fn get(&self, key: &K) -> Option<Arc<V>> {
        self.entries.get(key)?.upgrade()
    }

    fn put(&mut self, key: K, value: &Arc<V>) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::clone(value));
        if self.entries.len() >= self.sweep_at {
            self.entries.retain(|_, entry| entry.strong_count() > 0);
            self.sweep_at = (self.entries.len() * 2).max(2 * KEPT);
        }
        self.entries.insert(key, Arc::downgrade(value));
    }
}

#[cfg(test)]
mod tests {
    use super::super::definitions::metadata_version;
    use super::*;
    use prost::Message as _;
    use proto::flow::Endpoint;
    use proto::tycho::v1::MetadataDefinition;

    #[test]
    fn what_is_told_by_other_bytes_is_another_version() {
        let interner = Interner::default();
        let version = |pod_name: &str| {
            let endpoint = Endpoint {
                pod_name: pod_name.to_owned(),
                ..Endpoint::default()
            };
            let definition = MetadataDefinition {
                index: 20,
                endpoint: endpoint.encode_to_vec().into(),
                ..MetadataDefinition::default()
            };
            let told = &definition.endpoint;
            let make = || metadata_version(&definition);
            interner.metadata((7, 20, 1), told, make).unwrap()
        };
        let first = version("a");
        assert!(Arc::ptr_eq(&first, &version("a")));
        assert_eq!(version("b").content().pod_name, "b");
    }

    #[test]
    fn equal_entries_are_shared_and_the_last_are_kept() {
        let interner = Interner::default();
        let rule = |number: u32, description: &str| {
            let info = RuleInfo {
                description: description.to_owned(),
                ..RuleInfo::default()
            };
            interner.rule((7, number), info)
        };
        let first = rule(1, "a");
        assert!(Arc::ptr_eq(&first, &rule(1, "a")));
        let changed = rule(1, "b");
        assert_eq!(changed.info().description, "b");
        assert_eq!(first.info().description, "a");
        let unowned = Arc::downgrade(&rule(10, "c"));
        assert!(
            unowned
                .upgrade()
                .is_some_and(|kept| Arc::ptr_eq(&kept, &rule(10, "c")))
        );
        for number in 100..10_000 {
            rule(number, "c");
        }
        assert!(unowned.upgrade().is_none(), "it is kept for ever");
        let shared = interner.rules.lock().unwrap();
        assert_eq!(shared.kept.len(), KEPT);
        let entries = shared.entries.len();
        assert!(entries <= 2 * KEPT, "{entries} entries that nobody has");
    }
}
