//! What passed each stage of the pipeline. Every counter has one writer; asking changes none.

use std::sync::atomic::{AtomicU64, Ordering};

/// The live counters.
#[derive(Debug, Default)]
pub struct Counts {
    pub(super) read: AtomicU64,
    pub(super) before_start: AtomicU64,
    pub(super) malformed: AtomicU64,
    pub(super) queued: AtomicU64,
    pub(super) queue_lost: AtomicU64,
    pub(super) ring_losses_told: AtomicU64,
    pub(super) annotated: AtomicU64,
    pub(super) stored: AtomicU64,
    pub(super) loss_rows: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) forced: AtomicU64,
    delivered: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PipelineReading {
    /// Records taken from the source, whatever they are.
    pub read: u64,
    /// Of those, records that were in the ring when this observer started.
    pub before_start: u64,
    /// Records that are not of this version's format.
    pub malformed: u64,
    /// Records that entered the queue.
    pub queued: u64,
    /// Records that did not, because it was full.
    pub queue_lost: u64,
    /// Records lost in the kernel's ring for which the store has a row, or will have.
    pub ring_losses_told: u64,
    /// Records that left the queue.
    pub annotated: u64,
    /// Records that are flows in the store, or were.
    pub stored: u64,
    /// Rows of the store that tell of losses.
    pub loss_rows: u64,
    /// Flows stored after a younger one.
    pub late: u64,
    /// Flows stored before it was sure that nothing older would come.
    pub forced: u64,
    /// Flows sent to clients; each client counts.
    pub delivered: u64,
}

impl Counts {
    /// The counters now. Later stages are read first, so that none is ever ahead of an earlier one.
    #[must_use]
    pub fn reading(&self) -> PipelineReading {
        let load = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let delivered = load(&self.delivered);
        let forced = load(&self.forced);
        let late = load(&self.late);
        let loss_rows = load(&self.loss_rows);
        let stored = load(&self.stored);
        let annotated = load(&self.annotated);
        let ring_losses_told = load(&self.ring_losses_told);
        let queue_lost = load(&self.queue_lost);
        let queued = load(&self.queued);
        let malformed = load(&self.malformed);
        let before_start = load(&self.before_start);
        let read = load(&self.read);
        PipelineReading {
            read,
            before_start,
            malformed,
            queued,
            queue_lost,
            ring_losses_told,
            annotated,
            stored,
            loss_rows,
            late,
            forced,
            delivered,
        }
    }

    /// Counts flows that were handed to a client's connection.
    pub fn add_delivered(&self, flows: u64) {
        self.delivered.fetch_add(flows, Ordering::Relaxed);
    }
}

/// Adds to a counter that only this thread writes.
pub(super) fn add(counter: &AtomicU64, count: u64) {
    let sum = counter.load(Ordering::Relaxed).wrapping_add(count);
    counter.store(sum, Ordering::Release);
}
