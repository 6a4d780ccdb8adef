//! What user space asks of the `sweep` program, as the "packet" of a `BPF_PROG_TEST_RUN`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// One key to sweep.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SweepRequest {
    /// `SWEEP_*`.
    pub kind: u32,
    /// Zero.
    pub reserved: u32,
    /// The key, padded with zeros.
    pub key: [u8; 40],
}

/// The key is a `ConnectionKey4`.
pub const SWEEP_CONNECTION4: u32 = 1;
/// The key is a `ConnectionKey6`.
pub const SWEEP_CONNECTION6: u32 = 2;
/// The key is an `EdgeKey`.
pub const SWEEP_EDGE: u32 = 3;

/// Return code: the entry owes no event.
pub const NOTHING_PENDING: i32 = 0;
/// Return code bit: an event was written.
pub const TOLD: i32 = 1;
/// Return code bit: the ring was full, so the entry still owes an event.
pub const RING_FULL: i32 = 2;
/// Return code: there is no such entry.
pub const NOT_FOUND: i32 = 4;
