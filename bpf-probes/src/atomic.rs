//! Read-modify-write on shared memory: the few atomics that BPF has.

use core::intrinsics::{AtomicOrdering, atomic_and, atomic_or, atomic_xadd, atomic_xchg};

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

/// Sets bits of a byte that other CPUs may change. BPF has atomics for words only, so it takes the word around the byte.
#[inline(always)]
pub fn set_bits(word: *mut u32, byte: usize, bits: u8) {
    // SAFETY: as above.
    unsafe { atomic_or::<u32, u32, { AtomicOrdering::Relaxed }>(word, in_word(byte, bits)) };
}

/// Clears a byte and returns what it was.
#[inline(always)]
pub fn take_bits(word: *mut u32, byte: usize) -> u8 {
    let others = !in_word(byte, 0xff);
    // SAFETY: as above.
    let before = unsafe { atomic_and::<u32, u32, { AtomicOrdering::SeqCst }>(word, others) };
    before.to_ne_bytes()[byte & 3]
}

/// A word with one byte set.
#[inline(always)]
fn in_word(byte: usize, bits: u8) -> u32 {
    let shift = if cfg!(target_endian = "little") {
        byte * 8
    } else {
        24 - byte * 8
    };
    (bits as u32) << shift
}
