//! May it: finds the deciding rule, the matching cell with the smallest rank.

use bpf_events::{
    policy::{
        ACTION_ALLOW, AUDIT_BIT, AUDITED_EGRESS, AUDITED_INGRESS, DIRECTION_BIT_EGRESS,
        ENFORCED_EGRESS, ENFORCED_INGRESS, PREFIXES_ANY_PROTOCOL, PolicyHeader,
    },
    record::{MATCH_NONE, REASON_POLICY_DENIED, REASON_POLICY_DENY},
};

use crate::{
    maps::{POLICY_CELLS, POLICY_GENERATIONS, POLICY_SETS},
    scene::Scene,
};

/// Rank of "no cell".
const NO_RANK: u32 = u32::MAX;
/// Prefix lengths 0 to 16, then "any protocol".
const LOOKUPS: u32 = 18;

/// Asks the endpoint's policy set about the scene's judgement, which holds peer, port and direction.
#[inline(always)]
pub fn decide(scene: &mut Scene) {
    let Some(generation) = POLICY_SETS.get_ptr(scene.row.policy_set) else {
        return;
    };
    // SAFETY: an aligned word of a map value; volatile, since user space switches it while we run.
    let generation = unsafe { core::ptr::read_volatile(generation) };
    let Some(header) = POLICY_GENERATIONS.get(generation) else {
        return;
    };
    scene.judgement.revision = header.revision;
    scene.cell_key.generation = generation;
    enforced(scene, header);
    if scene.judgement.reason == 0 {
        audited(scene, header);
    }
}

/// What the policies say that enforce; an allow of one that only audits counts too.
#[inline(always)]
fn enforced(scene: &mut Scene, header: &PolicyHeader) {
    let egress = scene.judgement.opener_egress();
    let way = egress as usize & 1;
    let (by_identity, any) = (header.identity_prefixes[way], header.any_prefixes[way]);
    scan(scene, by_identity, any, 0);
    let flag = if egress {
        ENFORCED_EGRESS
    } else {
        ENFORCED_INGRESS
    };
    if scene.best.rank != NO_RANK {
        take_best(scene);
    } else if header.flags & flag != 0 {
        deny_by_default(scene, header);
    }
}

/// What passes is held against the policies that only audit.
#[inline(always)]
fn audited(scene: &mut Scene, header: &PolicyHeader) {
    let egress = scene.judgement.opener_egress();
    let prefixes = header.audit_prefixes[egress as usize & 1];
    let flag = if egress {
        AUDITED_EGRESS
    } else {
        AUDITED_INGRESS
    };
    let allowed = scene.best.rank != NO_RANK;
    if prefixes != 0 {
        scan(scene, prefixes, prefixes, AUDIT_BIT);
        if scene.best.rank != NO_RANK {
            scene.judgement.audited = 1;
            take_best(scene);
            return;
        }
    }
    if !allowed && header.flags & flag != 0 {
        scene.judgement.audited = 1;
        deny_by_default(scene, header);
    }
}

#[inline(always)]
fn take_best(scene: &mut Scene) {
    let judgement = &mut scene.judgement;
    judgement.rule = scene.best.rule;
    judgement.match_type = scene.best.match_type;
    if scene.best.action != ACTION_ALLOW {
        judgement.reason = REASON_POLICY_DENY;
    }
}

#[inline(always)]
fn deny_by_default(scene: &mut Scene, header: &PolicyHeader) {
    let judgement = &mut scene.judgement;
    judgement.rule = header.default_rules[judgement.opener_egress() as usize & 1];
    judgement.match_type = MATCH_NONE;
    judgement.reason = REASON_POLICY_DENIED;
}

/// Looks up cells for the peer's identity, then for any.
#[inline(always)]
fn scan(scene: &mut Scene, by_identity: u32, any: u32, audit: u8) {
    scene.best.rank = NO_RANK;
    let egress = if scene.judgement.opener_egress() {
        DIRECTION_BIT_EGRESS
    } else {
        0
    };
    let bits = (egress | audit) as u32;
    if by_identity != 0 {
        scene.cell_key.identity = scene.judgement.remote.identity;
        let found = look_up(scene, by_identity, bits);
        scene.note(found);
    }
    if any != 0 {
        scene.cell_key.identity = 0;
        let found = look_up(scene, any, bits);
        scene.note(found);
    }
}

/// One look-up per prefix length in use, the longest first, since most sets use no others. Keeps the best in the scene: on
/// the stack, each would be a state of its own for the verifier.
#[inline(never)]
fn look_up(scene: &mut Scene, mask: u32, bits: u32) -> i32 {
    for turn in 0..LOOKUPS {
        let prefix = LOOKUPS - 1 - turn;
        if mask & ((2 << prefix) - 1) == 0 {
            break;
        }
        if mask & (1 << prefix) == 0 {
            continue;
        }
        let any_protocol = 1 << prefix == PREFIXES_ANY_PROTOCOL;
        let length = if any_protocol { 0 } else { prefix };
        scene.cell_key.port = scene.judgement.port & (0xffff_0000u32 >> length) as u16;
        scene.cell_key.protocol = if any_protocol {
            0
        } else {
            scene.packet.protocol
        };
        scene.cell_key.prefix = (length | bits) as u8;
        // SAFETY: copied at once; cells are replaced, never changed in place.
        if let Some(cell) = unsafe { POLICY_CELLS.get(&scene.cell_key) }
            && cell.rank < scene.best.rank
        {
            // Field by field, see `words`.
            scene.best.rank = cell.rank;
            scene.best.rule = cell.rule;
            scene.best.action = cell.action;
            scene.best.match_type = cell.match_type;
        }
    }
    scene.best.rank as i32
}
