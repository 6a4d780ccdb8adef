//! The eBPF programs: who is it, may it, count it, tell it.
//!
//! `from_endpoint` and `to_endpoint` run on the host end of each endpoint's veth (tcx, clsact below kernel 6.6): what the
//! host end receives is what the endpoint sends. Reading order: `hook` (one packet), `parse`, `connection`
//! (conntrack), `judge` (policy), `drops`, `edge` (counters), `event` (the only record writer), `sweep` (idle ends).
#![no_std]
#![no_main]
#![feature(core_intrinsics)]
#![expect(
    internal_features,
    reason = "the BPF target has no stable read-modify-write atomics"
)]

mod action;
mod atomic;
mod bench;
mod bench_policy;
mod connection;
mod count;
mod drops;
mod edge;
mod entry;
mod event;
mod hook;
mod judge;
mod judgement;
mod key;
mod maps;
mod open;
mod packet;
mod parse;
mod policy;
mod quote;
mod record;
mod related;
mod remote;
mod scene;
mod slow;
mod sweep;
mod transport;
mod visit;
mod window;
mod words;

use aya_ebpf::{macros::classifier, programs::TcContext};

/// What the endpoint sends: its egress.
///
/// Hook prototype: `int tcx_program(struct __sk_buff *skb)`, `TCX_NEXT` lets the next program of the chain decide.
#[classifier]
pub fn from_endpoint(context: TcContext) -> i32 {
    hook::run::<true>(&context)
}

/// What is sent to the endpoint: its ingress.
#[classifier]
pub fn to_endpoint(context: TcContext) -> i32 {
    hook::run::<false>(&context)
}

/// Writes the events that idle connections and rate-limited drops still owe; run by user space on one key at a time.
#[classifier]
pub fn sweep(context: TcContext) -> i32 {
    sweep::run(&context)
}

/// Reads both kernel clocks, so that user space learns how long a jiffy is.
#[classifier]
pub fn clock(_context: TcContext) -> i32 {
    sweep::clock()
}

#[panic_handler]
fn panic(_information: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

// The source is Apache-2.0 or GPL-2.0; the kernel wants to hear the GPL for its GPL-only helpers.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";
