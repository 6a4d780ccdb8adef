//! Conntrack: finding, accounting and tracing a connection.

use bpf_events::{
    config::AGGREGATION_NONE,
    connection::{
        Connection, FORWARD, REPLY, STATE_CLOSED, STATE_CLOSED_FORWARD, STATE_CLOSED_REPLY,
        STATE_ESTABLISHED, STATE_REPLIED, STATE_TRACE_FORWARD, STATE_TRACE_REPLY,
    },
    record::{TRACE_ESTABLISHED, TRACE_REPLY, VERDICT_DROPPED},
};

use crate::{
    action::{DROP, NEXT},
    atomic,
    count::total,
    drops,
    edge::Cells,
    entry::{MILESTONES, add_pending_flags, add_state, is_alive, is_forward, since},
    event,
    key::{key4, key6},
    maps::{CONNECTIONS4, CONNECTIONS6},
    packet::{ACK, FIN, RST, SYN},
    scene::Scene,
    visit::Visit,
};

const _: () = assert!(STATE_TRACE_FORWARD << REPLY == STATE_TRACE_REPLY);

/// The endpoint's entry for the packet's connection.
#[inline(always)]
pub fn find(visit: &Visit<'_>) -> Option<*mut Connection> {
    let (packet, endpoint, egress) = (visit.packet, visit.row.endpoint, visit.egress);
    if packet.is_ipv6() {
        CONNECTIONS6.get_ptr_mut(key6(packet, endpoint, egress))
    } else {
        CONNECTIONS4.get_ptr_mut(key4(packet, endpoint, egress))
    }
}

/// The entry of the scene's key.
#[inline(always)]
pub fn look_up(scene: &Scene) -> Option<*mut Connection> {
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

/// Whether the judgement in the entry still holds.
#[inline(always)]
pub fn is_current(connection: *mut Connection, visit: &Visit<'_>) -> bool {
    // SAFETY: a live map value.
    let entry = unsafe { &*connection };
    let config = visit.config;
    entry.policy_epoch == visit.policy_epoch
        && entry.identity_epoch == visit.identity_epoch
        && is_alive(
            connection,
            visit.packet,
            visit.now,
            config.jiffies_per_second,
        )
}

/// Counts a packet of a judged connection, and traces it if it is due.
#[inline(always)]
pub fn account(visit: &Visit<'_>, connection: *mut Connection) -> i32 {
    // SAFETY: a live map value; counters that several CPUs change are changed atomically.
    let entry = unsafe { &mut *connection };
    if entry.verdict == VERDICT_DROPPED {
        return match Scene::of(visit) {
            Some(scene) => drops::revoked(scene, connection),
            None => DROP,
        };
    }
    let packet = visit.packet;
    let flags = packet.tcp_flags;
    let direction = if is_forward(connection, visit.egress) {
        FORWARD
    } else {
        REPLY
    };
    atomic::add(&raw mut entry.packets[direction & 1], packet.packets);
    atomic::add(&raw mut entry.bytes[direction & 1], packet.bytes);
    if entry.seen_jiffies != visit.now {
        entry.seen_jiffies = visit.now;
    }
    advance(connection, direction, flags);
    total(visit.cpu, entry.verdict as u32, visit.egress, packet);
    let cells = Cells {
        cpu: visit.cpu,
        slots: visit.config.edge_slots,
    };
    cells.add(entry.edge_slot, direction, packet);

    let traced = STATE_TRACE_FORWARD << direction;
    let every_packet = visit.config.aggregation == AGGREGATION_NONE;
    if entry.state & traced == 0 && !every_packet {
        return NEXT;
    }
    atomic::add(
        &raw mut entry.pending_packets[direction & 1],
        packet.packets,
    );
    atomic::add(&raw mut entry.pending_bytes[direction & 1], packet.bytes);
    if entry.flags_pending[direction & 1] & flags != flags {
        add_pending_flags(connection, direction, flags);
    }
    let news = flags & MILESTONES & !entry.flags_reported[direction & 1] != 0;
    let quiet = since(entry.event_jiffies[direction & 1], visit.now);
    if news || every_packet || quiet >= visit.config.trace_interval_jiffies {
        let reason = if direction == FORWARD {
            TRACE_ESTABLISHED
        } else {
            TRACE_REPLY
        };
        let why = if news { event::NEWS } else { event::DUE };
        if let Some(scene) = Scene::of(visit) {
            let told = event::trace(scene, connection, direction as u64, reason as u64, why);
            scene.note(told);
        }
    }
    NEXT
}

/// Moves the state on.
#[inline(always)]
fn advance(connection: *mut Connection, direction: usize, tcp_flags: u8) {
    // SAFETY: a live map value.
    let state = unsafe { (*connection).state };
    let mut news = closing(direction, tcp_flags);
    if direction == REPLY {
        news |= STATE_REPLIED;
    } else if state & STATE_REPLIED != 0 && tcp_flags & (SYN | ACK) == ACK {
        news |= STATE_ESTABLISHED;
    }
    if news & !state != 0 {
        add_state(connection, news);
    }
}

/// What the flags of a packet end.
#[inline(always)]
pub fn closing(direction: usize, tcp_flags: u8) -> u8 {
    if tcp_flags & RST != 0 {
        STATE_CLOSED
    } else if tcp_flags & FIN == 0 {
        0
    } else if direction == FORWARD {
        STATE_CLOSED_FORWARD
    } else {
        STATE_CLOSED_REPLY
    }
}
