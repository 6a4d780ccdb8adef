//! Read-modify-write on shared memory: the few atomics that BPF has.

use core::intrinsics::{AtomicOrdering, atomic_xadd, atomic_xchg};

/// Adds to a counter that other CPUs may change (`lock add`).
#[inline(always)]
pub fn add(counter: *mut u64, value: u64) {
    // SAFETY: every caller passes a pointer into a live, aligned map value.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(counter, value) };
}

/// Adds and returns the value before.
#[inline(always)]
pub fn fetch_add(counter: *mut u64, value: u64) -> u64 {
    // SAFETY: as above.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(counter, value) }
}

/// Replaces the value and returns the one before (needs kernel 5.12).
#[inline(always)]
pub fn swap(counter: *mut u64, value: u64) -> u64 {
    // SAFETY: as above.
    unsafe { atomic_xchg::<u64, { AtomicOrdering::SeqCst }>(counter, value) }
}
