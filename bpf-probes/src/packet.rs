//! What is known of a packet.

use bpf_events::record::{MARK_IPV6, MARK_NO_IP};

use crate::words::put;

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
    /// Where an ICMP error quotes the packet that it is about; 0 for anything else.
    pub quote_at: u32,
    /// Host order. The echo id of an ICMP request.
    pub source_port: u16,
    /// Host order. The echo id of an ICMP reply.
    pub destination_port: u16,
    /// Id of the outer VLAN tag.
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
        put(&mut self.quote_at, 0);
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

/// An IPv4 address as the record has it.
#[inline(always)]
pub fn mapped(address: u32) -> [u32; 4] {
    [0, 0, MAPPED, address]
}

/// Whether two addresses are one. Word by word: `memcmp` is a loop over bytes here.
#[inline(always)]
pub fn is_same(one: &[u32; 4], other: &[u32; 4]) -> bool {
    (one[0] ^ other[0]) | (one[1] ^ other[1]) | (one[2] ^ other[2]) | (one[3] ^ other[3]) == 0
}
