//! What went through the relay since it started, so that a loss can be seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of all streams.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Flows that came from peers.
    pub(crate) received: AtomicU64,
    /// Flows that were written into responses.
    pub(crate) delivered: AtomicU64,
    /// Flows beyond the number that was asked for.
    pub(crate) left_out: AtomicU64,
    /// Flows that were ready when their client hung up.
    pub(crate) abandoned: AtomicU64,
    /// Flows that came after younger ones had been sent.
    pub(crate) late: AtomicU64,
    /// Streams that are open.
    pub(crate) streams: AtomicU64,
}

impl Counts {
    pub(crate) fn add(count: &AtomicU64, by: u64) {
        if by > 0 {
            count.fetch_add(by, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(count: &AtomicU64) -> u64 {
        count.load(Ordering::Relaxed)
    }
}

/// A stream counts as open until this is dropped.
#[derive(Debug)]
pub(crate) struct StreamSlot(Arc<Counts>);

impl StreamSlot {
    pub(crate) fn take(counts: &Arc<Counts>) -> Self {
        Counts::add(&counts.streams, 1);
        Self(Arc::clone(counts))
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
