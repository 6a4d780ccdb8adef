//! Freeing edge slots: an edge that has not changed for long, and that no connection holds, gives its slot back.
//!
//! In two steps, so that no packet is counted in a slot that has changed hands: first the edge is removed from `EDGES`, so
//! that nobody finds the slot any more; at a later call, if still no connection holds it, its counts are saved, its cells
//! are cleared, and the slot goes to the free list.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use bpf_events::edge::{DeniedPair, EdgeCell, EdgeKey};
use bpf_events::record::VERDICT_FORWARDED;

use crate::datapath::Datapath;
use crate::error::LoaderError;

/// Counts of edges without slot are kept one by one for so many edges; those of further ones are added up.
const SAVED_EDGES: usize = 65_536;

/// What is remembered from call to call.
#[derive(Debug, Default)]
pub(crate) struct Reclaimer {
    seen: HashMap<EdgeKey, (EdgeCell, Instant)>,
    leaving: Vec<(EdgeKey, u32)>,
    saved: HashMap<EdgeKey, EdgeCell>,
    saved_together: EdgeCell,
}

impl Reclaimer {
    /// Notes the counts of an edge; how long they have been the same.
    fn unchanged_for(&mut self, key: EdgeKey, cell: EdgeCell, now: Instant) -> Duration {
        let entry = self.seen.entry(key).or_insert((cell, now));
        if entry.0 != cell {
            *entry = (cell, now);
        }
        now.duration_since(entry.1)
    }

    /// Edges between the two steps, with the slots that they lose.
    pub(crate) fn leaving_slots(&self) -> impl Iterator<Item = &(EdgeKey, u32)> {
        self.leaving.iter()
    }

    /// Keeps counts of an edge without slot.
    pub(crate) fn save(&mut self, key: EdgeKey, cell: EdgeCell) {
        if self.saved.len() < SAVED_EDGES || self.saved.contains_key(&key) {
            add(self.saved.entry(key).or_default(), &cell);
        } else {
            self.save_together(&cell);
        }
    }

    /// Keeps counts of which it is not known, or not to be kept, whose they are.
    pub(crate) fn save_together(&mut self, cell: &EdgeCell) {
        add(&mut self.saved_together, cell);
    }

    /// Adds up the counts of some edges, whose they were being of no use any more.
    pub(crate) fn forget(&mut self, is_stale: impl Fn(&EdgeKey) -> bool) {
        let stale: Vec<_> = self
            .saved
            .extract_if(|key, _| is_stale(key))
            .map(|(_, cell)| cell)
            .collect();
        stale.iter().for_each(|cell| self.save_together(cell));
    }

    /// Every edge that had a slot before, with the counts from then.
    pub(crate) fn all_saved(&self) -> impl Iterator<Item = (&EdgeKey, &EdgeCell)> {
        self.saved.iter()
    }

    /// Counts that are not kept edge by edge.
    pub(crate) fn saved_together(&self) -> EdgeCell {
        self.saved_together
    }
}

pub(crate) fn add(sum: &mut EdgeCell, cell: &EdgeCell) {
    sum.forward_packets += cell.forward_packets;
    sum.forward_bytes += cell.forward_bytes;
    sum.reply_packets += cell.reply_packets;
    sum.reply_bytes += cell.reply_bytes;
}

impl Datapath {
    /// Frees the slots of edges that have not changed for `idle`; returns how many slots went to the free list.
    pub fn reclaim_edges(&mut self, idle: Duration) -> Result<u64, LoaderError> {
        let held = self.connections.edge_slots()?;
        let freed = self.edges.release_leaving(&held)?;
        self.edges.remove_idle(&held, idle)?;
        self.small.forget_denied(&self.edges.denied_pairs()?)?;
        Ok(freed)
    }
}

impl crate::edges::Edges {
    /// Second step.
    fn release_leaving(&mut self, held: &HashSet<u32>) -> Result<u64, LoaderError> {
        let leaving = std::mem::take(&mut self.reclaimer.leaving);
        let mut freed = 0;
        for (key, slot) in leaving {
            if held.contains(&slot) {
                self.reclaimer.leaving.push((key, slot));
                continue;
            }
            let cell = self.take_cell(slot);
            self.reclaimer.save(key, cell);
            self.free_slot(slot)?;
            freed += 1;
        }
        Ok(freed)
    }

    /// Pairs with an edge of packets that were denied, or would have been.
    fn denied_pairs(&self) -> Result<HashSet<DeniedPair>, LoaderError> {
        let edges = self.with_slots()?.into_iter();
        Ok(edges
            .filter(|(key, ..)| key.verdict != VERDICT_FORWARDED)
            .map(|(key, ..)| DeniedPair {
                source_identity: key.source_identity,
                destination_identity: key.destination_identity,
                protocol: key.protocol.into(),
            })
            .collect())
    }

    /// First step.
    fn remove_idle(&mut self, held: &HashSet<u32>, idle: Duration) -> Result<(), LoaderError> {
        let now = Instant::now();
        let edges = self.with_slots()?;
        let present: HashSet<EdgeKey> = edges.iter().map(|(key, _, _)| *key).collect();
        self.reclaimer.seen.retain(|key, _| present.contains(key));
        for (key, state, cell) in edges {
            let unchanged = self.reclaimer.unchanged_for(key, cell, now);
            if unchanged >= idle && state.pending_packets == 0 && !held.contains(&state.slot) {
                self.forget(key)?;
                self.reclaimer.seen.remove(&key);
                self.reclaimer.leaving.push((key, state.slot));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_idle_from_its_last_change() {
        let mut reclaimer = Reclaimer::default();
        let (key, start) = (EdgeKey::default(), Instant::now());
        let cell = |forward_packets| EdgeCell {
            forward_packets,
            ..EdgeCell::default()
        };
        let seconds = Duration::from_secs;
        for (at, packets, expect) in [(0, 1, 0), (5, 1, 5), (9, 2, 0), (12, 2, 3)] {
            let unchanged = reclaimer.unchanged_for(key, cell(packets), start + seconds(at));
            assert_eq!(unchanged, seconds(expect), "at {at} s");
        }
    }

    #[test]
    fn counts_of_the_slots_an_edge_had_add_up() {
        let mut reclaimer = Reclaimer::default();
        let key = EdgeKey {
            port: 80,
            ..EdgeKey::default()
        };
        let cell = EdgeCell {
            forward_packets: 3,
            forward_bytes: 200,
            reply_packets: 1,
            reply_bytes: 60,
        };
        reclaimer.save(key, cell);
        reclaimer.save(key, cell);
        let saved = |reclaimer: &Reclaimer| {
            let saved = reclaimer.all_saved();
            let saved = saved.map(|(key, cell)| (key.port, cell.forward_bytes));
            saved.collect::<Vec<_>>()
        };
        assert_eq!(saved(&reclaimer), [(80, 400)]);
        reclaimer.forget(|other| other.port == 80);
        assert_eq!(saved(&reclaimer), []);
        assert_eq!(reclaimer.saved_together().forward_bytes, 400);
    }
}
