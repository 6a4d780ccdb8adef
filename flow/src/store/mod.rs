//! The flow store: the last flows of this node, in segments that readers follow without a lock.

mod cursor;
mod numbers;
mod segment;
mod writer;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use event_listener::{Event, EventListener};

pub use cursor::{Cursor, Loss, Read};
pub use numbers::StoredNumbers;
pub(crate) use segment::Column;
pub use segment::{SEGMENT_FLOWS, Segment};
pub use writer::Writer;

use crate::row::FlowRow;

/// Flows held by default.
pub const DEFAULT_CAPACITY: u64 = 1_048_576;

/// Spans of dropped segments that are remembered, to tell an overrun reader when its flows were lost.
const DROPPED_SPANS: usize = 1_024;

/// A bounded, append-only sequence of rows; the oldest segment is dropped when it is full.
#[derive(Debug)]
pub struct Store {
    capacity: u64,
    segments: RwLock<Segments>,
    next: AtomicU64,
    promised_ns: AtomicU64,
    published: Event,
}

/// What is held: the lock is touched once per segment, by the writer and by each reader.
#[derive(Debug)]
struct Segments {
    live: VecDeque<Arc<Segment>>,
    dropped: VecDeque<DroppedSpan>,
    /// Dropped segments in which some reader may read on.
    held_by_readers: Vec<Weak<Segment>>,
}

/// When the rows of a dropped segment happened.
#[derive(Debug, Clone, Copy)]
struct DroppedSpan {
    base: u64,
    oldest_ns: u64,
    youngest_ns: u64,
}

impl Store {
    /// An empty store for at least `capacity` flows, rounded up to whole segments, and its only writer.
    ///
    /// Memory is taken segment by segment (512 KiB each) as flows come.
    #[must_use]
    pub fn new(capacity: u64) -> (Arc<Self>, Writer) {
        let full_segments = capacity.max(1).div_ceil(SEGMENT_FLOWS as u64);
        let first = Arc::new(Segment::new(0));
        let store = Arc::new(Self {
            capacity: full_segments * SEGMENT_FLOWS as u64,
            segments: RwLock::new(Segments {
                live: VecDeque::from([Arc::clone(&first)]),
                dropped: VecDeque::new(),
                held_by_readers: Vec::new(),
            }),
            next: AtomicU64::new(0),
            promised_ns: AtomicU64::new(0),
            published: Event::new(),
        });
        (Arc::clone(&store), Writer::new(store, first))
    }

    /// Flows that are held at least, once so many have come; up to one segment more may be held.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The oldest sequence number held, and the one that the next row will get.
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        // Next first: the oldest may move on meanwhile, never beyond a later `next`, so the range stays in order.
        let next = self.next.load(Ordering::Acquire);
        let oldest = self
            .read_segments(|segments| segments.live.front().map_or(next, |segment| segment.base()));
        (oldest.min(next), next)
    }

    /// A wall time before which no flow will be appended any more; 0 if nothing was promised. Read it before the rows.
    #[must_use]
    pub fn promised_ns(&self) -> u64 {
        self.promised_ns.load(Ordering::Acquire)
    }

    /// Flows held now, at most the capacity.
    #[must_use]
    pub fn held(&self) -> u64 {
        let (oldest, next) = self.range();
        (next - oldest).min(self.capacity)
    }

    /// The row of a sequence number, while it is held.
    #[must_use]
    pub fn row(&self, sequence: u64) -> Option<FlowRow> {
        let segment = self.read_segments(|segments| segments.holding(sequence))?;
        segment.row(usize::try_from(sequence - segment.base()).ok()?)
    }

    /// All segments held, oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<Arc<Segment>> {
        self.read_segments(|segments| segments.live.iter().cloned().collect())
    }

    /// Where to begin so as to miss no row of `since_ns` or later: the first sequence number of the first segment that
    /// has such a row, or the next sequence number.
    #[must_use]
    pub fn first_at(&self, since_ns: u64) -> u64 {
        let next = self.next.load(Ordering::Acquire);
        self.read_segments(|segments| {
            let recent =
                |segment: &&Arc<Segment>| !segment.is_empty() && segment.youngest_ns() >= since_ns;
            segments
                .live
                .iter()
                .find(recent)
                .map_or(next, |segment| segment.base())
        })
    }

    /// Notified after rows were published. Subscribe first, then read, then wait: no row is missed.
    #[must_use]
    pub fn subscribe(&self) -> EventListener {
        self.published.listen()
    }

    fn read_segments<T>(&self, read: impl FnOnce(&Segments) -> T) -> T {
        // A poisoned lock still guards a consistent list: each change of it is one push or one pop.
        read(&self.segments.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_segments<T>(&self, change: impl FnOnce(&mut Segments) -> T) -> T {
        change(
            &mut self
                .segments
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// The most segments held: enough that a fresh open segment does not push the rest below the capacity.
    fn segment_limit(&self) -> u64 {
        self.capacity / SEGMENT_FLOWS as u64 + 1
    }
}

impl Segments {
    fn holding(&self, sequence: u64) -> Option<Arc<Segment>> {
        let oldest = self.live.front()?.base();
        let index = sequence.checked_sub(oldest)? / SEGMENT_FLOWS as u64;
        self.live.get(usize::try_from(index).ok()?).cloned()
    }

    /// Drops the oldest segment and remembers when its rows happened.
    fn drop_oldest(&mut self) -> Option<Arc<Segment>> {
        let segment = self.live.pop_front()?;
        self.held_by_readers.retain(|held| held.strong_count() > 0);
        self.held_by_readers.push(Arc::downgrade(&segment));
        if self.dropped.len() == DROPPED_SPANS {
            self.dropped.pop_front();
        }
        self.dropped.push_back(DroppedSpan {
            base: segment.base(),
            oldest_ns: segment.oldest_ns(),
            youngest_ns: segment.youngest_ns(),
        });
        Some(segment)
    }
}

#[cfg(test)]
mod tests;
