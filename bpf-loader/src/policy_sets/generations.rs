//! Generations in the kernel: their headers and cells, and which numbers are free.

use std::collections::{BTreeSet, HashMap};

use aya::Ebpf;
use bpf_events::policy::{GENERATION_ENTRIES, PolicyCell, PolicyHeader, PolicyKey};

use super::content::{Content, Edit, key, place_of};
use crate::error::LoaderError;
use crate::hash::{Hash, Rows};
use crate::retired::Retired;

/// Owner of `POLICY_GENERATIONS` and `POLICY_CELLS`.
#[derive(Debug)]
pub(super) struct Generations {
    headers: Rows<PolicyHeader>,
    cells: Hash<PolicyKey, PolicyCell>,
    free: Vec<u32>,
    retired: Retired<(u32, Vec<PolicyKey>)>,
    /// Cells in the kernel.
    held: u32,
    writes: u64,
}

impl Generations {
    pub(super) fn take(ebpf: &mut Ebpf) -> Result<Self, LoaderError> {
        Ok(Self {
            headers: Rows::take(ebpf, "POLICY_GENERATIONS")?,
            cells: Hash::take(ebpf, "POLICY_CELLS")?,
            free: Vec::new(),
            retired: Retired::new(),
            held: 0,
            writes: 0,
        })
    }

    /// Reads these generations, each with its revision, and removes the cells of all others.
    pub(super) fn adopt(
        &mut self,
        numbers: &BTreeSet<u32>,
    ) -> Result<HashMap<u32, (u32, Content)>, LoaderError> {
        let mut entries: HashMap<u32, Vec<_>> =
            numbers.iter().map(|number| (*number, Vec::new())).collect();
        let mut orphans = Vec::new();
        let mut held = 0;
        self.cells
            .for_each(|key, cell| match entries.get_mut(&key.generation) {
                Some(entries) => {
                    held += 1;
                    entries.push((place_of(key), *cell));
                }
                None => orphans.push(*key),
            })?;
        self.cells.remove_all(&orphans)?;
        self.held = held;
        self.free = (1..GENERATION_ENTRIES)
            .rev()
            .filter(|number| !numbers.contains(number))
            .collect();
        let mut adopted = HashMap::new();
        for (number, entries) in entries {
            let header = self.headers.get(number)?;
            let content = Content::new(header, entries);
            adopted.insert(number, (header.revision, content));
        }
        Ok(adopted)
    }

    /// Cells and headers written so far.
    pub(super) fn writes(&self) -> u64 {
        self.writes
    }

    /// Writes contents to numbers that no set points to: all of them, or nothing.
    pub(super) fn create(
        &mut self,
        contents: &[&Content],
        revision: u32,
    ) -> Result<Vec<u32>, LoaderError> {
        self.when_there_is_room(|this| this.try_create(contents, revision))
    }

    /// If there is no room, waits for that of generations that were given up just before.
    fn when_there_is_room<T>(
        &mut self,
        attempt: impl Fn(&mut Self) -> Result<T, LoaderError>,
    ) -> Result<T, LoaderError> {
        loop {
            match (attempt(self), self.retired.until_empty()) {
                (Err(LoaderError::Full { .. }), Some(wait)) => {
                    std::thread::sleep(wait);
                    self.collect()?;
                }
                (result, _) => return result,
            }
        }
    }

    fn try_create(
        &mut self,
        contents: &[&Content],
        revision: u32,
    ) -> Result<Vec<u32>, LoaderError> {
        let Some(rest) = self.free.len().checked_sub(contents.len()) else {
            return Err(LoaderError::Full {
                map: "POLICY_GENERATIONS",
                entries: GENERATION_ENTRIES,
            });
        };
        let numbers = self.free.split_off(rest);
        let filled = self.fill_in(&numbers, contents, revision);
        match filled {
            Ok(()) => Ok(numbers),
            Err(error @ LoaderError::Full { .. }) => {
                self.free.extend(numbers);
                Err(error)
            }
            // Some cells may stand there.
            Err(error) => {
                for (number, content) in numbers.into_iter().zip(contents) {
                    self.retire(number, [*content]);
                }
                Err(error)
            }
        }
    }

    fn fill_in(
        &mut self,
        numbers: &[u32],
        contents: &[&Content],
        revision: u32,
    ) -> Result<(), LoaderError> {
        let mut keys = Vec::new();
        let mut cells = Vec::new();
        for (number, content) in numbers.iter().zip(contents) {
            keys.extend(content.keys(*number));
            cells.extend_from_slice(content.cells());
        }
        self.insert(&keys, &cells)?;
        for (number, content) in numbers.iter().zip(contents) {
            self.write_header(*number, content.header(revision))?;
        }
        Ok(())
    }

    pub(super) fn write_header(
        &mut self,
        number: u32,
        header: PolicyHeader,
    ) -> Result<(), LoaderError> {
        self.headers.set(number, header)?;
        self.writes += 1;
        Ok(())
    }

    /// Edits a live generation. The masks come before the cells that they are to find and go after them; in between a
    /// program looks for a cell that is not there, which is no different from a peer without one.
    pub(super) fn edit(
        &mut self,
        (number, revision): (u32, u32),
        old: &Content,
        new: &Content,
        edit: &Edit,
    ) -> Result<(), LoaderError> {
        let both = old.header_of_both(new, revision);
        if both != old.header(revision) {
            self.write_header(number, both)?;
        }
        let keys = |places: &mut dyn Iterator<Item = u64>| -> Vec<PolicyKey> {
            places.map(|place| key(number, place)).collect()
        };
        let added = keys(&mut edit.added.iter().map(|(place, _)| *place));
        let cells: Vec<PolicyCell> = edit.added.iter().map(|(_, cell)| *cell).collect();
        self.when_there_is_room(|this| this.insert(&added, &cells))?;
        self.remove(&keys(&mut edit.removed.iter().copied()))?;
        if both != new.header(revision) {
            self.write_header(number, new.header(revision))?;
        }
        Ok(())
    }

    /// To be freed once no program can be reading it any more.
    pub(super) fn retire<'a>(
        &mut self,
        number: u32,
        contents: impl IntoIterator<Item = &'a Content>,
    ) {
        let contents = contents.into_iter();
        let keys = contents.flat_map(|content| content.keys(number)).collect();
        self.retired.push((number, keys));
    }

    /// Frees what was retired long enough ago. What cannot be removed is tried again at the next call.
    pub(super) fn collect(&mut self) -> Result<(), LoaderError> {
        while let Some((number, keys)) = self.retired.pop() {
            if let Err(error) = self.remove(&keys) {
                self.retired.put_back((number, keys));
                return Err(error);
            }
            self.free.push(number);
        }
        Ok(())
    }

    /// Map, entries and room.
    pub(super) fn fill(&self) -> Result<[(&'static str, u32, u32); 2], LoaderError> {
        let used = GENERATION_ENTRIES - 1 - self.free.len() as u32;
        Ok([
            ("POLICY_CELLS", self.held, self.cells.capacity()?),
            ("POLICY_GENERATIONS", used, GENERATION_ENTRIES - 1),
        ])
    }

    /// Inserts all of them, or none if there is no room; after another error some may be there.
    fn insert(&mut self, keys: &[PolicyKey], cells: &[PolicyCell]) -> Result<(), LoaderError> {
        match self.cells.insert_all(keys, cells) {
            Ok(()) => {
                self.held += keys.len() as u32;
                self.writes += keys.len() as u64;
                Ok(())
            }
            Err(stopped) => {
                self.cells.remove_all(&keys[..stopped.done])?;
                Err(stopped.error)
            }
        }
    }

    fn remove(&mut self, keys: &[PolicyKey]) -> Result<(), LoaderError> {
        let removed = self.cells.remove_all(keys)?;
        self.held = self.held.saturating_sub(removed as u32);
        Ok(())
    }
}
