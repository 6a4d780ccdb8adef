//! Which endpoint an interface belongs to: `ENDPOINT_BY_INTERFACE` (ifindex → row) and `ENDPOINT_ROWS`.
//!
//! A row is never changed while an interface points to it: a new version goes to a free row, then one 64-bit store
//! switches the interface over, so that no packet sees half an endpoint.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Entries of `ENDPOINT_BY_INTERFACE`: indexed by the low 16 bits of the ifindex.
pub const INTERFACE_ENTRIES: u32 = 65_536;
/// Entries of `ENDPOINT_ROWS`.
pub const ROW_ENTRIES: u32 = 16_384;

/// Packs an entry of `ENDPOINT_BY_INTERFACE`; 0 is "no endpoint".
pub const fn interface_entry(ifindex: u32, row: u32) -> u64 {
    (row as u64) << 32 | ifindex as u64
}

/// One version of one endpoint.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct EndpointRow {
    /// Security identity.
    pub identity: u32,
    /// Metadata index of this version.
    pub metadata: u32,
    /// Index into `POLICY_SETS`.
    pub policy_set: u32,
    /// Edge slot for what has no slot of its own.
    pub other_slot: u32,
    /// Node-local endpoint number.
    pub endpoint: u16,
    /// `MODE_*`.
    pub mode: u8,
    /// `SPOOFING_*`.
    pub spoofing: u8,
}

/// Nothing is judged or dropped; traffic is reported.
pub const MODE_OFF: u8 = 0;
/// What policy would drop passes with verdict AUDIT.
pub const MODE_AUDIT: u8 = 1;
/// Policy is enforced.
pub const MODE_ENFORCE: u8 = 2;

/// Any source address may leave the endpoint.
pub const SPOOFING_OFF: u8 = 0;
/// Only the endpoint's own addresses, and its extra CIDRs, may leave it.
pub const SPOOFING_STRICT: u8 = 1;
