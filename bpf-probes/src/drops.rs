//! Dropping: count exactly, tell at a bounded rate.

use core::ptr::null_mut;

use aya_ebpf::helpers::bpf_ktime_get_ns;
use bpf_events::{
    connection::{Connection, STATE_REMOTE_OPENED},
    counters::{Counter, TOTAL_UNPARSED_PASSED},
    edge::{BucketKey, EdgeState},
    endpoint::MODE_ENFORCE,
    ipcache::AddressInfo,
    policy::RULE_NONE,
    record::{
        MARK_NO_IP, MARK_REJUDGED, MATCH_NONE, REASON_POLICY_DENIED, REASON_POLICY_DENY,
        VERDICT_DROPPED,
    },
};

use crate::{
    action::{DROP, NEXT},
    count::count,
    edge,
    entry::is_forward,
    event,
    judgement::{Judgement, service_port, set_edge},
    maps::{DROP_BUCKETS, EDGES},
    remote,
    scene::Scene,
};

/// A bucket holds what may be told in this time.
const BUCKET_NS: u64 = 1_000_000_000;

/// A packet that would open a connection and may not.
#[inline(always)]
pub fn denied(scene: &mut Scene) -> i32 {
    set_edge(scene);
    let state = edge::find_denied(scene);
    tell(scene, state, 0)
}

/// A packet of a connection that a later policy forbids, in either direction.
#[inline(never)]
pub fn revoked(scene: &mut Scene, connection: *mut Connection) -> i32 {
    // SAFETY: a live map value.
    let entry = unsafe { &mut *connection };
    entry.seen_jiffies = scene.now;
    let forward = is_forward(connection, scene.egress());
    scene.judgement = Judgement {
        remote: AddressInfo {
            identity: entry.remote_identity,
            metadata: entry.remote_metadata,
            endpoint: 0,
            flags: 0,
        },
        rule: entry.rule,
        revision: entry.policy_revision,
        edge_slot: entry.edge_slot,
        port: service_port(scene, forward),
        match_type: entry.match_type,
        verdict: VERDICT_DROPPED,
        reason: entry.reason,
        opener_egress: (entry.state & STATE_REMOTE_OPENED == 0) as u8,
        audited: 0,
        forward,
    };
    set_edge(scene);
    let state = EDGES.get_ptr_mut(&scene.edge).unwrap_or(null_mut());
    tell(scene, state, MARK_REJUDGED)
}

/// A packet that cannot be parsed: dropped only where policy is enforced.
#[inline(never)]
pub fn unparsed(scene: &mut Scene, reason: u64) -> i32 {
    let reason = reason as u8;
    if scene.row.mode != MODE_ENFORCE {
        scene.total(TOTAL_UNPARSED_PASSED);
        return NEXT;
    }
    let packet = &scene.packet;
    let address = if scene.egress() {
        &packet.destination
    } else {
        &packet.source
    };
    let remote = if packet.marks & MARK_NO_IP == 0 {
        remote::resolve(scene, address)
    } else {
        scene.packet.clear_addresses();
        AddressInfo {
            identity: 0,
            metadata: 0,
            endpoint: 0,
            flags: 0,
        }
    };
    scene.judgement = Judgement {
        remote,
        rule: RULE_NONE,
        revision: 0,
        edge_slot: scene.row.other_slot,
        port: 0,
        match_type: MATCH_NONE,
        verdict: VERDICT_DROPPED,
        reason,
        opener_egress: scene.egress() as u8,
        audited: 0,
        forward: true,
    };
    set_edge(scene);
    let state = edge::find_denied(scene);
    tell(scene, state, 0)
}

/// Counts the packet, and tells it if the bucket of its endpoint and reason allows.
#[inline(always)]
fn tell(scene: &mut Scene, state: *mut EdgeState, marks: u8) -> i32 {
    if !state.is_null() {
        // SAFETY: a live map value; the slot never changes.
        scene.judgement.edge_slot = unsafe { (*state).slot };
        remember(scene, state);
    }
    let reason = scene.judgement.reason;
    scene.total(reason as u32);
    edge::add(scene, !scene.judgement.forward as usize);
    if !may_tell(scene, reason) {
        count(Counter::RateLimited, 1);
        event::postpone(scene, state);
        return DROP;
    }
    event::judged(scene);
    if matches!(reason, REASON_POLICY_DENIED | REASON_POLICY_DENY) {
        let told = event::verdict(scene, marks as u64);
        scene.note(told);
    }
    let told = event::dropped(scene, state, marks as u64);
    scene.note(told);
    DROP
}

/// Notes who it was, for a summary.
#[inline(always)]
fn remember(scene: &Scene, state: *mut EdgeState) {
    let judgement = &scene.judgement;
    let (mut source, mut destination) = (scene.row.metadata, judgement.remote.metadata);
    if !judgement.opener_egress() {
        (source, destination) = (destination, source);
    }
    // SAFETY: a live map value; one aligned word.
    unsafe { (*state).metadata = (source as u64) << 32 | destination as u64 };
}

/// Takes a token. A lost race between CPUs lets one event more through; nothing is counted by it.
#[inline(always)]
fn may_tell(scene: &Scene, reason: u8) -> bool {
    let cost = scene.drop_event_cost_ns;
    if cost == 0 {
        return true;
    }
    // SAFETY: the helper has no arguments and cannot fail.
    let now = unsafe { bpf_ktime_get_ns() };
    let key = BucketKey {
        endpoint: scene.row.endpoint,
        reason: reason as u16,
    };
    let Some(paid_until) = DROP_BUCKETS.get_ptr_mut(key) else {
        // An LRU map takes every insert; if not, the bucket is simply full.
        return DROP_BUCKETS.insert(key, now + cost, 0).is_ok();
    };
    // SAFETY: a live map value; one aligned word.
    unsafe {
        let from = if *paid_until > now { *paid_until } else { now };
        if from - now >= BUCKET_NS {
            return false;
        }
        *paid_until = from + cost;
    }
    true
}
