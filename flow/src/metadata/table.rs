//! All versions by index, and which of them holds now.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use policy::Identity;

use super::{MetadataContent, MetadataVersion, reserved_content};
use crate::snapshot::{IndexLimit, Snapshot, SnapshotTable};

/// Versions of all endpoints, identities and ranges this node knows.
///
/// A *key* names a thing for as long as it exists (`endpoint/shop/frontend-1`, `cidr/10.0.0.0/8`); an *index* names one
/// version of it for ever. Indexes of reserved identities are their numbers.
#[derive(Debug)]
pub struct MetadataTable {
    versions: SnapshotTable<MetadataVersion>,
    holding: Mutex<Holding>,
}

type Holding = HashMap<String, Arc<MetadataVersion>>;

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
            holding: Mutex::default(),
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

    /// A copy of another node's table, so far with the reserved identities only; it is filled by
    /// [`MetadataTable::adopt`].
    #[must_use]
    pub fn mirror() -> Self {
        static RESERVED: LazyLock<Vec<Arc<MetadataVersion>>> = LazyLock::new(|| {
            let table = MetadataTable::new();
            Identity::reserved()
                .filter_map(|identity| table.version(identity.0))
                .collect()
        });
        let table = Self {
            versions: SnapshotTable::default(),
            holding: Mutex::default(),
        };
        for version in RESERVED.iter() {
            table
                .adopt(Arc::clone(version))
                .expect("reserved indexes are the lowest");
        }
        table
    }

    /// Takes a version as another node knows it, in place of what its index meant before.
    ///
    /// # Errors
    /// If the index is beyond the table's limit.
    pub fn adopt(&self, version: Arc<MetadataVersion>) -> Result<(), IndexLimit> {
        self.versions.set(version.index(), version)
    }

    /// What a key is from `from_ns` (wall time) on, under an index that nothing else has; the version before ends then.
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
        let mut holding = self.lock();
        let version = Arc::new(MetadataVersion::new(index, content, from_ns));
        self.versions.set(index, Arc::clone(&version))?;
        if let Some(before) = holding.insert(key.to_owned(), version) {
            before.close(from_ns);
        }
        Ok(())
    }

    /// Forgets versions whose indexes nothing carries any more: neither a map, nor a stored flow, nor a reader.
    pub fn remove(&self, indexes: &[u32]) {
        self.lock()
            .retain(|_, version| !indexes.contains(&version.index()));
        self.versions.remove(indexes);
    }

    /// Says that nothing holds for a key any more. Its versions can still be looked up. Returns the index that held.
    pub fn close(&self, key: &str, now_ns: u64) -> Option<u32> {
        let version = self.lock().remove(key)?;
        version.close(now_ns);
        Some(version.index())
    }

    /// The version that holds for a key now.
    #[must_use]
    pub fn current(&self, key: &str) -> Option<Arc<MetadataVersion>> {
        self.lock().get(key).cloned()
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
    fn a_new_version_closes_the_span_of_the_one_before() {
        let table = MetadataTable::new();
        table
            .set(20, "endpoint/a", content(300, &["k8s:role=a"]), 10)
            .unwrap();
        table
            .set(18, "endpoint/a", content(301, &["k8s:role=b"]), 30)
            .unwrap();
        let span = |index| {
            table
                .version(index)
                .map(|version| (version.from_ns(), version.until_ns()))
        };
        assert_eq!(span(20), Some((10, Some(30))));
        assert_eq!(span(18), Some((30, None)));
        assert_eq!(table.current("endpoint/a").unwrap().index(), 18);
        assert_eq!(table.close("endpoint/a", 40), Some(18));
        assert_eq!(table.close("endpoint/a", 50), None);
        assert_eq!(span(18), Some((30, Some(40))));
        assert!(table.current("endpoint/a").is_none());
        assert!(
            table
                .set(u32::MAX, "endpoint/far", content(1, &[]), 1)
                .is_err()
        );
    }

    #[test]
    fn what_is_removed_is_as_if_it_had_never_been() {
        let table = MetadataTable::new();
        for (index, key) in [(20, "endpoint/a"), (21, "endpoint/a"), (22, "endpoint/b")] {
            table.set(index, key, content(300, &[]), 1).unwrap();
        }
        let before = table.snapshot();
        table.remove(&[20, 22]);
        let known = |index| table.version(index).is_some();
        assert_eq!([20, 21, 22].map(known), [false, true, false]);
        assert!(table.current("endpoint/b").is_none());
        assert_eq!(table.current("endpoint/a").unwrap().index(), 21);
        table.set(20, "endpoint/c", content(301, &[]), 2).unwrap();
        assert_eq!(before.get(20).unwrap().content().identity, 300);
        assert_eq!(table.version(20).unwrap().content().identity, 301);
    }

    #[test]
    fn an_unknown_remote_is_the_world() {
        let table = MetadataTable::new();
        let world =
            proto::flow::Endpoint::decode(&*table.version(2).unwrap().endpoint_bytes()).unwrap();
        assert_eq!(
            (world.identity, world.labels),
            (2, vec!["reserved:world".to_owned()])
        );
        assert!(table.version(11).is_none());
    }
}
