//! Edge slots: the free list that the programs take from, and exact totals per edge.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use aya::Ebpf;
use bpf_events::edge::{EDGE_SLOTS, EdgeCell, EdgeKey, EdgeState};

use crate::error::LoaderError;
use crate::hash::{self, Hash, Numbers};
use crate::mapped::Mapped;
use crate::reclaim::{Reclaimer, add};

/// Slots 1 to 4,095 are the endpoints' "other" slots; slot 0 is never used.
const OTHER_SLOTS: u32 = 4_096;

/// Counts of edges that have lost their slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedEdges {
    /// One by one.
    pub edges: Vec<(EdgeKey, EdgeCell)>,
    /// Those that are not kept one by one.
    pub together: EdgeCell,
}

/// Owner of `EDGES`, `EDGE_CELLS` and `FREE_SLOTS`.
#[derive(Debug)]
pub struct Edges {
    edges: Hash<EdgeKey, EdgeState>,
    cells: Mapped,
    free: Numbers,
    slots: u32,
    pub(crate) reclaimer: Reclaimer,
}

impl Edges {
    /// `held` are the slots in which connections count.
    pub(crate) fn take(
        ebpf: &mut Ebpf,
        slots: u32,
        held: &HashSet<u32>,
    ) -> Result<Self, LoaderError> {
        let map = hash::take(ebpf, "EDGE_CELLS")?;
        let cells = Mapped::new(
            "EDGE_CELLS",
            &hash::data(&map, "EDGE_CELLS")?,
            size_of::<EdgeCell>(),
        )?;
        let mut edges = Self {
            edges: Hash::take(ebpf, "EDGES")?,
            cells,
            free: Numbers::take(ebpf, "FREE_SLOTS")?,
            slots,
            reclaimer: Reclaimer::default(),
        };
        edges.refill(held)?;
        Ok(edges)
    }

    /// Puts every slot that no edge and no connection holds into the free list, empty: an earlier process may have ended
    /// between taking an edge away and saving its counts.
    fn refill(&mut self, held: &HashSet<u32>) -> Result<(), LoaderError> {
        self.free.clear()?;
        // A program that took a slot just before has inserted its edge by then.
        std::thread::sleep(Duration::from_millis(2));
        let mut used = held.clone();
        self.edges.for_each(|_, state| {
            used.insert(state.slot);
        })?;
        for slot in other_slots(self.slots)..self.slots {
            if used.contains(&slot) {
                continue;
            }
            if self.cell(slot) != EdgeCell::default() {
                let cell = self.take_cell(slot);
                self.reclaimer.save_together(&cell);
            }
            self.free.push(slot)?;
        }
        Ok(())
    }

    /// Slots per CPU.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// The slot that counts what has no edge of its own at an endpoint.
    pub fn other_slot(&self, endpoint: u16) -> u32 {
        1 + u32::from(endpoint) % (other_slots(self.slots) - 1)
    }

    /// Counts of one slot, summed over all CPUs.
    pub fn cell(&self, slot: u32) -> EdgeCell {
        let mut sum = EdgeCell::default();
        for cpu in 0..self.cells.len() / self.slots as usize {
            let [forward_packets, forward_bytes, reply_packets, reply_bytes] =
                self.cells.read(cpu * self.slots as usize + slot as usize);
            let cell = EdgeCell {
                forward_packets,
                forward_bytes,
                reply_packets,
                reply_bytes,
            };
            add(&mut sum, &cell);
        }
        sum
    }

    /// Every edge with its counts since the maps were made, those from slots that it had before, or is about to lose,
    /// included.
    pub fn all(&self) -> Result<Vec<(EdgeKey, EdgeCell)>, LoaderError> {
        let live = self.with_slots()?.into_iter();
        let mut sums: HashMap<EdgeKey, EdgeCell> = live.map(|(key, _, cell)| (key, cell)).collect();
        for (key, slot) in self.reclaimer.leaving_slots() {
            add(sums.entry(*key).or_default(), &self.cell(*slot));
        }
        for (key, cell) in self.reclaimer.all_saved() {
            add(sums.entry(*key).or_default(), cell);
        }
        Ok(sums.into_iter().collect())
    }

    /// Edges that have a slot, with their state and the counts in it.
    pub(crate) fn with_slots(&self) -> Result<Vec<(EdgeKey, EdgeState, EdgeCell)>, LoaderError> {
        let mut all = Vec::new();
        self.edges
            .for_each(|key, state| all.push((*key, *state, self.cell(state.slot))))?;
        Ok(all)
    }

    /// Counts of what had no edge of its own: the sum of all "other" slots, and of edges that are no longer kept one by one.
    pub fn other(&self) -> EdgeCell {
        let mut sum = self.forgotten();
        for (_, cell) in self.others() {
            add(&mut sum, &cell);
        }
        sum
    }

    /// Each "other" slot with its counts, those of endpoints without an edge for what they did.
    pub fn others(&self) -> impl Iterator<Item = (u32, EdgeCell)> {
        (1..other_slots(self.slots)).map(|slot| (slot, self.cell(slot)))
    }

    /// Counts of edges that are no longer kept one by one.
    pub fn forgotten(&self) -> EdgeCell {
        self.reclaimer.saved_together()
    }

    /// Removes an edge: its next packet makes it anew, with another slot.
    pub(crate) fn forget(&mut self, key: EdgeKey) -> Result<(), LoaderError> {
        self.edges.remove(key).map(|_| ())
    }

    /// Reads and clears the cells of a slot that nobody can find any more.
    pub(crate) fn take_cell(&mut self, slot: u32) -> EdgeCell {
        let cell = self.cell(slot);
        for cpu in 0..self.cells.len() / self.slots as usize {
            for offset in (0..size_of::<EdgeCell>()).step_by(8) {
                self.cells
                    .word(cpu * self.slots as usize + slot as usize, offset)
                    .store(0, Ordering::Relaxed);
            }
        }
        cell
    }

    /// Puts a slot into the free list.
    pub(crate) fn free_slot(&mut self, slot: u32) -> Result<(), LoaderError> {
        self.free.push(slot)
    }

    /// Edges that owe a summary of rate-limited drops, and how many edges there are.
    pub(crate) fn owing(&self) -> Result<(Vec<EdgeKey>, u64), LoaderError> {
        let (mut owing, mut present) = (Vec::new(), 0);
        self.edges.for_each(|key, state| {
            present += 1;
            if state.pending_packets != 0 {
                owing.push(*key);
            }
        })?;
        Ok((owing, present))
    }

    /// Edges that can have a slot of their own.
    pub(crate) fn capacity(&self) -> u32 {
        self.slots - other_slots(self.slots)
    }

    /// Edges that were taken away and whose slot is not free yet.
    pub(crate) fn leaving(&self) -> impl Iterator<Item = &EdgeKey> {
        self.reclaimer.leaving_slots().map(|(key, _)| key)
    }

    /// What lives in this process only, to be kept by its owner across restarts.
    pub fn saved(&self) -> SavedEdges {
        SavedEdges {
            edges: self
                .reclaimer
                .all_saved()
                .map(|(key, cell)| (*key, *cell))
                .collect(),
            together: self.reclaimer.saved_together(),
        }
    }

    /// Forgets whose the saved totals were that name one of these rules or identities, whose numbers may now be given again.
    pub fn forget_numbers(&mut self, rules: &[u32], identities: &[u32]) {
        self.reclaimer.forget(|key| {
            rules.contains(&key.rule)
                || identities.contains(&key.source_identity)
                || identities.contains(&key.destination_identity)
        });
    }

    /// Adds what an earlier process had saved; once, after loading.
    pub fn restore(&mut self, saved: &SavedEdges) {
        for (key, cell) in &saved.edges {
            self.reclaimer.save(*key, *cell);
        }
        self.reclaimer.save_together(&saved.together);
    }
}

/// Small tables (tests) keep a sixteenth for the "other" slots.
fn other_slots(slots: u32) -> u32 {
    if slots >= EDGE_SLOTS {
        OTHER_SLOTS
    } else {
        (slots / 16).max(2)
    }
}
