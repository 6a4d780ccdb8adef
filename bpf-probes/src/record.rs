//! The only writer of records: reserve, fill in, submit.

use aya_ebpf::{helpers::bpf_ktime_get_ns, maps::ring_buf::RingBufEntry};
use bpf_events::{
    counters::Counter,
    record::{
        KIND_POLICY_VERDICT, KIND_TRACE, MARK_FRAGMENT, MARK_IPV6, MARK_TCP_NS, RECORD_VERSION,
        Record,
    },
};

use crate::{
    atomic,
    count::count,
    maps::{COUNTERS, EVENTS},
    scene::Scene,
    words::put_all,
};

/// A reservation with its place in the CPU's sequence.
pub struct Slot {
    entry: RingBufEntry<Record>,
    sequence: u32,
}

/// Reserves a record and counts the attempt.
#[inline(always)]
pub fn reserve(scene: &Scene) -> Option<Slot> {
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

/// Fills in the record from the scene and its event, and hands it to the reader.
#[inline(always)]
pub fn write(slot: Slot, scene: &Scene) {
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

/// Writes an event that is not about the packet at hand.
#[inline(always)]
pub fn write_summary(slot: Slot, scene: &mut Scene) {
    let (length, marks) = (scene.length, scene.packet.marks);
    scene.length = 0;
    scene.packet.marks &= !(MARK_FRAGMENT | MARK_TCP_NS);
    write(slot, scene);
    scene.length = length;
    scene.packet.marks = marks;
}

/// Writes an event about packets of the other direction.
#[inline(always)]
pub fn write_turned(slot: Slot, scene: &mut Scene) {
    scene.packet.turn_round();
    write_summary(slot, scene);
    scene.packet.turn_round();
}

// MARK_IPV6 stays with every event of a packet: it says how to read the addresses.
const _: () = assert!((MARK_FRAGMENT | MARK_TCP_NS) & MARK_IPV6 == 0);
