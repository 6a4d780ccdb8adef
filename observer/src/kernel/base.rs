//! What the pinned counters were when this observer started: the ledger tells differences.

use std::collections::BTreeMap;

use bpf_events::counters::{Counter, Total};
use bpf_loader::counters::Counters;

/// Tries to read the counters of a CPU between two of its events.
const TRIES: u32 = 10_000;

/// The event counters of one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuBase {
    pub(crate) attempted: u64,
    pub(crate) emitted: u64,
    pub(crate) reserve_failed: u64,
}

/// All counters at the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Base {
    pub(crate) cpus: Vec<CpuBase>,
    pub(crate) totals: BTreeMap<u32, Total>,
    pub(crate) counters: BTreeMap<u32, u64>,
}

impl Base {
    pub(crate) fn read(counters: &Counters) -> Self {
        let sums = super::account::COUNTERS
            .iter()
            .map(|(counter, _, _)| (*counter as u32, counters.sum(*counter)));
        Self {
            cpus: (0..counters.cpus())
                .map(|cpu| CpuBase::read(counters, cpu))
                .collect(),
            totals: counters.totals().into_iter().collect(),
            counters: sums.collect(),
        }
    }

    /// Whether a record was written before this start: its number is below what its CPU had attempted by then.
    pub(crate) fn is_before(&self, cpu: u16, sequence: u32) -> bool {
        let base = self.cpus.get(usize::from(cpu));
        // The low 32 bits wrap around; the nearer side counts.
        base.is_some_and(|base| (sequence.wrapping_sub(base.attempted as u32)).cast_signed() < 0)
    }
}

impl CpuBase {
    /// Reads the three counters at a moment when no event is half-way through, so that they add up.
    fn read(counters: &Counters, cpu: usize) -> Self {
        let read = || Self {
            attempted: counters.on_cpu(Counter::Attempted, cpu),
            emitted: counters.on_cpu(Counter::Emitted, cpu),
            reserve_failed: counters.on_cpu(Counter::ReserveFailed, cpu),
        };
        let mut base = read();
        for _ in 0..TRIES {
            if base.attempted == base.emitted + base.reserve_failed && base == read() {
                return base;
            }
            std::hint::spin_loop();
            base = read();
        }
        tracing::warn!(cpu, ?base, "the event counters of a CPU do not add up");
        base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_from_before_the_start_are_told_by_their_number() {
        let base = Base {
            cpus: vec![CpuBase {
                attempted: (1 << 32) + 3,
                ..CpuBase::default()
            }],
            ..Base::default()
        };
        for (cpu, sequence, expect) in [
            (0, 2, true),
            (0, u32::MAX, true),
            (0, 3, false),
            (0, 1_000_000, false),
            (7, 0, false),
        ] {
            assert_eq!(base.is_before(cpu, sequence), expect, "{cpu} {sequence}");
        }
    }
}
