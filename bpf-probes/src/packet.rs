//! One packet: Ethernet, IPv4 with options, IPv6 with extension headers, and the transport header.
//!
//! Every field is read after a bounds check of constant size, which is what the verifier follows.

use aya_ebpf::bindings::__sk_buff;
use bpf_events::record::{
    MARK_FRAGMENT, MARK_IPV6, MARK_NO_IP, MARK_TCP_NS, MARK_VLAN, REASON_INVALID_EXTENSION_HEADER,
    REASON_INVALID_PACKET, REASON_TRUNCATED_HEADER, REASON_UNSUPPORTED_L3,
};

use crate::words::{put, put_all};

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMPV6: u8 = 58;
pub const SCTP: u8 = 132;

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

/// Source "port" of ICMP that is no echo: this and the type.
pub const ICMP_TYPE_PORT: u16 = 0x100;
/// Its destination "port".
pub const ICMP_OTHER_PORT: u16 = 0xffff;

const ETHERNET_BYTES: usize = 14;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const EXTENSION_HEADERS: usize = 6;
const FRAGMENT_HEADER: u8 = 44;
/// Second-to-last word of an IPv4-mapped address.
const MAPPED: u32 = u32::from_ne_bytes([0, 0, 0xff, 0xff]);

/// What the rest of the program wants to know of a packet.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Packet {
    /// Words of bytes in network order, IPv4 mapped.
    pub source: [u32; 4],
    /// Words of bytes in network order, IPv4 mapped.
    pub destination: [u32; 4],
    /// Wire bytes: for a super-packet those of all its segments.
    pub bytes: u64,
    /// Wire packets: the segments of a super-packet.
    pub packets: u64,
    /// Destination and source MAC as they stand in the packet.
    pub macs: [u32; 3],
    /// Bytes of all headers, which each segment repeats; 0 for a fragment without them.
    pub header_bytes: u32,
    /// IP id of a fragment.
    pub fragment_id: u32,
    /// Host order. The echo id of an ICMP request.
    pub source_port: u16,
    /// Host order. The echo id of an ICMP reply.
    pub destination_port: u16,
    pub vlan: u16,
    pub protocol: u8,
    pub tcp_flags: u8,
    pub icmp_type: u8,
    pub icmp_code: u8,
    /// `MARK_*`.
    pub marks: u8,
}

impl Packet {
    /// Forgets the packet before; the addresses stay, as `MARK_NO_IP` says that they mean nothing.
    #[inline(always)]
    pub fn begin(&mut self) {
        put(&mut self.packets, 1);
        put(&mut self.bytes, 0);
        put(&mut self.header_bytes, 0);
        put(&mut self.fragment_id, 0);
        put(&mut self.source_port, 0);
        put(&mut self.destination_port, 0);
        put(&mut self.vlan, 0);
        put(&mut self.protocol, 0);
        put(&mut self.tcp_flags, 0);
        put(&mut self.icmp_type, 0);
        put(&mut self.icmp_code, 0);
        put(&mut self.marks, MARK_NO_IP);
    }

    /// Clears addresses that were never read.
    #[inline(always)]
    pub fn clear_addresses(&mut self) {
        self.source = [0; 4];
        self.destination = [0; 4];
    }

    /// Makes it a packet of the other direction.
    #[inline(always)]
    pub fn turn_round(&mut self) {
        core::mem::swap(&mut self.source, &mut self.destination);
        core::mem::swap(&mut self.source_port, &mut self.destination_port);
        let [low, middle, high] = self.macs;
        self.macs = [
            middle >> 16 | high << 16,
            high >> 16 | low << 16,
            low >> 16 | middle << 16,
        ];
        self.icmp_type = match (self.protocol, self.icmp_type) {
            (ICMP, 8) => 0,
            (ICMP, 0) => 8,
            (ICMPV6, 128) => 129,
            (ICMPV6, 129) => 128,
            (_, other) => other,
        };
        self.icmp_code = 0;
    }

    /// Whether the transport header is in another fragment.
    #[inline(always)]
    pub fn is_later_fragment(&self) -> bool {
        self.header_bytes == 0
    }

    #[inline(always)]
    pub fn is_ipv6(&self) -> bool {
        self.marks & MARK_IPV6 != 0
    }

    #[inline(always)]
    pub fn is_icmp(&self) -> bool {
        self.protocol == ICMP || self.protocol == ICMPV6
    }
}

/// How parsing ended: one of these, or the drop reason of what is not a packet that can be judged. A number, as it crosses
/// functions that the verifier follows one by one.
pub struct Parsed;

impl Parsed {
    /// The packet can be judged.
    pub const YES: u64 = 0;
    /// ARP, neighbour discovery, MLD or DHCP: passes without judgement.
    pub const ALWAYS_PASSES: u64 = 1;
    /// The headers are there but beyond the linear part.
    pub const NOT_LINEAR: u64 = 2;
}

/// The linear part of a packet.
struct Window {
    start: usize,
    end: usize,
    length: usize,
}

impl Window {
    #[inline(always)]
    fn read<T: Copy>(&self, offset: usize) -> Option<T> {
        let at = self.start + offset;
        if at + size_of::<T>() > self.end {
            return None;
        }
        // SAFETY: the bounds were checked just above. Packets lie at any address; the machines that this is compiled for
        // load words from there, and so does the verifier let them. `read_unaligned` would load byte by byte.
        Some(unsafe { *(at as *const T) })
    }

    /// What it means that a read failed: the header is cut off, or only not linear.
    #[inline(always)]
    fn missing(&self, reason: u8) -> u64 {
        if self.end - self.start < self.length {
            Parsed::NOT_LINEAR
        } else {
            reason as u64
        }
    }
}

/// Parses the packet and counts the segments of a super-packet, which each carry the headers; `NOT_LINEAR` asks the caller
/// to pull and call again.
#[inline(always)]
pub fn parse(skb: *const __sk_buff, packet: &mut Packet) -> u64 {
    // SAFETY: the kernel hands a valid skb to the program.
    let skb = unsafe { &*skb };
    let window = Window {
        start: skb.data as usize,
        end: skb.data_end as usize,
        length: skb.len as usize,
    };
    packet.bytes = skb.len as u64;
    if skb.vlan_present != 0 {
        packet.marks |= MARK_VLAN;
        packet.vlan = skb.vlan_tci as u16;
    }
    let (Some(macs), Some(ethertype)) = (window.read::<[u32; 3]>(0), window.read::<u16>(12)) else {
        packet.macs = [0; 3];
        return window.missing(REASON_UNSUPPORTED_L3);
    };
    put_all(&mut packet.macs, macs);
    let transport = match u16::from_be(ethertype) {
        ETHERTYPE_IPV4 => ipv4(&window, packet),
        ETHERTYPE_IPV6 => ipv6(&window, packet),
        ETHERTYPE_ARP => return Parsed::ALWAYS_PASSES,
        _ => Err(REASON_UNSUPPORTED_L3 as u64),
    };
    let parsed = match transport {
        Ok(offset) => transport_header(&window, packet, offset),
        Err(parsed) => parsed,
    };
    if skb.gso_segs > 1 {
        let more = skb.gso_segs as u64 - 1;
        packet.packets += more;
        packet.bytes += more * packet.header_bytes as u64;
    }
    parsed
}

/// Offset of the transport header; `Err` if there is none to be parsed.
#[inline(always)]
fn ipv4(window: &Window, packet: &mut Packet) -> Result<usize, u64> {
    let Some(header) = window.read::<[u32; 5]>(ETHERNET_BYTES) else {
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
    Ok(ETHERNET_BYTES + header_bytes)
}

/// An IPv4 address as the record has it.
#[inline(always)]
pub fn mapped(address: u32) -> [u32; 4] {
    [0, 0, MAPPED, address]
}

#[inline(always)]
fn ipv6(window: &Window, packet: &mut Packet) -> Result<usize, u64> {
    packet.marks |= MARK_IPV6;
    let Some(header) = window.read::<[u32; 10]>(ETHERNET_BYTES) else {
        return Err(window.missing(REASON_INVALID_PACKET));
    };
    if header[0].to_ne_bytes()[0] >> 4 != 6 {
        return Err(REASON_INVALID_PACKET as u64);
    }
    packet.source = [header[2], header[3], header[4], header[5]];
    packet.destination = [header[6], header[7], header[8], header[9]];
    packet.marks &= !MARK_NO_IP;
    let mut next = header[1].to_ne_bytes()[2];
    let mut offset = ETHERNET_BYTES + 40;
    for _ in 0..EXTENSION_HEADERS {
        match next {
            // Hop-by-hop, routing, destination options, authentication.
            0 | 43 | 60 | 51 => {
                let Some([following, length]) = window.read::<[u8; 2]>(offset) else {
                    return Err(window.missing(REASON_INVALID_EXTENSION_HEADER));
                };
                let units = length as usize;
                offset += if next == 51 {
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

#[inline(always)]
fn transport_header(window: &Window, packet: &mut Packet, offset: usize) -> u64 {
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
fn ports(packet: &mut Packet, both: u32) {
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
fn icmp(packet: &mut Packet, header: [u32; 2]) -> u64 {
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
