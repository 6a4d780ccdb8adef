//! All versions by index, and which of them holds now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use policy::Identity;

use super::{FIRST_FREE_INDEX, MetadataContent, MetadataVersion, reserved_content};
use crate::snapshot::{IndexLimit, Snapshot, SnapshotTable};

/// What an upsert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upserted {
    /// The index that holds now.
    pub index: u32,
    /// Whether it is a new one, which the kernel's maps must learn.
    pub changed: bool,
}

/// Versions of all endpoints, identities and ranges this node knows.
///
/// A *key* names a thing for as long as it exists (`endpoint/shop/frontend-1`, `cidr/10.0.0.0/8`); an *index* names one
/// version of it for ever. Indexes of reserved identities are their numbers.
#[derive(Debug)]
pub struct MetadataTable {
    versions: SnapshotTable<MetadataVersion>,
    holding: Mutex<Holding>,
}

#[derive(Debug)]
struct Holding {
    by_key: HashMap<String, Arc<MetadataVersion>>,
    next_index: u32,
}

impl Default for MetadataTable {
    fn default() -> Self {
        Self::new()
    }
}

impl MetadataTable {
    /// A table with the reserved identities.
    #[must_use]
    pub fn new() -> Self {
        let table = Self {
            versions: SnapshotTable::default(),
            holding: Mutex::new(Holding {
                by_key: HashMap::new(),
                next_index: FIRST_FREE_INDEX,
            }),
        };
        for identity in Identity::reserved() {
            let name = identity.name().expect("each of them has a name");
            let content = reserved_content(identity.0).expect("each name has its content");
            table
                .set(identity.0, &format!("reserved/{name}"), content, 0)
                .expect("reserved indexes are the lowest");
        }
        table
    }

    /// The content that a key has from `now_ns` (wall time) on. Other content than before gets a new index and closes
    /// the version before.
    ///
    /// # Errors
    /// If no index is left.
    pub fn upsert(
        &self,
        key: &str,
        content: MetadataContent,
        now_ns: u64,
    ) -> Result<Upserted, IndexLimit> {
        let mut holding = self.lock();
        if let Some(version) = holding.by_key.get(key)
            && *version.content() == content
        {
            return Ok(Upserted {
                index: version.index(),
                changed: false,
            });
        }
        let index = holding.next_index;
        self.write(&mut holding, index, key, content, now_ns)?;
        Ok(Upserted {
            index,
            changed: true,
        })
    }

    /// Puts a version at a given index: adoption of the numbers that a previous life wrote into the kernel's maps.
    ///
    /// # Errors
    /// If the index is beyond the table's limit.
    pub fn set(
        &self,
        index: u32,
        key: &str,
        content: MetadataContent,
        from_ns: u64,
    ) -> Result<(), IndexLimit> {
        self.write(&mut self.lock(), index, key, content, from_ns)
    }

    /// Says that nothing holds for a key any more. Its versions can still be looked up. Returns the index that held.
    pub fn close(&self, key: &str, now_ns: u64) -> Option<u32> {
        let version = self.lock().by_key.remove(key)?;
        version.close(now_ns);
        Some(version.index())
    }

    /// The version that holds for a key now.
    #[must_use]
    pub fn current(&self, key: &str) -> Option<Arc<MetadataVersion>> {
        self.lock().by_key.get(key).cloned()
    }

    /// One version by its index; for many lookups take a [`MetadataTable::snapshot`].
    #[must_use]
    pub fn version(&self, index: u32) -> Option<Arc<MetadataVersion>> {
        self.versions.entry(index)
    }

    /// A view for lookups without a lock.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<MetadataVersion> {
        self.versions.snapshot()
    }

    /// The versions themselves, for those who keep what they derive from them.
    pub(crate) fn versions(&self) -> &SnapshotTable<MetadataVersion> {
        &self.versions
    }

    fn write(
        &self,
        holding: &mut Holding,
        index: u32,
        key: &str,
        content: MetadataContent,
        from_ns: u64,
    ) -> Result<(), IndexLimit> {
        let version = Arc::new(MetadataVersion::new(index, content, from_ns));
        self.versions.set(index, Arc::clone(&version))?;
        holding.next_index = holding.next_index.max(index + 1);
        if let Some(before) = holding.by_key.insert(key.to_owned(), version) {
            before.close(from_ns);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Holding> {
        self.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::LabelSet;
    use prost::Message as _;

    fn content(identity: u32, labels: &[&str]) -> MetadataContent {
        MetadataContent {
            identity,
            labels: LabelSet::parse(labels).unwrap(),
            pod_name: "frontend-1".into(),
            ..MetadataContent::default()
        }
    }

    #[test]
    fn other_content_gets_another_index_and_closes_the_span() {
        let table = MetadataTable::new();
        let first = table
            .upsert("endpoint/a", content(300, &["k8s:role=a"]), 10)
            .unwrap();
        assert_eq!(
            first,
            Upserted {
                index: FIRST_FREE_INDEX,
                changed: true
            }
        );
        let same = table
            .upsert("endpoint/a", content(300, &["k8s:role=a"]), 20)
            .unwrap();
        assert_eq!(
            same,
            Upserted {
                index: first.index,
                changed: false
            }
        );
        let second = table
            .upsert("endpoint/a", content(301, &["k8s:role=b"]), 30)
            .unwrap();
        assert_eq!(
            second,
            Upserted {
                index: first.index + 1,
                changed: true
            }
        );
        let span = |index| {
            table
                .version(index)
                .map(|version| (version.from_ns(), version.until_ns()))
        };
        assert_eq!(span(first.index), Some((10, Some(30))));
        assert_eq!(span(second.index), Some((30, None)));
        assert_eq!(table.close("endpoint/a", 40), Some(second.index));
        assert_eq!(table.close("endpoint/a", 50), None);
        assert_eq!(span(second.index), Some((30, Some(40))));
        assert!(table.current("endpoint/a").is_none());
    }

    #[test]
    fn adopted_indexes_are_not_given_out_again() {
        let table = MetadataTable::new();
        table
            .set(5_000, "endpoint/old", content(300, &[]), 1)
            .unwrap();
        assert_eq!(
            table
                .upsert("endpoint/old", content(300, &[]), 2)
                .unwrap()
                .index,
            5_000
        );
        assert_eq!(
            table
                .upsert("endpoint/new", content(301, &[]), 2)
                .unwrap()
                .index,
            5_001
        );
        assert!(
            table
                .set(u32::MAX, "endpoint/far", content(1, &[]), 1)
                .is_err()
        );
    }

    #[test]
    fn an_unknown_remote_is_the_world() {
        let table = MetadataTable::new();
        let world =
            proto::flow::Endpoint::decode(table.version(2).unwrap().endpoint_bytes()).unwrap();
        assert_eq!(
            (world.identity, world.labels),
            (2, vec!["reserved:world".to_owned()])
        );
        assert!(table.version(11).is_none());
    }
}
