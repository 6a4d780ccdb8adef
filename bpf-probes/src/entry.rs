//! Questions about a conntrack entry.

use bpf_events::connection::{Connection, STATE_CLOSED, STATE_REMOTE_OPENED, lifetime_seconds};

use crate::packet::{ACK, Packet, SYN, TCP};

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
    let lifetime = lifetime_seconds(packet.protocol, entry.state) * ticks;
    since(entry.seen_jiffies, now) <= lifetime
}

/// Whether a packet of this hook goes in the direction of the opener.
#[inline(always)]
pub fn is_forward(connection: *mut Connection, egress: bool) -> bool {
    // SAFETY: a live map value.
    let remote_opened = unsafe { (*connection).state } & STATE_REMOTE_OPENED != 0;
    egress != remote_opened
}
