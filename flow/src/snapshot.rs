//! A table of immutable entries by number, read without a lock while it grows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;

/// Entries of one chunk: few, as a relay keeps tables for each node of each stream.
const CHUNK: usize = 128;

/// Numbers below this one can be used; a table is bounded like everything else.
pub const INDEX_LIMIT: u32 = 1 << 20;

type Chunk<T> = Box<[OnceLock<Arc<T>>]>;
type Directory<T> = Vec<Arc<Chunk<T>>>;

/// The number is beyond [`INDEX_LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("index {index} is beyond the table's limit of {INDEX_LIMIT}")]
pub struct IndexLimit {
    /// The number asked for.
    pub index: u32,
}

/// Entries in chunks of 128: a new entry is written in place, a new chunk copies only the list of chunks, and
/// replacing an entry copies its chunk.
#[derive(Debug)]
pub struct SnapshotTable<T> {
    directory: ArcSwap<Directory<T>>,
    changing: Mutex<()>,
    end: AtomicU32,
    edits: AtomicU64,
    replaced: AtomicU64,
}

/// A view of a table. It sees later entries too if their chunk existed when it was taken.
#[derive(Debug)]
pub struct Snapshot<T> {
    directory: Arc<Directory<T>>,
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self {
            directory: Arc::clone(&self.directory),
        }
    }
}

impl<T> Default for SnapshotTable<T> {
    fn default() -> Self {
        Self {
            directory: ArcSwap::from_pointee(Vec::new()),
            changing: Mutex::new(()),
            end: AtomicU32::new(0),
            edits: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
        }
    }
}

impl<T> SnapshotTable<T> {
    /// A view for many lookups.
    pub fn snapshot(&self) -> Snapshot<T> {
        Snapshot {
            directory: self.directory.load_full(),
        }
    }

    /// One entry.
    pub fn entry(&self, index: u32) -> Option<Arc<T>> {
        self.snapshot().get(index).cloned()
    }

    /// One more than the highest number in use.
    pub fn end(&self) -> u32 {
        self.end.load(Ordering::Acquire)
    }

    /// Grows with every entry written.
    pub fn edits(&self) -> u64 {
        self.edits.load(Ordering::Acquire)
    }

    /// Grows with every entry written below [`SnapshotTable::end`] and every removal: what was derived from entries must
    /// be made anew.
    pub fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Acquire)
    }

    /// Writes an entry, new or in place of another.
    ///
    /// # Errors
    /// If the number is beyond the limit.
    pub fn set(&self, index: u32, entry: Arc<T>) -> Result<(), IndexLimit> {
        if index >= INDEX_LIMIT {
            return Err(IndexLimit { index });
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (chunk, slot) = place(index);
        let mut directory = self.directory.load_full();
        if chunk >= directory.len() {
            let mut longer = (*directory).clone();
            longer.resize_with(chunk + 1, || Arc::new(empty_chunk()));
            directory = Arc::new(longer);
            self.directory.store(Arc::clone(&directory));
        }
        if let Err(entry) = directory[chunk][slot].set(entry) {
            let mut changed = (*directory).clone();
            changed[chunk] =
                copy_with(&directory[chunk], |copy| copy[slot] = OnceLock::from(entry));
            self.directory.store(Arc::new(changed));
        }
        if index < self.end.fetch_max(index + 1, Ordering::AcqRel) {
            self.replaced.fetch_add(1, Ordering::AcqRel);
        }
        self.edits.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}

impl<T> SnapshotTable<T> {
    /// Empties entries. Views that were taken before keep them, so a number that is then written anew has one meaning
    /// in each view.
    pub fn remove(&self, indexes: &[u32]) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slots: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (chunk, slot) in indexes.iter().map(|&index| place(index)) {
            slots.entry(chunk).or_default().push(slot);
        }
        let mut changed = (*self.directory.load_full()).clone();
        for (chunk, slots) in slots {
            let Some(present) = changed.get_mut(chunk) else {
                continue;
            };
            *present = copy_with(present, |copy| {
                for slot in slots {
                    copy[slot] = OnceLock::new();
                }
            });
        }
        self.directory.store(Arc::new(changed));
        self.replaced.fetch_add(1, Ordering::AcqRel);
        self.edits.fetch_add(1, Ordering::AcqRel);
    }
}

impl<T> Snapshot<T> {
    /// The entry of a number.
    #[inline]
    pub fn get(&self, index: u32) -> Option<&Arc<T>> {
        let (chunk, slot) = place(index);
        self.directory.get(chunk)?.get(slot)?.get()
    }
}

const fn place(index: u32) -> (usize, usize) {
    (index as usize / CHUNK, index as usize % CHUNK)
}

fn empty_chunk<T>() -> Chunk<T> {
    (0..CHUNK).map(|_| OnceLock::new()).collect()
}

fn copy_with<T>(chunk: &Chunk<T>, change: impl FnOnce(&mut Chunk<T>)) -> Arc<Chunk<T>> {
    let mut copy: Chunk<T> = chunk.iter().map(clone_slot).collect();
    change(&mut copy);
    Arc::new(copy)
}

fn clone_slot<T>(slot: &OnceLock<Arc<T>>) -> OnceLock<Arc<T>> {
    slot.get()
        .map_or_else(OnceLock::new, |entry| OnceLock::from(Arc::clone(entry)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn a_table_is_a_map(writes in proptest::collection::vec((0u32..5_000, any::<Option<u16>>()), 0..200)) {
            let table = SnapshotTable::default();
            let mut model = HashMap::new();
            let mut end = 0;
            let mut replaced = 0;
            for (index, value) in writes {
                let Some(value) = value else {
                    table.remove(&[index, index + 3_000]);
                    model.retain(|&known, _| known != index && known != index + 3_000);
                    replaced += 1;
                    continue;
                };
                table.set(index, Arc::new(value)).unwrap();
                model.insert(index, value);
                replaced += u64::from(index < end);
                end = end.max(index + 1);
            }
            for index in 0..5_100 {
                prop_assert_eq!(table.entry(index).map(|entry| *entry), model.get(&index).copied());
            }
            prop_assert_eq!((table.end(), table.replaced()), (end, replaced));
        }
    }

    #[test]
    fn a_snapshot_keeps_what_is_replaced_and_sees_what_is_added() {
        let table = SnapshotTable::default();
        table.set(1, Arc::new("old")).unwrap();
        let before = table.snapshot();
        table.set(1, Arc::new("new")).unwrap();
        assert_eq!(before.get(1).map(|entry| **entry), Some("old"));
        assert_eq!(table.snapshot().get(1).map(|entry| **entry), Some("new"));
        let between = table.snapshot();
        table.set(2, Arc::new("added")).unwrap();
        assert_eq!(between.get(2).map(|entry| **entry), Some("added"));
        table.remove(&[1]);
        assert_eq!(between.get(1).map(|entry| **entry), Some("new"));
        table.set(1, Arc::new("another")).unwrap();
        assert_eq!(between.get(1).map(|entry| **entry), Some("new"));
        assert_eq!(table.entry(1).as_deref(), Some(&"another"));
        assert_eq!(
            table.set(INDEX_LIMIT, Arc::new("far")),
            Err(IndexLimit { index: INDEX_LIMIT })
        );
    }
}
