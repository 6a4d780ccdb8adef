//! The only writer of records: policy verdicts, traces and drops.

use aya_ebpf::{helpers::bpf_ktime_get_ns, maps::ring_buf::RingBufEntry};
use bpf_events::{
    connection::{Connection, FORWARD, STATE_REMOTE_OPENED},
    counters::Counter,
    edge::EdgeState,
    record::{
        DIRECTION_EGRESS, DIRECTION_INGRESS, KIND_DROP, KIND_POLICY_VERDICT, KIND_TRACE,
        MARK_FRAGMENT, MARK_IPV6, MARK_SUMMARY, MARK_TCP_NS, POINT_FROM_ENDPOINT,
        POINT_TO_ENDPOINT, RECORD_VERSION, REPLY_NO, REPLY_UNKNOWN, REPLY_YES, Record,
        VERDICT_DROPPED,
    },
    sweep::{RING_FULL, TOLD},
};

use crate::{
    atomic,
    count::count,
    entry::{is_forward, since},
    maps::{COUNTERS, EVENTS},
    packet::{FIN, RST, SYN},
    scene::Scene,
    words::{put, put_all},
};

/// The event is due because time has passed.
pub const DUE: u64 = 0;
/// The event is due because SYN, FIN or RST was seen for the first time in the direction.
pub const NEWS: u64 = 1;
/// What is pending is told now, whatever the time.
pub const FLUSH: u64 = 2;

/// A reservation with its place in the CPU's sequence.
struct Slot {
    entry: RingBufEntry<Record>,
    sequence: u32,
}

/// Reserves a record and counts the attempt.
#[inline(always)]
fn reserve(scene: &Scene) -> Option<Slot> {
    let attempted = COUNTERS
        .get_ptr_mut(scene.cpu * bpf_events::counters::COUNTERS + Counter::Attempted as u32)?;
    let sequence = atomic::fetch_add(attempted, 1) as u32;
    match EVENTS.reserve::<Record>(0) {
        Some(entry) => Some(Slot { entry, sequence }),
        None => {
            count(Counter::ReserveFailed, 1);
            None
        }
    }
}

#[inline(always)]
fn write(slot: Slot, scene: &Scene) {
    let event = &scene.event;
    let Slot {
        mut entry,
        sequence,
    } = slot;
    let record = entry.as_mut_ptr();
    let packet = &scene.packet;
    let [low, middle, high] = packet.macs;
    let ports = !packet.is_icmp();
    // SAFETY: within the record; both addresses lie behind one another, at a multiple of four bytes.
    let addresses = unsafe { (&raw mut (*record).source_address).cast::<[u32; 4]>() };
    // SAFETY: the reservation is exactly one record; every field is written before it is submitted.
    unsafe {
        (*record).time_ns = bpf_ktime_get_ns();
        (*record).bytes = event.bytes;
        put_all(&mut *addresses, packet.source);
        put_all(&mut *addresses.add(1), packet.destination);
        (*record).packets = event.packets as u32;
        (*record).sequence = sequence;
        (*record).source_identity = event.source_identity;
        (*record).destination_identity = event.destination_identity;
        (*record).source_metadata = event.source_metadata;
        (*record).destination_metadata = event.destination_metadata;
        (*record).rule = event.rule;
        (*record).policy_revision = event.policy_revision;
        (*record).ifindex = scene.ifindex;
        (*record).length = scene.length;
        (*record).edge_slot = event.edge_slot;
        (*record).endpoint = scene.row.endpoint;
        (*record).cpu = scene.cpu as u16;
        (*record).source_port = if ports { packet.source_port } else { 0 };
        (*record).destination_port = if ports { packet.destination_port } else { 0 };
        (*record).source_mac = low_six((middle as u64) >> 16 | (high as u64) << 16);
        (*record).destination_mac = low_six(low as u64 | (middle as u64) << 32);
        (*record).version = RECORD_VERSION;
        (*record).kind = event.kind;
        (*record).verdict = event.verdict;
        (*record).reason = event.reason;
        (*record).protocol = packet.protocol;
        (*record).tcp_flags = event.tcp_flags;
        (*record).match_type = event.match_type;
        (*record).observation_point = event.observation_point;
        (*record).trace_reason = event.trace_reason;
        (*record).icmp_type = packet.icmp_type;
        (*record).icmp_code = packet.icmp_code;
        (*record).direction = event.direction;
        (*record).reply = event.reply;
        (*record).marks = packet.marks | event.marks;
        (*record).vlan = packet.vlan;
    }
    entry.submit(0);
    count(Counter::Emitted, 1);
    match event.kind {
        KIND_POLICY_VERDICT => count(Counter::EmittedVerdicts, 1),
        KIND_TRACE => count(Counter::EmittedTraces, 1),
        _ => count(Counter::EmittedDrops, 1),
    }
}

#[inline(always)]
fn low_six(word: u64) -> [u8; 6] {
    let [a, b, c, d, e, f, _, _] = word.to_le_bytes();
    [a, b, c, d, e, f]
}

/// Tells the judgement of a new connection, or a changed one. Counts no packets: those are the trace's or the drop's.
#[inline(never)]
pub fn verdict(scene: &mut Scene, marks: u64) -> i32 {
    let Some(slot) = reserve(scene) else {
        return RING_FULL;
    };
    judged(scene);
    let judgement = &scene.judgement;
    let event = &mut scene.event;
    event.kind = KIND_POLICY_VERDICT;
    event.marks = marks as u8;
    if judgement.verdict != VERDICT_DROPPED {
        event.reply = if judgement.forward {
            REPLY_NO
        } else {
            REPLY_YES
        };
    }
    write(slot, scene);
    TOLD
}

/// Tells a drop, with all drops of the edge that no event has told. A null `state` is an edge without a slot.
#[inline(never)]
pub fn dropped(scene: &mut Scene, state: *mut EdgeState, marks: u64) -> i32 {
    let Some(slot) = reserve(scene) else {
        postpone(scene, state);
        return RING_FULL;
    };
    judged(scene);
    let event = &mut scene.event;
    event.kind = KIND_DROP;
    event.marks = marks as u8;
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
fn judged(scene: &mut Scene) {
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
    let tcp_flags = entry.flags_pending[way];
    entry.flags_pending[way] = 0;
    entry.flags_reported[way] |= tcp_flags & (SYN | FIN | RST);
    traced(scene, connection, way, trace_reason as u8);
    let event = &mut scene.event;
    event.packets = packets;
    event.bytes = bytes;
    event.tcp_flags = tcp_flags;
    event.marks = 0;
    if why == FLUSH {
        event.marks = MARK_SUMMARY;
        return flush(slot, scene, connection, way);
    }
    write(slot, scene);
    TOLD
}

/// Writes an event that is not about the packet at hand, which may even go the other way.
#[inline(always)]
fn flush(slot: Slot, scene: &mut Scene, connection: *mut Connection, way: usize) -> i32 {
    let swapped = (way == FORWARD) != is_forward(connection, scene.egress());
    let (length, marks) = (scene.length, scene.packet.marks);
    scene.length = 0;
    scene.packet.marks &= !(MARK_FRAGMENT | MARK_TCP_NS);
    if swapped {
        scene.packet.turn_round();
    }
    write(slot, scene);
    if swapped {
        scene.packet.turn_round();
    }
    scene.length = length;
    scene.packet.marks = marks;
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

// MARK_IPV6 stays with every event of a packet: it says how to read the addresses.
const _: () = assert!((MARK_FRAGMENT | MARK_TCP_NS) & MARK_IPV6 == 0);
