//! Parsing one packet: Ethernet, VLAN tags, IPv4 with options, IPv6 with extension headers.
//!
//! Every field is read after a bounds check of constant size, which is what the verifier follows.

use aya_ebpf::bindings::__sk_buff;
use bpf_events::record::{
    MARK_FRAGMENT, MARK_IPV6, MARK_NO_IP, MARK_VLAN, REASON_INVALID_EXTENSION_HEADER,
    REASON_INVALID_PACKET, REASON_UNSUPPORTED_L3,
};

use crate::{
    packet::{Packet, mapped},
    transport::transport_header,
    window::{Parsed, Window},
    words::put_all,
};

pub const ETHERNET_BYTES: usize = 14;
/// Extension headers of IPv6 that are read.
pub const EXTENSION_HEADERS: usize = 6;
pub const FRAGMENT_HEADER: u8 = 44;
pub const AUTHENTICATION_HEADER: u8 = 51;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_SERVICE_VLAN: u16 = 0x88a8;
/// Tags in the packet that are read, besides the one that the kernel keeps apart.
const VLAN_TAGS: usize = 2;
const VLAN_TAG_BYTES: u32 = 4;
const VLAN_ID: u16 = 0x0fff;

/// Parses a packet whose headers are linear and untagged, as nearly all are; `NOT_PLAIN` says that it is another one.
#[inline(always)]
pub fn plain(skb: *const __sk_buff, packet: &mut Packet) -> u64 {
    // SAFETY: the kernel hands a valid skb to the program.
    let skb = unsafe { &*skb };
    let window = Window::of(skb);
    let ethertype = match ethernet(&window, skb, packet) {
        Ok(ethertype) => ethertype,
        Err(parsed) => return parsed,
    };
    let parsed = network(&window, packet, ethertype, ETHERNET_BYTES);
    count_segments(skb, packet);
    parsed
}

/// Parses a packet that may have VLAN tags.
#[inline(always)]
pub fn tagged(skb: *const __sk_buff, packet: &mut Packet) -> u64 {
    // SAFETY: as above.
    let skb = unsafe { &*skb };
    let window = Window::of(skb);
    let mut ethertype = match ethernet(&window, skb, packet) {
        Ok(ethertype) => ethertype,
        Err(parsed) => return parsed,
    };
    packet.header_bytes = ETHERNET_BYTES as u32;
    for _ in 0..VLAN_TAGS {
        if !is_vlan(ethertype) {
            break;
        }
        let Some([tag, inner]) = window.read::<[u16; 2]>(network_at(packet)) else {
            return window.missing(REASON_UNSUPPORTED_L3);
        };
        mark_vlan(packet, u16::from_be(tag));
        packet.header_bytes += VLAN_TAG_BYTES;
        ethertype = u16::from_be(inner);
    }
    let at = network_at(packet);
    packet.header_bytes = 0;
    let parsed = network(&window, packet, ethertype, at);
    count_segments(skb, packet);
    parsed
}

/// Where the network header begins, kept in the packet: one number for the verifier, not a path for each count of tags.
#[inline(always)]
fn network_at(packet: &Packet) -> usize {
    // SAFETY: a reference is valid; volatile, so that it is really read back.
    let at = unsafe { core::ptr::read_volatile(&raw const packet.header_bytes) };
    (at & 0x1f) as usize
}

/// MACs, the tag that the kernel keeps apart, and the ethertype.
#[inline(always)]
fn ethernet(window: &Window, skb: &__sk_buff, packet: &mut Packet) -> Result<u16, u64> {
    packet.bytes = skb.len as u64;
    if skb.vlan_present != 0 {
        mark_vlan(packet, skb.vlan_tci as u16);
    }
    let (Some(macs), Some(ethertype)) = (window.read::<[u32; 3]>(0), window.read::<u16>(12)) else {
        packet.macs = [0; 3];
        return Err(window.missing(REASON_UNSUPPORTED_L3));
    };
    put_all(&mut packet.macs, macs);
    Ok(u16::from_be(ethertype))
}

#[inline(always)]
fn is_vlan(ethertype: u16) -> bool {
    ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_SERVICE_VLAN
}

/// The first tag is the outer one.
#[inline(always)]
fn mark_vlan(packet: &mut Packet, tag: u16) {
    if packet.marks & MARK_VLAN == 0 {
        packet.marks |= MARK_VLAN;
        packet.vlan = tag & VLAN_ID;
    }
}

/// The network header at `at` and what is behind it.
#[inline(always)]
fn network(window: &Window, packet: &mut Packet, ethertype: u16, at: usize) -> u64 {
    let transport = match ethertype {
        ETHERTYPE_IPV4 => ipv4(window, packet, at),
        ETHERTYPE_IPV6 => ipv6(window, packet, at),
        ETHERTYPE_ARP => return Parsed::ALWAYS_PASSES,
        _ if is_vlan(ethertype) && at == ETHERNET_BYTES => return Parsed::NOT_PLAIN,
        _ => Err(REASON_UNSUPPORTED_L3 as u64),
    };
    match transport {
        Ok(offset) => transport_header(window, packet, offset),
        Err(parsed) => parsed,
    }
}

/// The segments of a super-packet, which each carry the headers.
#[inline(always)]
fn count_segments(skb: &__sk_buff, packet: &mut Packet) {
    if skb.gso_segs > 1 {
        let more = skb.gso_segs as u64 - 1;
        packet.packets += more;
        packet.bytes += more * packet.header_bytes as u64;
    }
}

/// Offset of the transport header; `Err` if there is none to be parsed.
#[inline(always)]
fn ipv4(window: &Window, packet: &mut Packet, at: usize) -> Result<usize, u64> {
    let Some(header) = window.read::<[u32; 5]>(at) else {
        return Err(window.missing(REASON_INVALID_PACKET));
    };
    let first = header[0].to_ne_bytes()[0];
    let header_bytes = (first & 0x0f) as usize * 4;
    if first >> 4 != 4 || header_bytes < 20 {
        return Err(REASON_INVALID_PACKET as u64);
    }
    packet.protocol = header[2].to_ne_bytes()[1];
    packet.source = mapped(header[3]);
    packet.destination = mapped(header[4]);
    packet.marks &= !MARK_NO_IP;
    let identification = u32::from_be(header[1]);
    let mut later = false;
    if identification & 0x3fff != 0 {
        packet.marks |= MARK_FRAGMENT;
        packet.fragment_id = identification >> 16;
        later = identification & 0x1fff != 0;
    }
    if later {
        return Err(Parsed::YES);
    }
    Ok(at + header_bytes)
}

#[inline(always)]
fn ipv6(window: &Window, packet: &mut Packet, at: usize) -> Result<usize, u64> {
    packet.marks |= MARK_IPV6;
    let Some(header) = window.read::<[u32; 10]>(at) else {
        return Err(window.missing(REASON_INVALID_PACKET));
    };
    if header[0].to_ne_bytes()[0] >> 4 != 6 {
        return Err(REASON_INVALID_PACKET as u64);
    }
    packet.source = [header[2], header[3], header[4], header[5]];
    packet.destination = [header[6], header[7], header[8], header[9]];
    packet.marks &= !MARK_NO_IP;
    let mut next = header[1].to_ne_bytes()[2];
    let mut offset = at + 40;
    for _ in 0..EXTENSION_HEADERS {
        match next {
            // Hop-by-hop, routing, destination options, authentication.
            0 | 43 | 60 | AUTHENTICATION_HEADER => {
                let Some([following, length]) = window.read::<[u8; 2]>(offset) else {
                    return Err(window.missing(REASON_INVALID_EXTENSION_HEADER));
                };
                let units = length as usize;
                offset += if next == AUTHENTICATION_HEADER {
                    (units + 2) * 4
                } else {
                    (units + 1) * 8
                };
                next = following;
            }
            FRAGMENT_HEADER => {
                let Some(fragment) = window.read::<[u32; 2]>(offset) else {
                    return Err(window.missing(REASON_INVALID_EXTENSION_HEADER));
                };
                packet.marks |= MARK_FRAGMENT;
                packet.fragment_id = fragment[1];
                next = fragment[0].to_ne_bytes()[0];
                offset += 8;
                if u32::from_be(fragment[0]) & 0xfff8 != 0 {
                    packet.protocol = next;
                    return Err(Parsed::YES);
                }
            }
            _ => {
                packet.protocol = next;
                return Ok(offset);
            }
        }
    }
    Err(REASON_INVALID_EXTENSION_HEADER as u64)
}
