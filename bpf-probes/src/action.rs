//! What a program says to the kernel.

use aya_ebpf::bindings::{TC_ACT_SHOT, TC_ACT_UNSPEC};

/// Lets the next program of the chain decide (`TCX_NEXT`).
pub const NEXT: i32 = TC_ACT_UNSPEC;
/// Drops the packet (`TCX_DROP`).
pub const DROP: i32 = TC_ACT_SHOT;

/// The packet passed judgement and its connection exists: account for it.
pub const ACCOUNT: i32 = 100;

/// The error is no part of a connection: it is judged as a packet of its own.
pub const OF_ITS_OWN: i32 = 101;
