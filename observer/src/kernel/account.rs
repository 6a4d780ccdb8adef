//! The kernel's side of the ledger: shared memory is read when somebody asks, sweeps report what they did.

use std::sync::{Mutex, PoisonError};

use bpf_events::counters::Counter;
use bpf_loader::counters::Counters;
use bpf_loader::sweeper::Sweep;

use super::base::Base;
use crate::ledger::{ConnectionReading, KernelReading, KernelSource, Outcome};

/// Counters with a row of their own, and what they mean.
pub(super) const COUNTERS: [(Counter, &str, &str); 15] = [
    (
        Counter::EmittedVerdicts,
        "events: policy verdicts",
        "written to the ring",
    ),
    (
        Counter::EmittedTraces,
        "events: traces",
        "written to the ring",
    ),
    (
        Counter::EmittedDrops,
        "events: drops",
        "written to the ring, summaries included",
    ),
    (
        Counter::RateLimited,
        "drops without event of their own",
        "dropped packets whose events were put into a summary",
    ),
    (
        Counter::Swept,
        "traces by the sweeper",
        "last events of idle connections",
    ),
    (
        Counter::Rejudged,
        "connections judged again",
        "because a policy, an identity or an address changed",
    ),
    (
        Counter::Revoked,
        "connections revoked",
        "open connections that a later judgement forbade",
    ),
    (
        Counter::ConnectionInsertFailed,
        "connections not tracked",
        "connections that could not be inserted",
    ),
    (
        Counter::EdgeSlotsExhausted,
        "edge slots exhausted",
        "judgements counted in the endpoint's `other` slot because none was free",
    ),
    (
        Counter::DeniedPortsFolded,
        "denied ports folded",
        "drops counted without an edge of their own port",
    ),
    (
        Counter::Pulled,
        "headers pulled",
        "packets whose headers had to be made linear",
    ),
    (
        Counter::FragmentsUnknown,
        "fragments unknown",
        "fragments that came without their first",
    ),
    (
        Counter::Impossible,
        "impossible",
        "inconsistencies inside the programs: always 0",
    ),
    (
        Counter::ConnectionsCreated,
        "",
        "part of the account of connections",
    ),
    (
        Counter::ConnectionsRemoved,
        "",
        "part of the account of connections",
    ),
];

/// The kernel's counters since the start.
#[derive(Debug)]
pub(crate) struct Account {
    counters: Counters,
    base: Base,
    connections: Mutex<Connections>,
}

/// What the sweeps found and did.
#[derive(Debug, Default)]
struct Connections {
    /// The account at the last sweep; none before the first.
    reading: Option<ConnectionReading>,
}

impl Account {
    pub(super) fn new(counters: Counters, base: &Base) -> Self {
        Self {
            counters,
            base: base.clone(),
            connections: Mutex::default(),
        }
    }

    /// Takes the result of a sweep.
    pub(super) fn swept(&self, sweep: &Sweep) {
        let created = self.since_start(Counter::ConnectionsCreated);
        let removed = self.since_start(Counter::ConnectionsRemoved);
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let present = sweep.connections.saturating_sub(sweep.expired);
        let first = connections.reading.is_none();
        let mut reading = connections.reading.unwrap_or_default();
        reading.expired += sweep.expired;
        if first {
            // What was made and removed before the first sweep is in what it found.
            reading.at_start = (present + removed + reading.expired).saturating_sub(created);
        }
        reading.created = created;
        reading.removed = removed;
        reading.present = present;
        let gone = removed + reading.expired + present;
        reading.evicted = (reading.at_start + created).saturating_sub(gone);
        reading.untold_packets += sweep.untold_packets;
        reading.untold_bytes += sweep.untold_bytes;
        connections.reading = Some(reading);
    }

    fn since_start(&self, counter: Counter) -> u64 {
        let base = self.base.counters.get(&(counter as u32));
        let base = base.copied().unwrap_or(0);
        self.counters.sum(counter).saturating_sub(base)
    }
}

impl KernelSource for Account {
    fn reading(&self) -> KernelReading {
        let mut reading = KernelReading::default();
        for (cpu, base) in self.base.cpus.iter().enumerate() {
            // What comes of an attempt is read before the attempts, so that it is never ahead.
            let emitted = self.counters.on_cpu(Counter::Emitted, cpu);
            let failed = self.counters.on_cpu(Counter::ReserveFailed, cpu);
            let attempted = self.counters.on_cpu(Counter::Attempted, cpu);
            reading.emitted += emitted.saturating_sub(base.emitted);
            reading.reserve_failed += failed.saturating_sub(base.reserve_failed);
            reading.attempted += attempted.saturating_sub(base.attempted);
        }
        let outcomes = self.counters.totals().into_iter().map(|(code, total)| {
            let base = self.base.totals.get(&code).copied().unwrap_or_default();
            Outcome {
                code,
                packets: total.packets.saturating_sub(base.packets),
                bytes: total.bytes.saturating_sub(base.bytes),
            }
        });
        reading.outcomes = outcomes.filter(|outcome| outcome.packets != 0).collect();
        reading.counters = COUNTERS
            .iter()
            .filter(|(_, name, _)| !name.is_empty())
            .map(|(counter, name, meaning)| (*name, self.since_start(*counter), *meaning))
            .collect();
        let connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        reading.connections = connections.reading.unwrap_or_default();
        reading
    }
}
