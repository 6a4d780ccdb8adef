//! The eBPF programs of Tycho.
#![no_std]
#![no_main]

use aya_ebpf::{bindings::TC_ACT_UNSPEC, macros::classifier, programs::TcContext};

/// Passes every packet on.
#[classifier]
pub fn pass(_context: TcContext) -> i32 {
    TC_ACT_UNSPEC
}

#[panic_handler]
fn panic(_information: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
