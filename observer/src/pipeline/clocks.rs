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
    // Wall time is read between two readings of the other, whose middle is at most half their distance away from it.
    let before_ns = monotonic_ns();
    let wall_ns = wall_ns();
    let after_ns = monotonic_ns();
    Clock::from_pair(before_ns.midpoint(after_ns), wall_ns)
}

fn read_ns(clock: ClockId) -> u64 {
    let time = clock_gettime(clock).expect("Linux has both clocks, and the result has a place");
    let nanoseconds = time.tv_sec() * 1_000_000_000 + time.tv_nsec();
    u64::try_from(nanoseconds).unwrap_or(0)
}
