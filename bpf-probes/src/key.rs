//! Conntrack keys: one per connection and endpoint, the same for both directions.

use bpf_events::connection::{ConnectionKey4, ConnectionKey6};

use crate::packet::Packet;

/// Key of an IPv4 packet's connection.
#[inline(always)]
pub fn key4(packet: &Packet, endpoint: u16, egress: bool) -> ConnectionKey4 {
    let (source, destination) = (packet.source[3], packet.destination[3]);
    let mut key = ConnectionKey4 {
        endpoint,
        protocol: packet.protocol,
        reserved: 0,
        local_address: source,
        remote_address: destination,
        local_port: packet.source_port,
        remote_port: packet.destination_port,
    };
    if !egress {
        key.local_address = destination;
        key.remote_address = source;
        key.local_port = packet.destination_port;
        key.remote_port = packet.source_port;
    }
    key
}

/// Key of an IPv6 packet's connection.
#[inline(always)]
pub fn key6(packet: &Packet, endpoint: u16, egress: bool) -> ConnectionKey6 {
    let mut key = ConnectionKey6 {
        endpoint,
        protocol: packet.protocol,
        reserved: 0,
        local_address: packet.source,
        remote_address: packet.destination,
        local_port: packet.source_port,
        remote_port: packet.destination_port,
    };
    if !egress {
        key.local_address = packet.destination;
        key.remote_address = packet.source;
        key.local_port = packet.destination_port;
        key.remote_port = packet.source_port;
    }
    key
}
