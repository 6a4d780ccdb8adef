//! Packets made by hand, right or wrong, and running a program on one as if it came through an endpoint's interface.

use bpf_loader::Probe;

use crate::datapath::TestNode;

/// Lets the next program of the chain decide (`TCX_NEXT`).
pub const PASSES: i32 = -1;
/// Drops the packet (`TCX_DROP`).
pub const DROPS: i32 = 2;

/// Length of the kernel's `struct __sk_buff`, and where the interface stands in it.
const CONTEXT_BYTES: usize = 192;
const IFINDEX_OFFSET: usize = 40;

impl TestNode {
    /// What the hook of an endpoint does with the packet (`BPF_PROG_TEST_RUN` inside the node).
    pub fn inject(&mut self, name: &str, probe: Probe, packet: &[u8]) -> i32 {
        let ifindex = self.members[name].ifindex;
        let namespace = self.node.namespace().clone();
        let run = || self.inject_here(ifindex, probe, packet);
        namespace.run(run).expect("it can be entered")
    }

    /// The same by the number of the interface, on a thread that is inside the node already.
    pub fn inject_here(&mut self, ifindex: u32, probe: Probe, packet: &[u8]) -> i32 {
        let mut context = [0; CONTEXT_BYTES];
        context[IFINDEX_OFFSET..IFINDEX_OFFSET + 4].copy_from_slice(&ifindex.to_ne_bytes());
        let (code, _) = self
            .datapath
            .run(probe, packet, Some(&context), 1)
            .expect("the program runs");
        code
    }
}

/// An Ethernet frame between two made-up stations.
pub fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

/// An IPv4 packet from `10.44.0.10` to `10.44.0.11`; `fragment` is the word of flags and offset.
pub fn ipv4(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((20 + payload.len() as u16).to_be_bytes());
    packet.extend([0x12, 0x34]);
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 10, 44, 0, 10, 10, 44, 0, 11]);
    packet.extend(payload);
    ethernet(0x0800, &packet)
}

/// An IPv6 packet from `fd44::10` to `fd44::11`.
pub fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([next_header, 64]);
    for last in [0x10, 0x11] {
        packet.extend([0xfd, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    packet.extend(payload);
    ethernet(0x86dd, &packet)
}

/// A UDP header for 4 bytes, and the bytes.
pub fn udp(source: u16, destination: u16) -> Vec<u8> {
    let mut datagram = Vec::new();
    for word in [source, destination, 12, 0] {
        datagram.extend(word.to_be_bytes());
    }
    datagram.extend(*b"data");
    datagram
}

/// A TCP header with these flags.
pub fn tcp(source: u16, destination: u16, flags: u8) -> Vec<u8> {
    let mut segment = Vec::new();
    for word in [source, destination] {
        segment.extend(word.to_be_bytes());
    }
    segment.extend([0; 8]);
    segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment
}

/// An IPv6 fragment header of datagram 7.
pub fn fragment_header(next_header: u8, offset: u16, more: bool) -> Vec<u8> {
    let mut header = vec![next_header, 0];
    header.extend(((offset << 3) | u16::from(more)).to_be_bytes());
    header.extend(7u32.to_be_bytes());
    header
}

/// `count` hop-by-hop headers of 8 bytes, the last before `next_header`.
pub fn options(count: usize, next_header: u8) -> Vec<u8> {
    let mut headers = Vec::new();
    for number in 1..=count {
        headers.extend([
            if number == count { next_header } else { 0 },
            0,
            1,
            4,
            0,
            0,
            0,
            0,
        ]);
    }
    headers
}
