//! The one writer of a store: appends rows, publishes them in batches, and recycles the oldest segment.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{SEGMENT_FLOWS, Segment, Store};
use crate::row::FlowRow;

/// Appends to a store; there is one per store, and it is not `Clone`.
#[derive(Debug)]
pub struct Writer {
    store: Arc<Store>,
    open: Arc<Segment>,
    written: usize,
    published: usize,
    oldest_ns: u64,
    youngest_ns: u64,
}

impl Writer {
    pub(super) fn new(store: Arc<Store>, open: Arc<Segment>) -> Self {
        Self {
            store,
            open,
            written: 0,
            published: 0,
            oldest_ns: u64::MAX,
            youngest_ns: 0,
        }
    }

    /// Appends a row and returns its sequence number. Readers see it after [`Writer::publish`], or when its segment is
    /// full.
    pub fn append(&mut self, row: &FlowRow) -> u64 {
        if self.written == SEGMENT_FLOWS {
            self.publish_rows();
            self.open_next();
        }
        self.open.write(self.written, row);
        self.oldest_ns = self.oldest_ns.min(row.time_ns);
        self.youngest_ns = self.youngest_ns.max(row.time_ns);
        self.written += 1;
        self.open.base() + self.written as u64 - 1
    }

    /// Makes all appended rows readable and wakes the followers: once per batch, not per row.
    pub fn publish(&mut self) {
        if self.publish_rows() {
            self.store.published.notify(usize::MAX);
        }
    }

    /// Says that no row older than `time_ns` (wall time) will be appended any more. What was appended is published.
    pub fn promise(&mut self, time_ns: u64) {
        self.publish();
        self.store.promised_ns.store(time_ns, Ordering::Release);
    }

    /// Whether there was anything to publish.
    fn publish_rows(&mut self) -> bool {
        if self.written == self.published {
            return false;
        }
        self.open
            .publish(self.written, self.oldest_ns, self.youngest_ns);
        self.store
            .next
            .store(self.open.base() + self.written as u64, Ordering::Release);
        self.published = self.written;
        (self.oldest_ns, self.youngest_ns) = (u64::MAX, 0);
        true
    }

    fn open_next(&mut self) {
        let base = self.open.base() + SEGMENT_FLOWS as u64;
        let dropped = self.store.change_segments(|segments| {
            let full = segments.live.len() as u64 >= self.store.segment_limit();
            full.then(|| segments.drop_oldest()).flatten()
        });
        // Outside the lock, so that no reader waits for an allocation. If a reader still holds the dropped segment, it
        // reads on in it, and a new one takes its place.
        self.open = match dropped.and_then(|segment| Arc::try_unwrap(segment).ok()) {
            Some(mut segment) => {
                segment.reset(base);
                Arc::new(segment)
            }
            None => Arc::new(Segment::new(base)),
        };
        (self.written, self.published) = (0, 0);
        self.store
            .change_segments(|segments| segments.live.push_back(Arc::clone(&self.open)));
        // A full segment is published without `publish`: its followers need not wait for the batch to end.
        self.store.published.notify(usize::MAX);
    }
}

impl Drop for Writer {
    /// Rows that were appended are not lost with their writer.
    fn drop(&mut self) {
        self.publish();
    }
}
