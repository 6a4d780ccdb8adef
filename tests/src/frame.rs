//! Whole packets between any two addresses: what a generated test sends through the programs.

use std::net::IpAddr;

/// IP protocol of ICMP.
pub const ICMP: u8 = 1;
/// Of TCP.
pub const TCP: u8 = 6;
/// Of UDP.
pub const UDP: u8 = 17;
/// Of GRE, which stands for protocols without ports.
pub const GRE: u8 = 47;
/// Of ICMPv6.
pub const ICMPV6: u8 = 58;
/// Of SCTP.
pub const SCTP: u8 = 132;

const FRAGMENT_HEADER: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;

/// What stands around the transport header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wrapping {
    /// IPv4 options, or an extension header of IPv6.
    pub options: bool,
    /// It is a fragment of a datagram.
    pub fragment: Option<Fragment>,
    /// It has a VLAN tag with this id.
    pub vlan: Option<u16>,
}

/// Which part of which datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// IP id.
    pub id: u16,
    /// Offset in units of eight bytes.
    pub offset: u16,
    /// Another one follows.
    pub more: bool,
}

/// An Ethernet frame with this payload; both addresses are of one family.
pub fn frame(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    wrapping: Wrapping,
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    let (ethertype, packet) = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let ends = [source.octets(), destination.octets()].concat();
            (0x0800u16, ipv4(&ends, protocol, wrapping, payload))
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let ends = [source.octets(), destination.octets()].concat();
            (0x86dd, ipv6(&ends, protocol, wrapping, payload))
        }
        _ => panic!("{source} and {destination} are of two families"),
    };
    if let Some(id) = wrapping.vlan {
        frame.extend([0x81, 0]);
        frame.extend(id.to_be_bytes());
    }
    frame.extend(ethertype.to_be_bytes());
    frame.extend(packet);
    frame
}

fn ipv4(ends: &[u8], protocol: u8, wrapping: Wrapping, payload: &[u8]) -> Vec<u8> {
    let options: &[u8] = if wrapping.options { &[1, 1, 1, 0] } else { &[] };
    let words = 5 + options.len() / 4;
    let (id, word) = match wrapping.fragment {
        Some(Fragment { id, offset, more }) => (id, offset | u16::from(more) << 13),
        None => (0, 0x4000),
    };
    let mut packet = vec![0x40 | words as u8, 0];
    packet.extend(((words * 4 + payload.len()) as u16).to_be_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend(word.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(ends);
    packet.extend(options);
    packet.extend(payload);
    packet
}

fn ipv6(ends: &[u8], protocol: u8, wrapping: Wrapping, payload: &[u8]) -> Vec<u8> {
    let mut next = protocol;
    let mut headers = Vec::new();
    if let Some(Fragment { id, offset, more }) = wrapping.fragment {
        let word = offset << 3 | u16::from(more);
        headers.extend([next, 0]);
        headers.extend(word.to_be_bytes());
        headers.extend(u32::from(id).to_be_bytes());
        next = FRAGMENT_HEADER;
    }
    if wrapping.options {
        headers.splice(0..0, [next, 0, 1, 4, 0, 0, 0, 0]);
        next = DESTINATION_OPTIONS;
    }
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(((headers.len() + payload.len()) as u16).to_be_bytes());
    packet.extend([next, 64]);
    packet.extend(ends);
    packet.extend(headers);
    packet.extend(payload);
    packet
}

/// A TCP header with these flags.
pub fn tcp(source: u16, destination: u16, flags: u8) -> Vec<u8> {
    let mut segment = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    segment.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment
}

/// A UDP header, which says eight bytes.
pub fn udp(source: u16, destination: u16) -> Vec<u8> {
    let mut datagram = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    datagram.extend([0, 8, 0, 0]);
    datagram
}

/// The common header of SCTP and the beginning of a chunk.
pub fn sctp(source: u16, destination: u16) -> Vec<u8> {
    let mut packet = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    packet.extend([0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 4]);
    packet
}

/// An ICMP or ICMPv6 message with an identifier, if its type has one, and what it quotes.
pub fn icmp(icmp_type: u8, code: u8, id: u16, quote: &[u8]) -> Vec<u8> {
    let mut message = vec![icmp_type, code, 0, 0];
    message.extend(id.to_be_bytes());
    message.extend([0, 1]);
    message.extend(quote);
    message
}
