//! What is told: policy verdicts, traces and drops, each put together in the scene's event and written by `record`.

use core::mem::swap;

use bpf_events::{
    connection::{Connection, FORWARD, STATE_REMOTE_OPENED},
    edge::EdgeState,
    record::{
        DIRECTION_EGRESS, DIRECTION_INGRESS, KIND_DROP, KIND_POLICY_VERDICT, KIND_TRACE,
        MARK_SUMMARY, POINT_FROM_ENDPOINT, POINT_TO_ENDPOINT, REPLY_NO, REPLY_UNKNOWN, REPLY_YES,
        TRACE_NEW, TRACE_RELATED, VERDICT_DROPPED,
    },
    sweep::{RING_FULL, TOLD},
};

use crate::{
    atomic,
    entry::{MILESTONES, add_reported, is_forward, since, take_pending_flags},
    packet::is_same,
    record::{Slot, reserve, write, write_summary, write_turned},
    remote,
    scene::Scene,
    words::put,
};

/// The event is due because time has passed.
pub const DUE: u64 = 0;
/// The event is due because SYN, FIN or RST was seen for the first time in the direction.
pub const NEWS: u64 = 1;
/// What is pending is told now, whatever the time.
pub const FLUSH: u64 = 2;

/// Tells the judgement of a new connection, or a changed one; to be called after [`judged`]. Counts no packets: those are the
/// trace's or the drop's. A changed one is told as the opener's packets look, whichever way the packet at hand goes.
#[inline(never)]
pub fn verdict(scene: &mut Scene, marks: u64) -> i32 {
    let Some(slot) = reserve(scene) else {
        return RING_FULL;
    };
    let event = &mut scene.event;
    event.kind = KIND_POLICY_VERDICT;
    event.marks = marks as u8;
    if event.verdict != VERDICT_DROPPED {
        event.reply = REPLY_NO;
        if !scene.judgement.forward {
            event.tcp_flags = 0;
            swap(&mut event.source_identity, &mut event.destination_identity);
            swap(&mut event.source_metadata, &mut event.destination_metadata);
            write_turned(slot, scene);
            return TOLD;
        }
    }
    write(slot, scene);
    TOLD
}

/// Tells the first packet of a connection in the opener's direction; to be called after [`judged`].
#[inline(never)]
pub fn opened(scene: &mut Scene) -> i32 {
    let Some(slot) = reserve(scene) else {
        return RING_FULL;
    };
    let egress = scene.egress();
    let event = &mut scene.event;
    event.kind = KIND_TRACE;
    event.marks = 0;
    event.reply = REPLY_NO;
    event.trace_reason = TRACE_NEW;
    event.observation_point = if egress {
        POINT_FROM_ENDPOINT
    } else {
        POINT_TO_ENDPOINT
    };
    event.packets = scene.packet.packets;
    event.bytes = scene.packet.bytes;
    write(slot, scene);
    TOLD
}

/// Tells a drop, to be called after [`judged`], with all drops of the edge that no event has told. A null `state` is an edge without a slot.
#[inline(never)]
pub fn dropped(scene: &mut Scene, state: *mut EdgeState, marks: u64) -> i32 {
    let Some(slot) = reserve(scene) else {
        postpone(scene, state);
        return RING_FULL;
    };
    let event = &mut scene.event;
    event.kind = KIND_DROP;
    event.marks = marks as u8;
    event.reply = REPLY_UNKNOWN;
    event.packets = scene.packet.packets;
    event.bytes = scene.packet.bytes;
    if !state.is_null() {
        // SAFETY: a live map value.
        unsafe {
            event.packets += atomic::swap(&raw mut (*state).pending_packets, 0);
            event.bytes += atomic::swap(&raw mut (*state).pending_bytes, 0);
        }
    }
    write(slot, scene);
    TOLD
}

/// Leaves the packet to a later event of its edge.
#[inline(always)]
pub fn postpone(scene: &Scene, state: *mut EdgeState) {
    if state.is_null() {
        return;
    }
    // SAFETY: a live map value; the plain stores name the last packet, whichever it is.
    unsafe {
        atomic::add(&raw mut (*state).pending_packets, scene.packet.packets);
        atomic::add(&raw mut (*state).pending_bytes, scene.packet.bytes);
        (*state).ifindex = scene.ifindex;
        (*state).endpoint = scene.row.endpoint as u32;
    }
}

/// Puts the scene's judgement into its event.
#[inline(always)]
pub fn judged(scene: &mut Scene) {
    let egress = scene.egress();
    let row = &scene.row;
    let judgement = &scene.judgement;
    let remote = &judgement.remote;
    let event = &mut scene.event;
    put(&mut event.packets, 0);
    put(&mut event.bytes, 0);
    event.rule = judgement.rule;
    event.policy_revision = judgement.revision;
    event.edge_slot = judgement.edge_slot;
    event.verdict = judgement.verdict;
    event.reason = judgement.reason;
    event.match_type = judgement.match_type;
    event.direction = if judgement.opener_egress() {
        DIRECTION_EGRESS
    } else {
        DIRECTION_INGRESS
    };
    event.reply = REPLY_UNKNOWN;
    event.observation_point = 0;
    event.trace_reason = 0;
    event.tcp_flags = scene.packet.tcp_flags;
    if egress {
        event.source_identity = row.identity;
        event.source_metadata = row.metadata;
        event.destination_identity = remote.identity;
        event.destination_metadata = remote.metadata;
    } else {
        event.source_identity = remote.identity;
        event.source_metadata = remote.metadata;
        event.destination_identity = row.identity;
        event.destination_metadata = row.metadata;
    }
}

/// Tells what one direction of a connection carried since its last event.
#[inline(never)]
pub fn trace(
    scene: &mut Scene,
    connection: *mut Connection,
    direction: u64,
    trace_reason: u64,
    why: u64,
) -> i32 {
    let way = (direction & 1) as usize;
    // SAFETY: a live map value; what several CPUs change is changed atomically.
    let entry = unsafe { &mut *connection };
    let last = atomic::swap(&raw mut entry.event_jiffies[way], scene.now);
    if why == DUE
        && scene.aggregation != bpf_events::config::AGGREGATION_NONE
        && since(last, scene.now) < scene.trace_interval
    {
        // Another CPU has just told it.
        return TOLD;
    }
    let Some(slot) = reserve(scene) else {
        // Nothing was told: the next packet tries again.
        atomic::swap(&raw mut entry.event_jiffies[way], last);
        return RING_FULL;
    };
    let packets = atomic::swap(&raw mut entry.pending_packets[way], 0);
    let bytes = atomic::swap(&raw mut entry.pending_bytes[way], 0);
    let tcp_flags = take_pending_flags(connection, way);
    add_reported(connection, way, tcp_flags & MILESTONES);
    traced(scene, connection, way, trace_reason as u8);
    let event = &mut scene.event;
    event.packets = packets;
    event.bytes = bytes;
    event.tcp_flags = tcp_flags;
    event.marks = 0;
    if why == FLUSH {
        event.marks = MARK_SUMMARY;
        return summary(slot, scene, connection, way);
    }
    write(slot, scene);
    TOLD
}

/// Tells the scene's packet, an ICMP error, as one of a direction of its connection.
#[inline(never)]
pub fn related(scene: &mut Scene, connection: *mut Connection, direction: u64) -> i32 {
    let Some(slot) = reserve(scene) else {
        return RING_FULL;
    };
    let way = (direction & 1) as usize;
    traced(scene, connection, way, TRACE_RELATED);
    let egress = scene.egress();
    let event = &mut scene.event;
    event.packets = scene.packet.packets;
    event.bytes = scene.packet.bytes;
    event.tcp_flags = 0;
    event.marks = 0;
    if !egress && !is_same(&scene.packet.source, &scene.quote.destination) {
        // It comes from a router on the way.
        let router = remote::resolve(scene, &scene.packet.source);
        let event = &mut scene.event;
        event.source_identity = router.identity;
        event.source_metadata = router.metadata;
    }
    write(slot, scene);
    TOLD
}

/// Writes an event that is not about the packet at hand, which may even go the other way.
#[inline(always)]
fn summary(slot: Slot, scene: &mut Scene, connection: *mut Connection, way: usize) -> i32 {
    if (way == FORWARD) == is_forward(connection, scene.egress()) {
        write_summary(slot, scene);
    } else {
        write_turned(slot, scene);
    }
    TOLD
}

#[inline(always)]
fn traced(scene: &mut Scene, connection: *mut Connection, way: usize, trace_reason: u8) {
    // SAFETY: a live map value.
    let entry = unsafe { &*connection };
    let remote_opened = entry.state & STATE_REMOTE_OPENED != 0;
    let from_remote = (way == FORWARD) == remote_opened;
    let event = &mut scene.event;
    event.rule = entry.rule;
    event.policy_revision = entry.policy_revision;
    event.edge_slot = entry.edge_slot;
    event.kind = KIND_TRACE;
    event.verdict = entry.verdict;
    event.reason = entry.reason;
    event.match_type = entry.match_type;
    event.direction = if remote_opened {
        DIRECTION_INGRESS
    } else {
        DIRECTION_EGRESS
    };
    event.reply = if way == FORWARD { REPLY_NO } else { REPLY_YES };
    event.trace_reason = trace_reason;
    if from_remote {
        event.source_identity = entry.remote_identity;
        event.source_metadata = entry.remote_metadata;
        event.destination_identity = entry.local_identity;
        event.destination_metadata = entry.local_metadata;
        event.observation_point = POINT_TO_ENDPOINT;
    } else {
        event.source_identity = entry.local_identity;
        event.source_metadata = entry.local_metadata;
        event.destination_identity = entry.remote_identity;
        event.destination_metadata = entry.remote_metadata;
        event.observation_point = POINT_FROM_ENDPOINT;
    }
}

/// Tells the drops of an edge that were rate limited, without a packet at hand.
#[inline(always)]
pub fn drop_summary(
    scene: &mut Scene,
    key: &bpf_events::edge::EdgeKey,
    state: *mut EdgeState,
) -> i32 {
    let Some(slot) = reserve(scene) else {
        return RING_FULL;
    };
    // SAFETY: a live map value.
    let entry = unsafe { &mut *state };
    let event = &mut scene.event;
    event.packets = atomic::swap(&raw mut entry.pending_packets, 0);
    event.bytes = atomic::swap(&raw mut entry.pending_bytes, 0);
    event.source_identity = key.source_identity;
    event.destination_identity = key.destination_identity;
    event.source_metadata = (entry.metadata >> 32) as u32;
    event.destination_metadata = entry.metadata as u32;
    event.rule = key.rule;
    event.policy_revision = 0;
    event.edge_slot = entry.slot;
    event.kind = KIND_DROP;
    event.verdict = VERDICT_DROPPED;
    event.reason = key.reason;
    event.match_type = 0;
    event.direction = key.direction;
    event.reply = REPLY_UNKNOWN;
    event.observation_point = 0;
    event.trace_reason = 0;
    event.tcp_flags = 0;
    event.marks = MARK_SUMMARY;
    write(slot, scene);
    TOLD
}
