//! What an address is: exact maps `IPCACHE4` and `IPCACHE6`, tries `IPCACHE4_CIDR` and `IPCACHE6_CIDR`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Identity of every address that no map knows.
pub const IDENTITY_WORLD: u32 = 2;
/// Metadata index of `world` (the reserved identities have their own number as index).
pub const METADATA_WORLD: u32 = 2;

/// What an address or prefix resolves to.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct AddressInfo {
    /// Security identity.
    pub identity: u32,
    /// Metadata index.
    pub metadata: u32,
    /// Number of the local endpoint that owns the address, else 0.
    pub endpoint: u16,
    /// `ADDRESS_*` bits.
    pub flags: u16,
}

/// Some node enforces policy on this address's own interface, so its side of a connection is reported there.
pub const ADDRESS_MANAGED: u16 = 1;
/// The address is this node's own.
pub const ADDRESS_LOCAL_HOST: u16 = 2;

/// Key data of the trie that lists extra source CIDRs of an endpoint; the prefix length includes the endpoint's 32 bits.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct SpoofingKey {
    /// Endpoint number, big endian (trie order).
    pub endpoint: [u8; 4],
    /// Address, IPv4 mapped: words of bytes in network order.
    pub address: [u32; 4],
}
