//! The clocks: this machine's, and how far a peer's is from it.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Heartbeats that an estimate is made of: the one that was on its way for the shortest time is the best.
const SAMPLES: usize = 16;

/// Wall time, nanoseconds since 1970.
pub(crate) fn wall_ns() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A duration in nanoseconds.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How far a peer's clock is ahead of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// Its time minus ours; negative if it is behind.
    pub offset_ns: i64,
    /// The offset may be wrong by so much: half the time that the answer took.
    pub error_ns: u64,
}

impl ClockOffset {
    /// From the peer's clock, read between two readings of ours.
    fn between(sent_ns: u64, peer_ns: u64, received_ns: u64) -> Self {
        let way_ns = received_ns.saturating_sub(sent_ns) / 2;
        Self {
            offset_ns: peer_ns.wrapping_sub(sent_ns + way_ns).cast_signed(),
            error_ns: way_ns,
        }
    }

    /// The same against a clock that is ahead of ours by so much.
    pub(crate) fn beside(self, other_ns: i64) -> Self {
        Self {
            offset_ns: self.offset_ns.saturating_sub(other_ns),
            ..self
        }
    }

    /// Whether the clocks are apart by more than `bound`, whatever the error.
    #[must_use]
    pub fn is_beyond(&self, bound: Duration) -> bool {
        self.offset_ns.unsigned_abs().saturating_sub(self.error_ns) > nanos(bound)
    }
}

/// The last estimates of one peer's clock.
#[derive(Debug, Default)]
pub(crate) struct ClockEstimate {
    samples: VecDeque<ClockOffset>,
}

impl ClockEstimate {
    /// Adds a heartbeat. An estimate that the new one contradicts is of before the clock was set.
    pub(crate) fn add(&mut self, sent_ns: u64, peer_ns: u64, received_ns: u64) {
        let sample = ClockOffset::between(sent_ns, peer_ns, received_ns);
        let agrees = |before: &ClockOffset| {
            before.offset_ns.abs_diff(sample.offset_ns) <= before.error_ns + sample.error_ns
        };
        self.samples.retain(agrees);
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// The best estimate.
    pub(crate) fn best(&self) -> Option<ClockOffset> {
        self.samples
            .iter()
            .min_by_key(|sample| sample.error_ns)
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_way_gives_the_best_estimate() {
        let mut estimate = ClockEstimate::default();
        assert_eq!(estimate.best(), None);
        let best = |estimate: &ClockEstimate| {
            let best = estimate.best().unwrap();
            (best.offset_ns, best.error_ns)
        };
        estimate.add(1_000, 1_500, 2_000);
        assert_eq!(best(&estimate), (0, 500));
        estimate.add(3_000, 3_110, 3_200);
        assert_eq!(best(&estimate), (10, 100));
        estimate.add(4_000, 4_900, 6_000);
        assert_eq!(best(&estimate), (10, 100));
        // The clock was set back.
        estimate.add(10_000, 5_000, 10_400);
        assert_eq!(best(&estimate), (-5_200, 200));
    }

    #[test]
    fn the_bound_is_passed_only_beyond_the_error() {
        let check = |offset_ns, error_ns, expect| {
            let offset = ClockOffset {
                offset_ns,
                error_ns,
            };
            assert_eq!(offset.is_beyond(Duration::from_nanos(500)), expect);
        };
        check(500, 0, false);
        check(501, 0, true);
        check(-501, 0, true);
        check(-900, 400, false);
        check(i64::MIN, 0, true);
    }
}
