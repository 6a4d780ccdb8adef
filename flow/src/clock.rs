//! Turns the kernel's monotonic time into wall time.

/// The distance between `CLOCK_MONOTONIC` and the wall clock, as read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    offset_ns: i64,
}

impl Clock {
    /// From the offset itself: wall time = monotonic time + `offset_ns`.
    #[must_use]
    pub const fn from_offset_ns(offset_ns: i64) -> Self {
        Self { offset_ns }
    }

    /// From both clocks read at the same moment.
    #[must_use]
    pub const fn from_pair(monotonic_ns: u64, wall_ns: u64) -> Self {
        Self {
            offset_ns: wall_ns.wrapping_sub(monotonic_ns).cast_signed(),
        }
    }

    /// Wall time minus monotonic time.
    #[must_use]
    pub const fn offset_ns(self) -> i64 {
        self.offset_ns
    }

    /// The wall time (nanoseconds since 1970) of a monotonic time; stops at the ends of the range.
    #[must_use]
    pub const fn wall_ns(self, monotonic_ns: u64) -> u64 {
        monotonic_ns.saturating_add_signed(self.offset_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_is_monotonic_time_plus_offset() {
        let check =
            |clock: Clock, monotonic_ns, expect| assert_eq!(clock.wall_ns(monotonic_ns), expect);
        check(Clock::from_pair(100, 1_000), 50, 950);
        check(Clock::from_pair(1_000, 100), 2_000, 1_100);
        check(Clock::from_pair(1_000, 100), 10, 0);
        check(Clock::from_offset_ns(5), u64::MAX, u64::MAX);
    }
}
