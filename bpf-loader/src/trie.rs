//! A longest-prefix trie with keys and values of `bpf-events`.

use aya::Ebpf;
use aya::maps::MapData;
use aya::maps::lpm_trie::{Key, LpmTrie};

use crate::error::LoaderError;
use crate::hash::{self, ANY, Layout, NO_EXIST, Raw, failed, is_errno, take, was_there};

/// A trie, and how many prefixes are in it.
///
/// A prefix that is set anew is replaced, not edited: the kernel puts a new node in the place of the old one with one
/// pointer store (`trie_update_elem`, `rcu_assign_pointer`), so a program finds the old value or the new one, never half
/// of each and never none.
#[derive(Debug)]
pub(crate) struct Trie<K: Layout, V: Layout> {
    name: &'static str,
    map: LpmTrie<MapData, Raw<K>, Raw<V>>,
    entries: u32,
    capacity: u32,
}

impl<K: Layout, V: Layout> Trie<K, V> {
    pub(crate) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Self, LoaderError> {
        let map = take(ebpf, name)?;
        let capacity = hash::capacity(name, &hash::data(&map, name)?)?;
        let map = LpmTrie::try_from(map).map_err(failed(name, "open the trie"))?;
        let mut trie = Self {
            name,
            map,
            entries: 0,
            capacity,
        };
        trie.entries = trie.all()?.len() as u32;
        Ok(trie)
    }

    /// Inserts or replaces.
    pub(crate) fn insert(&mut self, bits: u32, key: K, value: V) -> Result<(), LoaderError> {
        let key = Key::new(bits, Raw(key));
        match self.map.insert(&key, Raw(value), NO_EXIST) {
            Ok(()) => {
                self.entries += 1;
                return Ok(());
            }
            Err(error) if is_errno(&error, libc::EEXIST) => {}
            Err(error) if is_errno(&error, libc::ENOSPC) => {
                return Err(LoaderError::Full {
                    map: self.name,
                    entries: self.capacity,
                });
            }
            Err(error) => return Err(failed(self.name, "insert")(error)),
        }
        let replaced = self.map.insert(&key, Raw(value), ANY);
        replaced.map_err(failed(self.name, "replace"))
    }

    /// Removes; a prefix that is not there is fine.
    pub(crate) fn remove(&mut self, bits: u32, key: K) -> Result<(), LoaderError> {
        let removed = self.map.remove(&Key::new(bits, Raw(key)));
        if was_there(self.name, removed)? {
            self.entries -= 1;
        }
        Ok(())
    }

    /// Every prefix: its length, its bytes and what it resolves to.
    pub(crate) fn all(&self) -> Result<Vec<(u32, K, V)>, LoaderError> {
        let entry = |(key, value): (Key<Raw<K>>, Raw<V>)| (key.prefix_len(), key.data().0, value.0);
        self.map
            .iter()
            .map(|read| read.map(entry))
            .collect::<Result<_, _>>()
            .map_err(failed(self.name, "list"))
    }

    /// How many prefixes are in it, and how many can be.
    pub(crate) fn fill(&self) -> (u32, u32) {
        (self.entries, self.capacity)
    }
}
