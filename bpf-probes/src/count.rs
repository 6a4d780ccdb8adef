//! Exact counting, and the clocks and CPU that go with it.

use aya_ebpf::helpers::{bpf_get_smp_processor_id, generated::bpf_jiffies64};
use bpf_events::counters::{COUNTERS as COUNTERS_PER_CPU, Counter, TOTAL_CODES, TOTAL_EGRESS};

use crate::{
    atomic,
    maps::{COUNTERS, TOTALS},
    packet::Packet,
};

/// The CPU that runs the program.
#[inline(always)]
pub fn cpu() -> u32 {
    // SAFETY: the helper has no arguments and cannot fail.
    unsafe { bpf_get_smp_processor_id() as u32 }
}

/// The kernel's coarse clock: free to read.
#[inline(always)]
pub fn jiffies() -> u64 {
    // SAFETY: the helper has no arguments and cannot fail.
    unsafe { bpf_jiffies64() }
}

/// Adds to one of this CPU's counters. Atomic, since the sweeper may be interrupted by a packet on its CPU.
#[inline(always)]
pub fn count(counter: Counter, value: u64) {
    if let Some(cell) = COUNTERS.get_ptr_mut(cpu() * COUNTERS_PER_CPU + counter as u32) {
        atomic::add(cell, value);
    }
}

/// Counts a packet under one outcome of a hook.
#[inline(always)]
pub fn total(cpu: u32, code: u32, egress: bool, packet: &Packet) {
    let hook = if egress { TOTAL_EGRESS } else { 0 };
    if let Some(cell) = TOTALS.get_ptr_mut(cpu * TOTAL_CODES + (code + hook) % TOTAL_CODES) {
        // SAFETY: the cell is this CPU's own, and tc programs do not interrupt each other on a CPU.
        unsafe {
            (*cell).packets += packet.packets;
            (*cell).bytes += packet.bytes;
        }
    }
}
