//! A packet without a current judgement: ask policy, then open, renew or revoke its connection.

use bpf_events::{
    config::FLAG_LOCAL_HOST_PASSES,
    connection::{Connection, FORWARD, REPLY, STATE_REMOTE_OPENED},
    counters::Counter,
    endpoint::{MODE_ENFORCE, MODE_OFF},
    ipcache::ADDRESS_LOCAL_HOST,
    policy::{RULE_LOCAL_HOST, RULE_NONE},
    record::{
        MARK_REJUDGED, MATCH_ALL, MATCH_NONE, REASON_INVALID_SOURCE_IP, TRACE_ESTABLISHED,
        TRACE_REPLY, VERDICT_AUDIT, VERDICT_DROPPED, VERDICT_FORWARDED,
    },
};

use crate::{
    action::{ACCOUNT, NEXT},
    count::count,
    drops, edge,
    entry::is_alive,
    event,
    judgement::service_port,
    open::{self, find_slot, store},
    policy, remote,
    scene::Scene,
};

/// Judges a packet whose connection has no entry (`known` is null), or one that has expired or was judged under an earlier
/// epoch. Returns `ACCOUNT`, or the action if there is nothing left to do.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn judge(scene: *mut Scene, known: *mut Connection) -> i32 {
    // SAFETY: null or the CPU's own scene; the verifier wants to see the check.
    let Some(scene) = (unsafe { scene.as_mut() }) else {
        return NEXT;
    };
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
    if let Some(old) = known {
        flush(scene, old);
    }
    open::open(scene, known)
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
    let remote = remote::resolve(scene, address);
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
    } else if scene.row.mode == MODE_ENFORCE && scene.judgement.audited == 0 {
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
    judgement.audited = 0;
    if scene.row.mode == MODE_OFF {
        return;
    }
    if egress && !remote::may_send(scene) {
        scene.judgement.match_type = MATCH_NONE;
        scene.judgement.reason = REASON_INVALID_SOURCE_IP;
        return;
    }
    let from_host = scene.judgement.remote.flags & ADDRESS_LOCAL_HOST != 0;
    if from_host && scene.flags & FLAG_LOCAL_HOST_PASSES != 0 {
        scene.judgement.rule = RULE_LOCAL_HOST;
        return;
    }
    policy::decide(scene);
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
    }
    // Nearly always the one it has: but the other end may be managed now, or not any more.
    find_slot(scene);
    store(known, scene);
    if judged_anew && !denied {
        event::judged(scene);
        let told = event::verdict(scene, MARK_REJUDGED as u64);
        scene.note(told);
    }
    ACCOUNT
}

/// A packet that passed judgement, but whose entry was evicted before it could count the packet.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn forgotten(scene: *mut Scene) -> i32 {
    // SAFETY: null or the CPU's own scene; the verifier wants to see the check.
    let Some(scene) = (unsafe { scene.as_mut() }) else {
        return NEXT;
    };
    count(Counter::ConnectionInsertFailed, 1);
    if scene.judgement.verdict == VERDICT_DROPPED {
        return drops::denied(scene);
    }
    scene.total(scene.judgement.verdict as u32);
    edge::add(scene, !scene.judgement.forward as usize);
    NEXT
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
