//! Conntrack: finding, accounting and tracing a connection.

use bpf_events::{
    config::AGGREGATION_NONE,
    connection::{
        Connection, FORWARD, REPLY, STATE_CLOSED, STATE_CLOSED_FORWARD, STATE_CLOSED_REPLY,
        STATE_REMOTE_OPENED, STATE_REPLIED, STATE_TRACE_FORWARD, STATE_TRACE_REPLY,
        lifetime_seconds,
    },
    fragment::FragmentKey,
    record::{TRACE_ESTABLISHED, TRACE_NEW, TRACE_REPLY, VERDICT_DROPPED},
};

use crate::{
    atomic, drops, edge, event,
    hook::{NEXT, Scene},
    maps::{CONNECTIONS4, CONNECTIONS6, FRAGMENTS},
    packet::{ACK, FIN, RST, SYN, TCP},
};

/// Flags whose first appearance in a direction is worth an event.
const MILESTONES: u8 = SYN | FIN | RST;

/// Works out the key of the packet's connection.
#[inline(always)]
pub fn set_key(scene: &mut Scene) {
    let egress = scene.egress();
    let packet = &scene.packet;
    let (mut local_port, mut remote_port) = (packet.source_port, packet.destination_port);
    if !egress {
        (local_port, remote_port) = (remote_port, local_port);
    }
    if packet.is_ipv6() {
        let key = &mut scene.key6;
        key.endpoint = scene.row.endpoint;
        key.protocol = packet.protocol;
        key.reserved = 0;
        (key.local_address, key.remote_address) = if egress {
            (packet.source, packet.destination)
        } else {
            (packet.destination, packet.source)
        };
        key.local_port = local_port;
        key.remote_port = remote_port;
    } else {
        let key = &mut scene.key4;
        key.endpoint = scene.row.endpoint;
        key.protocol = packet.protocol;
        key.reserved = 0;
        (key.local_address, key.remote_address) = if egress {
            (packet.source[3], packet.destination[3])
        } else {
            (packet.destination[3], packet.source[3])
        };
        key.local_port = local_port;
        key.remote_port = remote_port;
    }
}

/// The endpoint's entry for the packet's connection.
#[inline(always)]
pub fn find(scene: &Scene) -> Option<*mut Connection> {
    if scene.packet.is_ipv6() {
        CONNECTIONS6.get_ptr_mut(&scene.key6)
    } else {
        CONNECTIONS4.get_ptr_mut(&scene.key4)
    }
}

/// Inserts the scratch entry; `flags` as in `bpf_map_update_elem`.
#[inline(always)]
pub fn insert(scene: &Scene, flags: u64) -> Result<(), i32> {
    if scene.packet.is_ipv6() {
        CONNECTIONS6.insert(&scene.key6, &scene.connection, flags)
    } else {
        CONNECTIONS4.insert(&scene.key4, &scene.connection, flags)
    }
}

/// Remembers the ports of a first fragment, or fills in those of a later one; false if its first was never seen.
#[inline(always)]
pub fn fragment(scene: &mut Scene) -> bool {
    let egress = scene.egress();
    let packet = &mut scene.packet;
    let key = FragmentKey {
        source: packet.source,
        destination: packet.destination,
        id: packet.fragment_id,
        endpoint: scene.row.endpoint,
        protocol: packet.protocol,
        egress: egress as u8,
    };
    if !packet.later_fragment {
        let ports = (packet.source_port as u32) << 16 | packet.destination_port as u32;
        // A full map evicts the oldest datagram; its later fragments are then counted as unknown.
        return FRAGMENTS.insert(key, ports, 0).is_ok();
    }
    // SAFETY: one word, copied at once.
    let Some(ports) = (unsafe { FRAGMENTS.get(key) }) else {
        return false;
    };
    packet.source_port = (*ports >> 16) as u16;
    packet.destination_port = *ports as u16;
    true
}

/// Whether the entry still stands for the packet's connection: not expired, not reused.
#[inline(always)]
pub fn is_alive(connection: *mut Connection, scene: &Scene) -> bool {
    // SAFETY: a live map value.
    let entry = unsafe { &*connection };
    let flags = scene.packet.tcp_flags;
    if entry.state & STATE_CLOSED != 0 && scene.packet.protocol == TCP && flags & (SYN | ACK) == SYN
    {
        return false;
    }
    let lifetime = lifetime_seconds(scene.packet.protocol, entry.state) * scene.ticks;
    scene.now.wrapping_sub(entry.seen_jiffies) <= lifetime
}

/// Whether the judgement in the entry still holds.
#[inline(always)]
pub fn is_current(connection: *mut Connection, scene: &Scene) -> bool {
    // SAFETY: a live map value.
    let entry = unsafe { &*connection };
    entry.policy_epoch == scene.policy_epoch
        && entry.identity_epoch == scene.identity_epoch
        && is_alive(connection, scene)
}

/// Whether the packet goes in the direction of the opener.
#[inline(always)]
pub fn is_forward(connection: *mut Connection, scene: &Scene) -> bool {
    // SAFETY: a live map value.
    let remote_opened = unsafe { (*connection).state } & STATE_REMOTE_OPENED != 0;
    scene.egress() != remote_opened
}

/// Counts a packet of a judged connection, and traces it if it is due.
#[inline(always)]
pub fn account(scene: &mut Scene, connection: *mut Connection) -> i32 {
    // SAFETY: a live map value; counters that several CPUs change are changed atomically.
    let entry = unsafe { &mut *connection };
    if entry.verdict == VERDICT_DROPPED {
        return drops::revoked(scene, connection);
    }
    let direction = if is_forward(connection, scene) {
        FORWARD
    } else {
        REPLY
    };
    let packet = &scene.packet;
    let flags = packet.tcp_flags;
    let first = entry.packets[direction & 1] == 0;
    atomic::add(&raw mut entry.packets[direction & 1], packet.packets);
    atomic::add(&raw mut entry.bytes[direction & 1], packet.bytes);
    if entry.seen_jiffies != scene.now {
        entry.seen_jiffies = scene.now;
    }
    advance(entry, direction, flags);
    scene.total(entry.verdict as u32);
    edge::add(scene, entry.edge_slot, direction);

    let traced = if direction == FORWARD {
        STATE_TRACE_FORWARD
    } else {
        STATE_TRACE_REPLY
    };
    if entry.state & traced == 0 && scene.aggregation != AGGREGATION_NONE {
        return NEXT;
    }
    atomic::add(
        &raw mut entry.pending_packets[direction & 1],
        packet.packets,
    );
    atomic::add(&raw mut entry.pending_bytes[direction & 1], packet.bytes);
    if entry.flags_pending[direction & 1] & flags != flags {
        entry.flags_pending[direction & 1] |= flags;
    }
    let news = flags & MILESTONES & !entry.flags_reported[direction & 1] != 0;
    let quiet = scene.now.wrapping_sub(entry.event_jiffies[direction & 1]);
    if news || scene.aggregation == AGGREGATION_NONE || quiet >= scene.trace_interval {
        let reason = match (direction, first) {
            (FORWARD, true) => TRACE_NEW,
            (FORWARD, false) => TRACE_ESTABLISHED,
            _ => TRACE_REPLY,
        };
        let why = if news { event::NEWS } else { event::DUE };
        let told = event::trace(scene, connection, direction as u64, reason as u64, why);
        scene.note(told);
    }
    NEXT
}

/// Moves the state on. Plain stores: a lost race is repaired by the next packet.
#[inline(always)]
fn advance(entry: &mut Connection, direction: usize, tcp_flags: u8) {
    let mut state = entry.state;
    if direction == REPLY {
        state |= STATE_REPLIED;
    }
    if tcp_flags & RST != 0 {
        state |= STATE_CLOSED;
    }
    if tcp_flags & FIN != 0 {
        state |= if direction == FORWARD {
            STATE_CLOSED_FORWARD
        } else {
            STATE_CLOSED_REPLY
        };
    }
    if state != entry.state {
        entry.state = state;
    }
}
