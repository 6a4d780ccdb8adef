//! What few packets need before they can be judged: headers pulled into the linear part or behind VLAN tags, ports of a
//! fragment.

use aya_ebpf::{bindings::__sk_buff, helpers::bpf_skb_pull_data};
use bpf_events::{
    counters::Counter,
    fragment::FragmentKey,
    record::{REASON_FRAGMENT_NOT_FOUND, REASON_TRUNCATED_HEADER},
};

use crate::{count::count, maps::FRAGMENTS, packet::Packet, parse, window::Parsed};

/// Longest headers that are pulled into the linear part.
const PULL_BYTES: u32 = 256;

/// Parses a packet with VLAN tags, or one whose headers are not linear: those are pulled first.
#[inline(never)]
pub fn parse(skb: *mut __sk_buff, packet: &mut Packet) -> u64 {
    // SAFETY: the context is valid; packet pointers are read anew after the pull.
    unsafe {
        let length = (*skb).len;
        let bytes = if length < PULL_BYTES {
            length
        } else {
            PULL_BYTES
        };
        if ((*skb).data_end - (*skb).data) < bytes {
            count(Counter::Pulled, 1);
            bpf_skb_pull_data(skb, bytes);
        }
    }
    packet.begin();
    match parse::tagged(skb, packet) {
        Parsed::NOT_PLAIN => REASON_TRUNCATED_HEADER as u64,
        parsed => parsed,
    }
}

/// Remembers ports and ICMP type of a first fragment, or fills in those of a later one; a drop reason if its first was never seen.
#[inline(never)]
pub fn fragment(packet: &mut Packet, endpoint: u16, egress: bool) -> u64 {
    let key = FragmentKey {
        source: packet.source,
        destination: packet.destination,
        id: packet.fragment_id,
        endpoint,
        protocol: packet.protocol,
        egress: egress as u8,
    };
    if !packet.is_later_fragment() {
        let first = (packet.icmp_type as u64) << 32
            | (packet.source_port as u64) << 16
            | packet.destination_port as u64;
        // An LRU map takes every insert; if not, the later fragments are counted as unknown.
        return match FRAGMENTS.insert(key, first, 0) {
            Ok(()) => Parsed::YES,
            Err(_) => REASON_FRAGMENT_NOT_FOUND as u64,
        };
    }
    // SAFETY: one word, copied at once.
    let Some(first) = (unsafe { FRAGMENTS.get(key) }) else {
        count(Counter::FragmentsUnknown, 1);
        return REASON_FRAGMENT_NOT_FOUND as u64;
    };
    packet.icmp_type = (*first >> 32) as u8;
    packet.source_port = (*first >> 16) as u16;
    packet.destination_port = *first as u16;
    Parsed::YES
}
