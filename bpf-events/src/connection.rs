//! Connection tracking: `CONNECTIONS4` and `CONNECTIONS6`.
//!
//! The key is ordered local/remote as one endpoint sees it, so a single lookup serves both directions, and both ends of a
//! same-node connection have an entry each.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Default entries per family.
pub const CONNECTION_ENTRIES: u32 = 131_072;

/// Index of the opener's direction in the arrays of [`Connection`].
pub const FORWARD: usize = 0;
/// Index of the other direction.
pub const REPLY: usize = 1;

/// Key of an IPv4 connection. ICMP echo: the id is the port on the side that asked.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct ConnectionKey4 {
    /// Endpoint number.
    pub endpoint: u16,
    /// IP protocol.
    pub protocol: u8,
    /// Zero.
    pub reserved: u8,
    /// The endpoint's address: its bytes in network order, whatever the machine's.
    pub local_address: u32,
    /// The other address, likewise.
    pub remote_address: u32,
    /// The endpoint's port, host order.
    pub local_port: u16,
    /// The other port.
    pub remote_port: u16,
}

/// Key of an IPv6 connection.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct ConnectionKey6 {
    /// Endpoint number.
    pub endpoint: u16,
    /// IP protocol.
    pub protocol: u8,
    /// Zero.
    pub reserved: u8,
    /// The endpoint's address, as words of bytes in network order.
    pub local_address: [u32; 4],
    /// The other address, likewise.
    pub remote_address: [u32; 4],
    /// The endpoint's port, host order.
    pub local_port: u16,
    /// The other port.
    pub remote_port: u16,
}

const _: () = assert!(size_of::<ConnectionKey4>() == 16 && size_of::<ConnectionKey6>() == 40);

/// State of one connection at one endpoint. Arrays are indexed by [`FORWARD`] and [`REPLY`].
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Connection {
    /// Packets since creation.
    pub packets: [u64; 2],
    /// Bytes since creation.
    pub bytes: [u64; 2],
    /// Packets that no event has reported yet (traced directions only).
    pub pending_packets: [u64; 2],
    /// Bytes that no event has reported yet.
    pub pending_bytes: [u64; 2],
    /// Jiffies of the last trace event.
    pub event_jiffies: [u64; 2],
    /// Jiffies of the last packet in either direction.
    pub seen_jiffies: u64,
    /// Identity of the endpoint.
    pub local_identity: u32,
    /// Identity of the other side.
    pub remote_identity: u32,
    /// Metadata index of the endpoint.
    pub local_metadata: u32,
    /// Metadata index of the other side.
    pub remote_metadata: u32,
    /// Deciding rule.
    pub rule: u32,
    /// Revision of the policy that decided.
    pub policy_revision: u32,
    /// Policy epoch of the judgement.
    pub policy_epoch: u32,
    /// Identity epoch of the judgement.
    pub identity_epoch: u32,
    /// Edge slot that counts it.
    pub edge_slot: u32,
    /// Interface of the endpoint.
    pub ifindex: u32,
    /// SYN, FIN and RST already reported, and [`REPORTED_RELATED`].
    pub flags_reported: [u8; 2],
    /// TCP flags seen since the last event.
    pub flags_pending: [u8; 2],
    /// `MATCH_*`.
    pub match_type: u8,
    /// `VERDICT_*`: dropped only if a connection was forbidden after it began.
    pub verdict: u8,
    /// Drop reason of that.
    pub reason: u8,
    /// `STATE_*` bits.
    pub state: u8,
}

/// The other side opened the connection (direction ingress); else the endpoint did.
pub const STATE_REMOTE_OPENED: u8 = 1;
/// The forward direction is traced here.
pub const STATE_TRACE_FORWARD: u8 = 2;
/// The reply direction is traced here.
pub const STATE_TRACE_REPLY: u8 = 4;
/// A reply was seen.
pub const STATE_REPLIED: u8 = 8;
/// FIN in the opener's direction, or RST in either.
pub const STATE_CLOSED_FORWARD: u8 = 16;
/// FIN in the other direction, or RST in either.
pub const STATE_CLOSED_REPLY: u8 = 64;
/// Both directions have ended.
pub const STATE_CLOSED: u8 = STATE_CLOSED_FORWARD | STATE_CLOSED_REPLY;
/// First seen in mid-stream.
pub const STATE_MIDSTREAM: u8 = 32;

/// TCP: the opener has answered the other side's answer.
pub const STATE_ESTABLISHED: u8 = 128;

/// In [`Connection::flags_reported`], beside the TCP flags: an ICMP error about the connection was told.
pub const REPORTED_RELATED: u8 = 128;

/// Seconds after the last packet at which an entry stops counting. TCP: the usual times of a firewall for half-open,
/// established, half-closed and closed connections.
pub const fn lifetime_seconds(protocol: u8, state: u8) -> u64 {
    if protocol != 6 {
        60
    } else if state & STATE_CLOSED == STATE_CLOSED {
        10
    } else if state & STATE_CLOSED != 0 {
        120
    } else if state & STATE_ESTABLISHED == 0 {
        60
    } else {
        8_000
    }
}
