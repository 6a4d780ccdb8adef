//! A new connection: its entry, which has already counted its first packet, its verdict and its first trace.

use bpf_events::{
    config::AGGREGATION_NONE,
    connection::{
        Connection, FORWARD, REPLY, STATE_MIDSTREAM, STATE_REMOTE_OPENED, STATE_TRACE_FORWARD,
        STATE_TRACE_REPLY,
    },
    counters::Counter,
    ipcache::ADDRESS_MANAGED,
    record::MARK_MIDSTREAM,
    sweep::TOLD,
};

use crate::{
    action::{ACCOUNT, NEXT},
    atomic,
    connection::{self, closing},
    count::count,
    edge,
    entry::{MILESTONES, add_pending_flags},
    event,
    judgement::set_edge,
    packet::{SYN, TCP},
    scene::Scene,
    words::{put, put_all},
};

const ANY: u64 = 0;
const NO_EXIST: u64 = 1;
const EEXIST: i32 = -17;

/// A first packet that passes. `ACCOUNT` if its connection turns out to exist, else the action.
#[inline(always)]
pub fn open(scene: &mut Scene, replaced: Option<*mut Connection>) -> i32 {
    find_slot(scene);
    prepare(scene);
    let flags = match replaced {
        Some(old) => {
            inherit(scene, old);
            ANY
        }
        None => NO_EXIST,
    };
    let inserted = match connection::insert(scene, flags) {
        Ok(()) => {
            count(Counter::ConnectionsCreated, 1);
            if flags == ANY {
                count(Counter::ConnectionsRemoved, 1);
            }
            true
        }
        // Another CPU judged a packet of the same connection first.
        Err(EEXIST) => return ACCOUNT,
        Err(_) => {
            // The packet passes; its answer will be judged as a packet of its own.
            count(Counter::ConnectionInsertFailed, 1);
            false
        }
    };
    scene.total(scene.judgement.verdict as u32);
    edge::add(scene, FORWARD);
    event::judged(scene);
    let midstream = scene.connection.state & STATE_MIDSTREAM != 0;
    let mark = if midstream { MARK_MIDSTREAM } else { 0 };
    let told = event::verdict(scene, mark as u64);
    scene.note(told);
    if is_traced(scene) {
        let told = event::opened(scene);
        scene.note(told);
        if inserted && told & TOLD == 0 {
            owe(scene);
        }
    }
    NEXT
}

/// Whether the opener's direction is traced here.
#[inline(always)]
fn is_traced(scene: &Scene) -> bool {
    scene.connection.state & STATE_TRACE_FORWARD != 0 || scene.aggregation == AGGREGATION_NONE
}

/// The first trace found no room in the ring: the next one carries its packet.
#[inline(always)]
fn owe(scene: &mut Scene) {
    let Some(connection) = connection::look_up(scene) else {
        return;
    };
    let packet = &scene.packet;
    // SAFETY: a live map value; what several CPUs change is changed atomically.
    unsafe {
        atomic::add(
            &raw mut (*connection).pending_packets[FORWARD],
            packet.packets,
        );
        atomic::add(&raw mut (*connection).pending_bytes[FORWARD], packet.bytes);
        atomic::swap(&raw mut (*connection).event_jiffies[FORWARD], 0);
    }
    add_pending_flags(connection, FORWARD, packet.tcp_flags);
}

/// What the old entry could not tell, because the ring was full, goes over to the new one, so that no packet goes untold.
#[inline(always)]
fn inherit(scene: &mut Scene, old: *mut Connection) {
    // SAFETY: a live map value.
    let old = unsafe { &*old };
    let entry = &mut scene.connection;
    let turned = (old.state ^ entry.state) & STATE_REMOTE_OPENED != 0;
    let (forward, reply) = if turned {
        (REPLY, FORWARD)
    } else {
        (FORWARD, REPLY)
    };
    entry.pending_packets[FORWARD] = old.pending_packets[forward];
    entry.pending_bytes[FORWARD] = old.pending_bytes[forward];
    entry.pending_packets[REPLY] = old.pending_packets[reply];
    entry.pending_bytes[REPLY] = old.pending_bytes[reply];
}

/// The edge slot of the judgement; the endpoint's "other" slot if none is free.
#[inline(always)]
pub fn find_slot(scene: &mut Scene) {
    set_edge(scene);
    let state = edge::find(scene);
    if !state.is_null() {
        // SAFETY: a live map value; the slot never changes.
        scene.judgement.edge_slot = unsafe { (*state).slot };
    }
}

/// Writes a new connection into the scratch entry, with its first packet.
#[inline(always)]
fn prepare(scene: &mut Scene) {
    let state = first_state(scene);
    let packet = &scene.packet;
    let entry = &mut scene.connection;
    put_all(&mut entry.packets, [packet.packets, 0]);
    put_all(&mut entry.bytes, [packet.bytes, 0]);
    put_all(&mut entry.pending_packets, [0; 2]);
    put_all(&mut entry.pending_bytes, [0; 2]);
    put_all(&mut entry.event_jiffies, [scene.now, 0]);
    put_all(
        &mut entry.flags_reported,
        [packet.tcp_flags & MILESTONES, 0],
    );
    put_all(&mut entry.flags_pending, [0; 2]);
    put(&mut entry.seen_jiffies, scene.now);
    put(&mut entry.ifindex, scene.ifindex);
    put(&mut entry.state, state);
    store(&raw mut scene.connection, scene);
}

/// Who opened it, what is traced here, and what the first packet says.
#[inline(always)]
fn first_state(scene: &Scene) -> u8 {
    let judgement = &scene.judgement;
    let packet = &scene.packet;
    let unmanaged = judgement.remote.flags & ADDRESS_MANAGED == 0;
    let (mut state, other_way) = if judgement.opener_egress() {
        (STATE_TRACE_REPLY, STATE_TRACE_FORWARD)
    } else {
        (STATE_REMOTE_OPENED | STATE_TRACE_FORWARD, STATE_TRACE_REPLY)
    };
    if unmanaged {
        state |= other_way;
    }
    if packet.protocol == TCP && packet.tcp_flags & SYN == 0 {
        state |= STATE_MIDSTREAM;
    }
    state | closing(FORWARD, packet.tcp_flags)
}

/// Writes the judgement into an entry.
#[inline(always)]
pub fn store(entry: *mut Connection, scene: &Scene) {
    let judgement = &scene.judgement;
    // SAFETY: a live map value.
    let entry = unsafe { &mut *entry };
    entry.local_identity = scene.row.identity;
    entry.local_metadata = scene.row.metadata;
    entry.remote_identity = judgement.remote.identity;
    entry.remote_metadata = judgement.remote.metadata;
    entry.rule = judgement.rule;
    entry.policy_revision = judgement.revision;
    entry.match_type = judgement.match_type;
    entry.verdict = judgement.verdict;
    entry.reason = judgement.reason;
    entry.edge_slot = judgement.edge_slot;
    entry.policy_epoch = scene.policy_epoch;
    entry.identity_epoch = scene.identity_epoch;
}
