//! Run by user space (`BPF_PROG_TEST_RUN`) on one key at a time: what is pending is told by the same record writer.

use aya_ebpf::{bindings::__sk_buff, helpers::bpf_ktime_get_ns, programs::TcContext};
use bpf_events::{
    config::Clock,
    connection::{Connection, ConnectionKey4, ConnectionKey6, FORWARD, REPLY, STATE_REMOTE_OPENED},
    counters::Counter,
    edge::EdgeKey,
    record::{MARK_IPV6, MARK_NO_IP, TRACE_ESTABLISHED, TRACE_REPLY},
    sweep::{
        NOT_FOUND, NOTHING_PENDING, SWEEP_CONNECTION4, SWEEP_CONNECTION6, SWEEP_EDGE, SweepRequest,
        TOLD,
    },
};

use crate::{
    count::{count, jiffies},
    event,
    maps::{CLOCK, CONNECTIONS4, CONNECTIONS6, EDGES},
    packet::{ICMP, ICMP_OTHER_PORT, ICMP_TYPE_PORT, ICMPV6, Packet, mapped},
    scene::Scene,
};

/// Reads the request from the "packet" and serves it.
#[inline(always)]
pub fn run(context: &TcContext) -> i32 {
    let skb = context.skb.skb;
    let Some(request) = request(skb) else {
        return NOT_FOUND;
    };
    match request.kind {
        SWEEP_CONNECTION4 => connection4(&request),
        SWEEP_CONNECTION6 => connection6(&request),
        SWEEP_EDGE => edge(&request),
        _ => NOT_FOUND,
    }
}

/// Writes both clocks to `CLOCK[0]`.
#[inline(always)]
pub fn clock() -> i32 {
    // SAFETY: the helper has no arguments and cannot fail.
    let ktime_ns = unsafe { bpf_ktime_get_ns() };
    let clock = Clock {
        jiffies: jiffies(),
        ktime_ns,
    };
    if CLOCK.set(0, clock, 0).is_err() {
        count(Counter::Impossible, 1);
    }
    0
}

#[inline(always)]
fn request(skb: *mut __sk_buff) -> Option<SweepRequest> {
    // SAFETY: the context is valid; the bytes are read after a bounds check.
    unsafe {
        let start = (*skb).data as usize;
        if start + size_of::<SweepRequest>() > (*skb).data_end as usize {
            return None;
        }
        Some(core::ptr::read_unaligned(start as *const SweepRequest))
    }
}

#[inline(always)]
fn connection4(request: &SweepRequest) -> i32 {
    // SAFETY: the key bytes hold a key of this kind; all bit patterns are valid.
    let key = unsafe { core::ptr::read_unaligned(request.key.as_ptr().cast::<ConnectionKey4>()) };
    let Some(connection) = CONNECTIONS4.get_ptr_mut(&key) else {
        return NOT_FOUND;
    };
    let Some(scene) = Scene::for_sweeper(key.endpoint) else {
        return NOT_FOUND;
    };
    scene.packet.source = mapped(key.local_address);
    scene.packet.destination = mapped(key.remote_address);
    scene.packet.source_port = key.local_port;
    scene.packet.destination_port = key.remote_port;
    scene.packet.protocol = key.protocol;
    scene.packet.marks = 0;
    finish(scene, connection)
}

#[inline(always)]
fn connection6(request: &SweepRequest) -> i32 {
    // SAFETY: as above.
    let key = unsafe { core::ptr::read_unaligned(request.key.as_ptr().cast::<ConnectionKey6>()) };
    let Some(connection) = CONNECTIONS6.get_ptr_mut(key) else {
        return NOT_FOUND;
    };
    let Some(scene) = Scene::for_sweeper(key.endpoint) else {
        return NOT_FOUND;
    };
    scene.packet.source = key.local_address;
    scene.packet.destination = key.remote_address;
    scene.packet.source_port = key.local_port;
    scene.packet.destination_port = key.remote_port;
    scene.packet.protocol = key.protocol;
    scene.packet.marks = MARK_IPV6;
    finish(scene, connection)
}

/// Tells both directions; the scene shows a packet that the endpoint sends.
#[inline(always)]
fn finish(scene: &mut Scene, connection: *mut Connection) -> i32 {
    // SAFETY: a live map value.
    let entry = unsafe { &*connection };
    let pending = entry.pending_packets;
    let local_opened = entry.state & STATE_REMOTE_OPENED == 0;
    scene.ifindex = entry.ifindex;
    scene.packet.icmp_type = icmp_type(&scene.packet, local_opened);
    let mut told = NOTHING_PENDING;
    if pending[FORWARD] != 0 {
        told |= event::trace(scene, connection, 0, TRACE_ESTABLISHED as u64, event::FLUSH);
    }
    if pending[REPLY] != 0 {
        told |= event::trace(scene, connection, 1, TRACE_REPLY as u64, event::FLUSH);
    }
    if told & TOLD != 0 {
        count(Counter::Swept, 1);
    }
    told
}

/// The type of what the endpoint sends, from the connection's "ports".
#[inline(always)]
fn icmp_type(packet: &Packet, local_opened: bool) -> u8 {
    let type_port = match (packet.source_port, packet.destination_port) {
        (port, ICMP_OTHER_PORT) | (ICMP_OTHER_PORT, port) => port,
        _ => 0,
    };
    if type_port & ICMP_TYPE_PORT != 0 {
        return type_port as u8;
    }
    match (packet.protocol, local_opened) {
        (ICMP, true) => 8,
        (ICMPV6, true) => 128,
        (ICMPV6, false) => 129,
        _ => 0,
    }
}

#[inline(always)]
fn edge(request: &SweepRequest) -> i32 {
    // SAFETY: the key bytes hold an edge key; all bit patterns are valid.
    let key = unsafe { core::ptr::read_unaligned(request.key.as_ptr().cast::<EdgeKey>()) };
    let Some(state) = EDGES.get_ptr_mut(key) else {
        return NOT_FOUND;
    };
    // SAFETY: a live map value.
    let entry = unsafe { &*state };
    if entry.pending_packets == 0 {
        return NOTHING_PENDING;
    }
    let Some(scene) = Scene::for_sweeper(entry.endpoint as u16) else {
        return NOT_FOUND;
    };
    scene.ifindex = entry.ifindex;
    scene.packet.protocol = key.protocol;
    scene.packet.destination_port = key.port;
    scene.packet.marks = MARK_NO_IP;
    let told = event::drop_summary(scene, &key, state);
    if told & TOLD != 0 {
        count(Counter::Swept, 1);
    }
    told
}
