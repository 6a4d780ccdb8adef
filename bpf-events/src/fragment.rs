//! `FRAGMENTS`: the ports of a datagram's first fragment, for its later ones.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Key: one datagram at one hook of one endpoint. The value is ICMP type << 32 | source port << 16 | destination port.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct FragmentKey {
    /// Source address, IPv4 mapped: words of bytes in network order.
    pub source: [u32; 4],
    /// Destination address, likewise.
    pub destination: [u32; 4],
    /// IP id.
    pub id: u32,
    /// Endpoint number.
    pub endpoint: u16,
    /// IP protocol.
    pub protocol: u8,
    /// 1 at the endpoint's egress.
    pub egress: u8,
}
