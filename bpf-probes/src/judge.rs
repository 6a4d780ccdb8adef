//! A packet without a current judgement: ask policy, then create, renew or revoke its connection.

use bpf_events::{
    config::FLAG_LOCAL_HOST_PASSES,
    connection::{
        Connection, FORWARD, REPLY, STATE_MIDSTREAM, STATE_REMOTE_OPENED, STATE_TRACE_FORWARD,
        STATE_TRACE_REPLY,
    },
    counters::Counter,
    endpoint::{MODE_ENFORCE, MODE_OFF},
    ipcache::{ADDRESS_LOCAL_HOST, ADDRESS_MANAGED},
    policy::{RULE_LOCAL_HOST, RULE_NONE},
    record::{
        MARK_MIDSTREAM, MARK_REJUDGED, MATCH_ALL, MATCH_NONE, REASON_INVALID_SOURCE_IP,
        TRACE_ESTABLISHED, TRACE_REPLY, VERDICT_AUDIT, VERDICT_DROPPED, VERDICT_FORWARDED,
    },
};

use crate::{
    action::NEXT,
    connection,
    count::count,
    drops, edge,
    entry::is_alive,
    event,
    judgement::{service_port, set_edge},
    packet::{SYN, TCP},
    policy, remote,
    scene::Scene,
    words::{put, put_all},
};

/// The packet passed judgement and its connection exists: account for it.
pub const ACCOUNT: i32 = 100;

const ANY: u64 = 0;
const NO_EXIST: u64 = 1;
const EEXIST: i32 = -17;

/// Judges a packet whose connection has no entry (`known` is null), or one that has expired or was judged under an earlier
/// epoch. Returns `ACCOUNT`, or the action if there is nothing left to do.
#[inline(never)]
pub fn judge(scene: &mut Scene, known: *mut Connection) -> i32 {
    let known = (!known.is_null()).then_some(known);
    let alive = known.filter(|known| is_alive(*known, &scene.packet, scene.now, scene.ticks));
    let opener_egress = match alive {
        Some(entry) => {
            // SAFETY: a live map value.
            unsafe { (*entry).state & STATE_REMOTE_OPENED == 0 }
        }
        None => scene.egress(),
    };
    ask(scene, opener_egress);
    if let Some(entry) = alive {
        return renew(scene, entry);
    }
    if scene.judgement.verdict == VERDICT_DROPPED {
        return drops::denied(scene);
    }
    create(scene, known)
}

/// Who is it, and may it.
#[inline(always)]
fn ask(scene: &mut Scene, opener_egress: bool) {
    let packet = &scene.packet;
    let address = if scene.egress() {
        &packet.destination
    } else {
        &packet.source
    };
    let remote = remote::resolve(address, packet.is_ipv6());
    let forward = opener_egress == scene.egress();
    let port = service_port(scene, forward);
    // Field by field, see `words`.
    scene.judgement.remote.identity = remote.identity;
    scene.judgement.remote.metadata = remote.metadata;
    scene.judgement.remote.endpoint = remote.endpoint;
    scene.judgement.remote.flags = remote.flags;
    scene.judgement.port = port;
    scene.judgement.edge_slot = scene.row.other_slot;
    scene.judgement.opener_egress = opener_egress as u8;
    scene.judgement.forward = forward;
    decide(scene);
    scene.judgement.verdict = if scene.judgement.reason == 0 {
        VERDICT_FORWARDED
    } else if scene.row.mode == MODE_ENFORCE {
        VERDICT_DROPPED
    } else {
        VERDICT_AUDIT
    };
}

/// Rule, match type and reason.
#[inline(always)]
fn decide(scene: &mut Scene) {
    let egress = scene.egress();
    let judgement = &mut scene.judgement;
    judgement.rule = RULE_NONE;
    judgement.revision = 0;
    judgement.match_type = MATCH_ALL;
    judgement.reason = 0;
    if scene.row.mode == MODE_OFF {
        return;
    }
    let packet = &scene.packet;
    if egress && !remote::may_send_from(&scene.row, &packet.source, packet.is_ipv6()) {
        judgement.match_type = MATCH_NONE;
        judgement.reason = REASON_INVALID_SOURCE_IP;
        return;
    }
    let from_host = judgement.remote.flags & ADDRESS_LOCAL_HOST != 0;
    if from_host && scene.flags & FLAG_LOCAL_HOST_PASSES != 0 {
        judgement.rule = RULE_LOCAL_HOST;
        return;
    }
    policy::decide(scene);
}

/// A first packet that passes: makes the entry and tells the verdict.
#[inline(always)]
fn create(scene: &mut Scene, replaced: Option<*mut Connection>) -> i32 {
    if let Some(old) = replaced {
        flush(scene, old);
    }
    find_slot(scene);
    prepare(scene);
    let flags = match replaced {
        Some(old) => {
            inherit(scene, old);
            ANY
        }
        None => NO_EXIST,
    };
    match connection::insert(scene, flags) {
        Ok(()) => {
            count(Counter::ConnectionsCreated, 1);
            if flags == ANY {
                count(Counter::ConnectionsRemoved, 1);
            }
            let midstream = scene.connection.state & STATE_MIDSTREAM != 0;
            let mark = if midstream { MARK_MIDSTREAM } else { 0 };
            let told = event::verdict(scene, mark as u64);
            scene.note(told);
            ACCOUNT
        }
        // Another CPU judged a packet of the same connection first.
        Err(EEXIST) => ACCOUNT,
        Err(_) => {
            // The packet passes; its answer will be judged as a packet of its own.
            count(Counter::ConnectionInsertFailed, 1);
            let told = event::verdict(scene, 0);
            scene.note(told);
            edge::add(scene, FORWARD);
            scene.total(scene.judgement.verdict as u32);
            NEXT
        }
    }
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
fn find_slot(scene: &mut Scene) {
    set_edge(scene);
    let state = edge::find(scene);
    if !state.is_null() {
        // SAFETY: a live map value; the slot never changes.
        scene.judgement.edge_slot = unsafe { (*state).slot };
    }
}

/// Writes a new connection into the scratch entry.
#[inline(always)]
fn prepare(scene: &mut Scene) {
    let judgement = &scene.judgement;
    let mut state = 0;
    let unmanaged = judgement.remote.flags & ADDRESS_MANAGED == 0;
    if judgement.opener_egress() {
        state |= STATE_TRACE_REPLY;
        if unmanaged {
            state |= STATE_TRACE_FORWARD;
        }
    } else {
        state |= STATE_REMOTE_OPENED | STATE_TRACE_FORWARD;
        if unmanaged {
            state |= STATE_TRACE_REPLY;
        }
    }
    if scene.packet.protocol == TCP && scene.packet.tcp_flags & SYN == 0 {
        state |= STATE_MIDSTREAM;
    }
    let entry = &mut scene.connection;
    put_all(&mut entry.packets, [0; 2]);
    put_all(&mut entry.bytes, [0; 2]);
    put_all(&mut entry.pending_packets, [0; 2]);
    put_all(&mut entry.pending_bytes, [0; 2]);
    put_all(&mut entry.event_jiffies, [0; 2]);
    put_all(&mut entry.flags_reported, [0; 2]);
    put_all(&mut entry.flags_pending, [0; 2]);
    put(&mut entry.seen_jiffies, scene.now);
    put(&mut entry.ifindex, scene.ifindex);
    put(&mut entry.state, state);
    store(&raw mut scene.connection, scene);
}

/// Writes the judgement into an entry.
#[inline(always)]
fn store(entry: *mut Connection, scene: &Scene) {
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

/// A known connection under a new epoch: keeps its counts, takes the new judgement.
#[inline(always)]
fn renew(scene: &mut Scene, known: *mut Connection) -> i32 {
    // SAFETY: a live map value.
    let entry = unsafe { &*known };
    count(Counter::Rejudged, 1);
    let judgement = &scene.judgement;
    let denied = judgement.verdict == VERDICT_DROPPED;
    let judged_anew = entry.verdict != judgement.verdict || entry.rule != judgement.rule;
    if denied && entry.verdict != VERDICT_DROPPED {
        count(Counter::Revoked, 1);
    }
    if judged_anew
        || entry.remote_identity != judgement.remote.identity
        || entry.local_identity != scene.row.identity
        || entry.remote_metadata != judgement.remote.metadata
        || entry.local_metadata != scene.row.metadata
    {
        // What went by belongs to who they were and the rule that held then.
        flush(scene, known);
        find_slot(scene);
    } else {
        scene.judgement.edge_slot = entry.edge_slot;
    }
    store(known, scene);
    if judged_anew && !denied {
        let told = event::verdict(scene, MARK_REJUDGED as u64);
        scene.note(told);
    }
    ACCOUNT
}

/// Tells what both directions carried so far.
#[inline(always)]
fn flush(scene: &mut Scene, known: *mut Connection) {
    // SAFETY: a live map value.
    let pending = unsafe { (*known).pending_packets };
    if pending[FORWARD] != 0 {
        let told = event::trace(scene, known, 0, TRACE_ESTABLISHED as u64, event::FLUSH);
        scene.note(told);
    }
    if pending[REPLY] != 0 {
        let told = event::trace(scene, known, 1, TRACE_REPLY as u64, event::FLUSH);
        scene.note(told);
    }
}
