//! One packet at one hook: who, may it, count, tell.

use core::ptr::{null_mut, read_volatile};

use aya_ebpf::{bindings::__sk_buff, programs::TcContext};
use bpf_events::{
    counters::{TOTAL_ALWAYS_PASSED, TOTAL_NO_ENDPOINT},
    endpoint::EndpointRow,
    record::MARK_FRAGMENT,
};

use crate::{
    action::{ACCOUNT, NEXT, OF_ITS_OWN},
    connection,
    count::{cpu, jiffies, total},
    drops, judge,
    maps::{CONFIG, ENDPOINT_BY_INTERFACE, ENDPOINT_ROWS},
    parse::plain,
    related,
    scene::{FOR_PACKETS, SCRATCH, Scene},
    slow,
    visit::Visit,
    window::Parsed,
};

#[inline(always)]
pub fn run<const EGRESS: bool>(context: &TcContext) -> i32 {
    let skb = context.skb.skb;
    // SAFETY: the kernel hands a valid skb to the program.
    let (ifindex, length) = unsafe { ((*skb).ifindex, (*skb).len) };
    let (Some(config), Some(scene)) = (CONFIG.get(0), SCRATCH.get_ptr_mut(FOR_PACKETS)) else {
        return NEXT;
    };
    // SAFETY: aligned words of a map value; volatile, so that they are read before all that they cover.
    let (policy_epoch, identity_epoch) = unsafe {
        (
            read_volatile(&raw const config.policy_epoch),
            read_volatile(&raw const config.identity_epoch),
        )
    };
    // SAFETY: this CPU's own scratch value; programs on one CPU do not interrupt each other.
    let packet = unsafe { &mut (*scene).packet };
    packet.begin();
    let Some(row) = endpoint(ifindex) else {
        packet.bytes = length as u64;
        total(cpu(), TOTAL_NO_ENDPOINT, EGRESS, packet);
        return NEXT;
    };
    let mut parsed = plain(skb, packet);
    if parsed == Parsed::NOT_PLAIN {
        parsed = slow::parse(skb, packet);
    }
    if parsed == Parsed::YES && packet.marks & MARK_FRAGMENT != 0 {
        parsed = slow::fragment(packet, row.endpoint, EGRESS);
    }
    let visit = Visit {
        packet,
        row,
        config,
        policy_epoch,
        identity_epoch,
        now: jiffies(),
        cpu: cpu(),
        ifindex,
        length,
        egress: EGRESS,
    };
    match parsed {
        Parsed::YES => pass_or_drop(skb, &visit),
        Parsed::ALWAYS_PASSES => {
            total(visit.cpu, TOTAL_ALWAYS_PASSED, EGRESS, visit.packet);
            NEXT
        }
        reason => match Scene::of(&visit) {
            Some(scene) => drops::unparsed(scene, reason),
            None => NEXT,
        },
    }
}

/// The next packet of a known connection is only counted; anything else is judged first, which makes it known.
#[inline(always)]
fn pass_or_drop(skb: *mut __sk_buff, visit: &Visit<'_>) -> i32 {
    if visit.packet.quote_at != 0
        && let Some(scene) = Scene::of(visit)
    {
        let action = related::pass(skb, scene);
        if action != OF_ITS_OWN {
            return action;
        }
    }
    let mut judged = false;
    loop {
        let known = match connection::find(visit) {
            Some(known) if judged || connection::is_current(known, visit) => {
                return connection::account(visit, known);
            }
            Some(known) => known,
            None => null_mut(),
        };
        let Some(scene) = Scene::of(visit) else {
            return NEXT;
        };
        if judged {
            return judge::forgotten(scene);
        }
        match judge::judge(scene, known) {
            ACCOUNT => judged = true,
            action => return action,
        }
    }
}

/// The endpoint that owns the interface.
#[inline(always)]
fn endpoint(ifindex: u32) -> Option<&'static EndpointRow> {
    let entry = ENDPOINT_BY_INTERFACE.get_ptr(ifindex & 0xffff)?;
    // SAFETY: an aligned word of a map value; volatile, since user space switches it while we run.
    let entry = unsafe { read_volatile(entry) };
    if entry as u32 != ifindex {
        return None;
    }
    ENDPOINT_ROWS.get((entry >> 32) as u32)
}
