//! `since` and `until` of a request: both ends are inside.

use std::sync::atomic::Ordering;

use super::predicate::keep_bits;
use crate::row::WORD_TIME;
use crate::store::Segment;

/// Wall times in nanoseconds since 1970, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeWindow {
    /// The oldest time inside.
    pub since_ns: u64,
    /// The youngest time inside.
    pub until_ns: u64,
}

impl Default for TimeWindow {
    /// All times.
    fn default() -> Self {
        Self {
            since_ns: 0,
            until_ns: u64::MAX,
        }
    }
}

impl TimeWindow {
    /// Whether a time is inside.
    #[must_use]
    pub fn holds(&self, time_ns: u64) -> bool {
        (self.since_ns..=self.until_ns).contains(&time_ns)
    }

    /// Whether every published row is inside, so that none needs a look.
    pub(super) fn holds_segment(&self, segment: &Segment) -> bool {
        self.since_ns <= segment.oldest_ns() && segment.youngest_ns() <= self.until_ns
    }

    pub(super) fn refine(&self, segment: &Segment, start: usize, mask: u64) -> u64 {
        let times = segment.column(WORD_TIME);
        keep_bits(mask, |bit| {
            self.holds(times[start + bit].load(Ordering::Relaxed))
        })
    }
}
