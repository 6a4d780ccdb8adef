//! What an ICMP error quotes: the head of the packet that it is about.
//!
//! Read by a helper, not through packet pointers: the quote lies deep in the packet, and its bytes are copied into scratch
//! memory, where a parsed header is one state for the verifier.

use core::ptr::read_volatile;

use aya_ebpf::{bindings::__sk_buff, helpers::bpf_skb_load_bytes};
use bpf_events::record::MARK_IPV6;

use crate::{
    packet::{ICMP, ICMPV6, SCTP, TCP, UDP, mapped},
    parse::{AUTHENTICATION_HEADER, EXTENSION_HEADERS, FRAGMENT_HEADER},
    scene::Scene,
    transport::{icmp, ports},
    words::put,
};

/// An ICMP error quotes at least this much behind the IP header.
const TRANSPORT_BYTES: u32 = 8;

/// Reads the quote of the scene's packet into `scene.quote`; false if it names no connection.
#[inline(always)]
pub fn read(skb: *mut __sk_buff, scene: &mut Scene) -> bool {
    let at = scene.packet.quote_at;
    scene.quote.begin();
    let network = if scene.packet.is_ipv6() {
        ipv6(skb, scene, at)
    } else {
        ipv4(skb, scene, at)
    };
    if !network || !load(skb, scene, transport_at(scene), TRANSPORT_BYTES) {
        return false;
    }
    let header = [scene.quote_words[0], scene.quote_words[1]];
    let quote = &mut scene.quote;
    match quote.protocol {
        TCP | UDP | SCTP => ports(quote, header[0]),
        ICMP | ICMPV6 => {
            let icmp_type = header[0].to_ne_bytes()[0];
            // No error is about anything but an echo, least of all about an error.
            if !matches!(
                (quote.protocol, icmp_type),
                (ICMP, 0 | 8) | (ICMPV6, 128 | 129)
            ) {
                return false;
            }
            icmp(quote, header);
        }
        _ => {}
    }
    true
}

#[inline(always)]
fn ipv4(skb: *mut __sk_buff, scene: &mut Scene, at: u32) -> bool {
    if !load(skb, scene, at, 20) {
        return false;
    }
    let words = &scene.quote_words;
    let first = words[0].to_ne_bytes()[0];
    let header_bytes = (first & 0x0f) as u32 * 4;
    // Only a first fragment has ports.
    if first >> 4 != 4 || header_bytes < 20 || u32::from_be(words[1]) & 0x1fff != 0 {
        return false;
    }
    let quote = &mut scene.quote;
    quote.protocol = words[2].to_ne_bytes()[1];
    quote.source = mapped(words[3]);
    quote.destination = mapped(words[4]);
    quote.marks = 0;
    put(&mut quote.quote_at, at + header_bytes);
    true
}

#[inline(always)]
fn ipv6(skb: *mut __sk_buff, scene: &mut Scene, at: u32) -> bool {
    if !load(skb, scene, at, 40) {
        return false;
    }
    let words = &scene.quote_words;
    if words[0].to_ne_bytes()[0] >> 4 != 6 {
        return false;
    }
    let quote = &mut scene.quote;
    quote.source = [words[2], words[3], words[4], words[5]];
    quote.destination = [words[6], words[7], words[8], words[9]];
    quote.marks = MARK_IPV6;
    put(&mut quote.protocol, words[1].to_ne_bytes()[2]);
    put(&mut quote.quote_at, at + 40);
    for _ in 0..EXTENSION_HEADERS {
        // SAFETY: a reference is valid; volatile, so that each turn begins with what is in the scene.
        let next = unsafe { read_volatile(&raw const scene.quote.protocol) };
        if !matches!(next, 0 | 43 | 60 | AUTHENTICATION_HEADER | FRAGMENT_HEADER) {
            return true;
        }
        let at = transport_at(scene);
        if !load(skb, scene, at, 8) {
            return false;
        }
        let [following, length, high, low] = scene.quote_words[0].to_ne_bytes();
        let bytes = match next {
            FRAGMENT_HEADER if high != 0 || low & 0xf8 != 0 => return false,
            FRAGMENT_HEADER => 8,
            AUTHENTICATION_HEADER => (length as u32 + 2) * 4,
            _ => (length as u32 + 1) * 8,
        };
        put(&mut scene.quote.protocol, following);
        put(&mut scene.quote.quote_at, at + bytes);
    }
    false
}

/// Where the quoted header that comes next begins.
#[inline(always)]
fn transport_at(scene: &Scene) -> u32 {
    // SAFETY: as above.
    unsafe { read_volatile(&raw const scene.quote.quote_at) }
}

/// Copies bytes of the packet into the scene, if they are there.
#[inline(always)]
fn load(skb: *mut __sk_buff, scene: &mut Scene, at: u32, bytes: u32) -> bool {
    let words = scene.quote_words.as_mut_ptr();
    // SAFETY: the context is valid, and `bytes` is at most the size of the array.
    unsafe { bpf_skb_load_bytes(skb.cast(), at, words.cast(), bytes) == 0 }
}
