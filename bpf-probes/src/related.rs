//! ICMP errors belong to the connection that they quote: they pass if it does, are counted with it, and change nothing of it.

use aya_ebpf::bindings::__sk_buff;
use bpf_events::{
    config::AGGREGATION_NONE,
    connection::{Connection, FORWARD, REPLY, REPORTED_RELATED, STATE_TRACE_FORWARD},
    endpoint::MODE_OFF,
    record::VERDICT_DROPPED,
    sweep::TOLD,
};

use crate::{
    action::{NEXT, OF_ITS_OWN},
    atomic,
    edge::Cells,
    entry::{add_reported, is_forward, is_within_lifetime},
    event,
    key::{key4, key6},
    maps::{CONNECTIONS4, CONNECTIONS6},
    packet::is_same,
    quote, remote,
    scene::Scene,
};

/// Lets an error pass whose quoted connection is alive and passes.
#[inline(never)]
pub fn pass(skb: *mut __sk_buff, scene: &mut Scene) -> i32 {
    if !quote::read(skb, scene) || !is_about_endpoint(scene) {
        return OF_ITS_OWN;
    }
    let Some(connection) = find(scene) else {
        return OF_ITS_OWN;
    };
    if !holds(scene, connection) {
        return OF_ITS_OWN;
    }
    account(scene, connection);
    NEXT
}

/// Whether the quoted packet went the other way between the endpoint and, if the endpoint sends the error, the one to whom
/// it sends it: else a quote of one connection would open the way to anybody. An error to the endpoint may come from any
/// router.
#[inline(always)]
fn is_about_endpoint(scene: &Scene) -> bool {
    let (packet, quote) = (&scene.packet, &scene.quote);
    if !scene.egress() {
        return is_same(&packet.destination, &quote.source);
    }
    let may_send = scene.row.mode == MODE_OFF || remote::may_send(scene);
    may_send
        && is_same(&packet.source, &quote.destination)
        && is_same(&packet.destination, &quote.source)
}

/// The entry of the quoted connection, whose packet went the other way.
#[inline(always)]
fn find(scene: &mut Scene) -> Option<*mut Connection> {
    let (endpoint, egress) = (scene.row.endpoint, !scene.egress());
    if scene.packet.is_ipv6() {
        scene.key6 = key6(&scene.quote, endpoint, egress);
        CONNECTIONS6.get_ptr_mut(&scene.key6)
    } else {
        scene.key4 = key4(&scene.quote, endpoint, egress);
        CONNECTIONS4.get_ptr_mut(&scene.key4)
    }
}

/// Whether the entry lives, was judged under the present epochs, and passes.
#[inline(always)]
fn holds(scene: &Scene, connection: *mut Connection) -> bool {
    // SAFETY: a live map value.
    let entry = unsafe { &*connection };
    entry.policy_epoch == scene.policy_epoch
        && entry.identity_epoch == scene.identity_epoch
        && entry.verdict != VERDICT_DROPPED
        && is_within_lifetime(connection, scene.quote.protocol, scene.now, scene.ticks)
}

/// Counts the error with its connection; the first of a direction is told at once, later ones with the next event. Neither
/// the connection's state nor its time moves.
#[inline(always)]
fn account(scene: &mut Scene, connection: *mut Connection) {
    // SAFETY: a live map value; what several CPUs change is changed atomically.
    let entry = unsafe { &mut *connection };
    let packet = &scene.packet;
    let way = if is_forward(connection, scene.egress()) {
        FORWARD
    } else {
        REPLY
    };
    atomic::add(&raw mut entry.packets[way & 1], packet.packets);
    atomic::add(&raw mut entry.bytes[way & 1], packet.bytes);
    scene.total(entry.verdict as u32);
    let cells = Cells {
        cpu: scene.cpu,
        slots: scene.edge_slots,
    };
    cells.add(entry.edge_slot, way, packet);
    let every_packet = scene.aggregation == AGGREGATION_NONE;
    if entry.state & (STATE_TRACE_FORWARD << way) == 0 && !every_packet {
        return;
    }
    let news = entry.flags_reported[way & 1] & REPORTED_RELATED == 0;
    if news || every_packet {
        add_reported(connection, way, REPORTED_RELATED);
        let told = event::related(scene, connection, way as u64);
        scene.note(told);
        if told & TOLD != 0 {
            return;
        }
    }
    atomic::add(
        &raw mut entry.pending_packets[way & 1],
        scene.packet.packets,
    );
    atomic::add(&raw mut entry.pending_bytes[way & 1], scene.packet.bytes);
}
