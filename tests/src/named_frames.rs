//! Frames between named ends of a test node, as their interfaces would carry them.

use std::net::IpAddr;

use crate::datapath::TestNode;

impl TestNode {
    /// A frame with an IP packet from one end to another.
    pub fn frame(&self, from: &str, to: &str, ipv6: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = [self.mac(to), self.mac(from)].concat();
        match (self.address(from, ipv6), self.address(to, ipv6)) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                frame.extend([0x08, 0x00, 0x45, 0]);
                frame.extend((20 + payload.len() as u16).to_be_bytes());
                frame.extend([0, 1, 0x40, 0, 64, protocol, 0, 0]);
                frame.extend(source.octets());
                frame.extend(destination.octets());
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
                frame.extend((payload.len() as u16).to_be_bytes());
                frame.extend([protocol, 64]);
                frame.extend(source.octets());
                frame.extend(destination.octets());
            }
            _ => unreachable!("both of one family"),
        }
        frame.extend(payload);
        frame
    }

    /// An ICMP error from one end to another that quotes a frame's packet.
    pub fn error(&self, from: &str, to: &str, (kind, code): (u8, u8), about: &[u8]) -> Vec<u8> {
        let ipv6 = about[12..14] == [0x86, 0xdd];
        let protocol = if ipv6 { 58 } else { 1 };
        self.frame(from, to, ipv6, protocol, &icmp_error(kind, code, about))
    }
}

/// An ICMP error about a frame's packet.
pub fn icmp_error(kind: u8, code: u8, about: &[u8]) -> Vec<u8> {
    [&[kind, code, 0, 0, 0, 0, 0, 0], &about[14..]].concat()
}

/// An ICMP echo request or reply.
pub fn echo(kind: u8, id: u16) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    vec![kind, 0, 0, 0, high, low, 0, 1]
}

/// An SCTP packet that opens an association.
pub fn sctp(source: u16, destination: u16) -> Vec<u8> {
    let mut packet = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    packet.extend([0; 8]);
    packet.extend([1, 0, 0, 20]);
    packet.extend([0; 16]);
    packet
}

/// An IPv4 frame with 8 bytes of options that say nothing.
pub fn with_options(frame: &[u8]) -> Vec<u8> {
    let mut longer = frame.to_vec();
    longer[14] = 0x47;
    longer[17] += 8;
    longer.splice(34..34, [1; 8]);
    longer
}

/// An IPv6 frame with headers of `next_header` between the IP header and the rest.
pub fn with_headers(frame: &[u8], next_header: u8, headers: &[u8]) -> Vec<u8> {
    let mut longer = frame.to_vec();
    longer[20] = next_header;
    longer[19] += headers.len() as u8;
    longer.splice(54..54, headers.iter().copied());
    longer
}

/// A frame with VLAN tags: ethertype and tag, the outer one first.
pub fn tagged(frame: &[u8], tags: &[(u16, u16)]) -> Vec<u8> {
    let mut longer = frame[..12].to_vec();
    for (ethertype, tag) in tags {
        longer.extend(ethertype.to_be_bytes());
        longer.extend(tag.to_be_bytes());
    }
    longer.extend(&frame[12..]);
    longer
}
