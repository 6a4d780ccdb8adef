//! Parsing the transport header: ports, TCP flags, ICMP types and ids.

use bpf_events::record::{MARK_TCP_NS, REASON_INVALID_EXTENSION_HEADER, REASON_TRUNCATED_HEADER};

use crate::{
    packet::{ICMP, ICMP_OTHER_PORT, ICMP_TYPE_PORT, ICMPV6, Packet, SCTP, TCP, UDP},
    window::{Parsed, Window},
};

/// Reads the header at `offset` of a packet whose protocol is known.
#[inline(always)]
pub fn transport_header(window: &Window, packet: &mut Packet, offset: usize) -> u64 {
    // Six extension headers of at most 2 kB: beyond the linear part anyhow, and a bound that the verifier keeps.
    if offset > 0x3fff {
        return REASON_INVALID_EXTENSION_HEADER as u64;
    }
    match packet.protocol {
        TCP => {
            let Some(header) = window.read::<[u32; 4]>(offset) else {
                return window.missing(REASON_TRUNCATED_HEADER);
            };
            ports(packet, header[0]);
            let [data_offset, flags, _, _] = header[3].to_ne_bytes();
            packet.tcp_flags = flags;
            if data_offset & 1 != 0 {
                packet.marks |= MARK_TCP_NS;
            }
            packet.header_bytes = offset as u32 + (data_offset >> 4) as u32 * 4;
            Parsed::YES
        }
        UDP | SCTP => {
            let Some(header) = window.read::<u32>(offset) else {
                return window.missing(REASON_TRUNCATED_HEADER);
            };
            ports(packet, header);
            packet.header_bytes = offset as u32 + 8;
            if packet.protocol == UDP && is_dhcp(packet) {
                return Parsed::ALWAYS_PASSES;
            }
            Parsed::YES
        }
        ICMP | ICMPV6 => {
            let Some(header) = window.read::<[u32; 2]>(offset) else {
                return window.missing(REASON_TRUNCATED_HEADER);
            };
            packet.header_bytes = offset as u32 + 8;
            if is_error(packet.protocol, header[0].to_ne_bytes()[0]) {
                packet.quote_at = packet.header_bytes;
            }
            icmp(packet, header)
        }
        // Judged by protocol and identity, without ports.
        _ => {
            packet.header_bytes = offset as u32;
            Parsed::YES
        }
    }
}

#[inline(always)]
pub fn ports(packet: &mut Packet, both: u32) {
    let both = u32::from_be(both);
    packet.source_port = (both >> 16) as u16;
    packet.destination_port = both as u16;
}

#[inline(always)]
fn is_dhcp(packet: &Packet) -> bool {
    matches!(
        (packet.source_port, packet.destination_port),
        (67, 68) | (68, 67) | (546, 547) | (547, 546)
    )
}

/// An echo's id is the port of the side that asked, so that a ping never opens the way back for a ping.
#[inline(always)]
pub fn icmp(packet: &mut Packet, header: [u32; 2]) -> u64 {
    let [icmp_type, icmp_code, _, _] = header[0].to_ne_bytes();
    packet.icmp_type = icmp_type;
    packet.icmp_code = icmp_code;
    let id = (u32::from_be(header[1]) >> 16) as u16;
    match (packet.protocol, icmp_type) {
        (ICMP, 8) | (ICMPV6, 128) => packet.source_port = id,
        (ICMP, 0) | (ICMPV6, 129) => packet.destination_port = id,
        // Multicast listener and neighbour discovery: IPv6 cannot live without.
        (ICMPV6, 130..=137 | 143) => return Parsed::ALWAYS_PASSES,
        // Anything else is a connection of its own, by type and direction: that one type may pass must open no other, nor
        // the way back. An echo has one port that is zero.
        _ => {
            packet.source_port = ICMP_TYPE_PORT | icmp_type as u16;
            packet.destination_port = ICMP_OTHER_PORT;
        }
    }
    Parsed::YES
}

/// Errors about a packet that they quote: unreachable, too big, time exceeded, parameter problem. Source quench is out of
/// use, and a redirect changes routes: policy has to allow it by type.
#[inline(always)]
fn is_error(protocol: u8, icmp_type: u8) -> bool {
    matches!((protocol, icmp_type), (ICMP, 3 | 11 | 12) | (ICMPV6, 1..=4))
}
