//! The clocks of the machine: the kernel's records carry monotonic time, flows carry wall time.

use flow::clock::Clock;
use nix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC`, as `bpf_ktime_get_ns` reads it.
#[must_use]
pub fn monotonic_ns() -> u64 {
    read_ns(ClockId::CLOCK_MONOTONIC)
}

/// Nanoseconds since 1970.
#[must_use]
pub fn wall_ns() -> u64 {
    read_ns(ClockId::CLOCK_REALTIME)
}

/// How monotonic time becomes wall time now.
#[must_use]
pub fn wall_clock() -> Clock {
    Reading::best(std::array::from_fn(|_| Reading::take())).clock()
}

/// Wall time is read so often; a thread is seldom interrupted in each of them.
const READINGS: usize = 5;

/// Wall time, read between two readings of the other, whose middle is at most half their distance away from it.
#[derive(Clone, Copy)]
struct Reading {
    before_ns: u64,
    wall_ns: u64,
    after_ns: u64,
}

impl Reading {
    fn take() -> Self {
        Self {
            before_ns: monotonic_ns(),
            wall_ns: wall_ns(),
            after_ns: monotonic_ns(),
        }
    }

    /// The one that took the shortest time.
    fn best(readings: [Self; READINGS]) -> Self {
        let took = |reading: &Self| reading.after_ns.saturating_sub(reading.before_ns);
        let best = readings.into_iter().min_by_key(took);
        best.expect("there are readings")
    }

    const fn clock(self) -> Clock {
        Clock::from_pair(self.before_ns.midpoint(self.after_ns), self.wall_ns)
    }
}

fn read_ns(clock: ClockId) -> u64 {
    let time = clock_gettime(clock).expect("Linux has both clocks, and the result has a place");
    let nanoseconds = time.tv_sec() * 1_000_000_000 + time.tv_nsec();
    u64::try_from(nanoseconds).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reading_that_was_not_interrupted_is_taken() {
        // What wall time is ahead by, and for how long the thread stood still before and after it was read.
        let check = |readings: [(u64, u64); READINGS], expect: i64| {
            let readings = readings.map(|(before, after)| Reading {
                before_ns: 1_000,
                wall_ns: 1_000 + before + 500,
                after_ns: 1_000 + before + after,
            });
            assert_eq!(Reading::best(readings).clock().offset_ns(), expect);
        };
        check([(10, 10), (0, 900), (900, 0), (30, 30), (40, 40)], 500);
        check([(0, 900), (900, 0), (30, 30), (40, 40), (5, 5)], 500);
        check([(0, 900), (0, 900), (0, 900), (0, 900), (0, 800)], 100);
    }
}
