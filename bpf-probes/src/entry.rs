//! Questions about a conntrack entry.

use core::mem::offset_of;

use bpf_events::connection::{Connection, STATE_CLOSED, STATE_REMOTE_OPENED, lifetime_seconds};

use crate::{
    atomic,
    packet::{ACK, FIN, Packet, RST, SYN, TCP},
};

/// `flags_reported` and `flags_pending` are one word, `match_type` to `state` the next.
const FLAGS: usize = offset_of!(Connection, flags_reported);
const STATES: usize = offset_of!(Connection, match_type);
const _: () =
    assert!(FLAGS.is_multiple_of(4) && offset_of!(Connection, flags_pending) == FLAGS + 2);
const _: () = assert!(STATES.is_multiple_of(4) && offset_of!(Connection, state) == STATES + 3);

/// Flags whose first appearance in a direction is worth an event.
pub const MILESTONES: u8 = SYN | FIN | RST;

/// Jiffies from then to now; none if another CPU has already seen the next tick.
#[inline(always)]
pub fn since(then: u64, now: u64) -> u64 {
    now.saturating_sub(then)
}

/// Whether the entry still stands for the packet's connection: not expired, not reused.
#[inline(always)]
pub fn is_alive(connection: *mut Connection, packet: &Packet, now: u64, ticks: u64) -> bool {
    // SAFETY: a live map value.
    let entry = unsafe { &*connection };
    if entry.state & STATE_CLOSED != 0
        && packet.protocol == TCP
        && packet.tcp_flags & (SYN | ACK) == SYN
    {
        return false;
    }
    is_within_lifetime(connection, packet.protocol, now, ticks)
}

/// Whether the last packet is not too long ago.
#[inline(always)]
pub fn is_within_lifetime(connection: *mut Connection, protocol: u8, now: u64, ticks: u64) -> bool {
    // SAFETY: a live map value.
    let entry = unsafe { &*connection };
    since(entry.seen_jiffies, now) <= lifetime_seconds(protocol, entry.state) * ticks
}

/// Whether a packet of this hook goes in the direction of the opener.
#[inline(always)]
pub fn is_forward(connection: *mut Connection, egress: bool) -> bool {
    // SAFETY: a live map value.
    let remote_opened = unsafe { (*connection).state } & STATE_REMOTE_OPENED != 0;
    egress != remote_opened
}

/// Adds to the state. Whatever other CPUs add meanwhile stays.
#[inline(always)]
pub fn add_state(connection: *mut Connection, bits: u8) {
    atomic::set_bits(word(connection, STATES), 3, bits);
}

/// Adds to the flags that the next event of a direction tells.
#[inline(always)]
pub fn add_pending_flags(connection: *mut Connection, way: usize, flags: u8) {
    atomic::set_bits(word(connection, FLAGS), 2 + (way & 1), flags);
}

/// Takes them.
#[inline(always)]
pub fn take_pending_flags(connection: *mut Connection, way: usize) -> u8 {
    atomic::take_bits(word(connection, FLAGS), 2 + (way & 1))
}

/// Notes what was told of a direction.
#[inline(always)]
pub fn add_reported(connection: *mut Connection, way: usize, flags: u8) {
    atomic::set_bits(word(connection, FLAGS), way & 1, flags);
}

#[inline(always)]
fn word(connection: *mut Connection, offset: usize) -> *mut u32 {
    connection.cast::<u8>().wrapping_add(offset).cast()
}
