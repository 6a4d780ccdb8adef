//! Exact counters, read from shared memory: totals by outcome, and what became of events.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aya::Ebpf;
use bpf_events::counters::{COUNTERS, Counter, TOTAL_CODES, Total};

use crate::error::LoaderError;
use crate::hash;
use crate::mapped::Mapped;

/// Reader of `TOTALS` and `COUNTERS`; clones share the mapping.
#[derive(Clone, Debug)]
pub struct Counters {
    totals: Arc<Mapped>,
    counters: Arc<Mapped>,
}

impl Counters {
    pub(crate) fn take(ebpf: &mut Ebpf) -> Result<Self, LoaderError> {
        let map = hash::take(ebpf, "TOTALS")?;
        let totals = Mapped::new("TOTALS", &hash::data(&map, "TOTALS")?, size_of::<Total>())?;
        let map = hash::take(ebpf, "COUNTERS")?;
        let counters = Mapped::new("COUNTERS", &hash::data(&map, "COUNTERS")?, 8)?;
        Ok(Self {
            totals: Arc::new(totals),
            counters: Arc::new(counters),
        })
    }

    /// CPUs that the arrays have room for.
    pub fn cpus(&self) -> usize {
        self.counters.len() / COUNTERS as usize
    }

    /// One counter, summed over all CPUs.
    pub fn sum(&self, counter: Counter) -> u64 {
        (0..self.cpus()).map(|cpu| self.on_cpu(counter, cpu)).sum()
    }

    /// One counter of one CPU.
    pub fn on_cpu(&self, counter: Counter, cpu: usize) -> u64 {
        self.counters
            .word(cpu * COUNTERS as usize + counter as usize, 0)
            .load(Ordering::Relaxed)
    }

    /// Packets and bytes of one outcome (`TOTAL_*`, a drop reason, plus `TOTAL_EGRESS`), summed over all CPUs.
    pub fn total(&self, code: u32) -> Total {
        let mut sum = Total::default();
        for cpu in 0..self.cpus() {
            let [packets, bytes] = self.totals.read((cpu as u32 * TOTAL_CODES + code) as usize);
            sum.packets += packets;
            sum.bytes += bytes;
        }
        sum
    }

    /// Every outcome that occurred.
    pub fn totals(&self) -> Vec<(u32, Total)> {
        (0..TOTAL_CODES)
            .map(|code| (code, self.total(code)))
            .filter(|(_, total)| total.packets != 0)
            .collect()
    }
}
