//! Per-CPU counters, memory-mapped: `TOTALS` (per CPU and code: packets and bytes) and `COUNTERS` (per CPU and counter).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// CPUs that the arrays have room for unless the loader says otherwise.
pub const DEFAULT_CPUS: u32 = 2;

/// Packets and bytes of one outcome.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Total {
    /// Wire packets (segments of a super-packet).
    pub packets: u64,
    /// Wire bytes with the Ethernet header.
    pub bytes: u64,
}

/// Entries of `TOTALS` per CPU: a code below 256, plus 256 at the egress hook.
pub const TOTAL_CODES: u32 = 512;
/// Added to the code at the endpoint's egress.
pub const TOTAL_EGRESS: u32 = 256;
/// Code of forwarded packets; audited ones have `VERDICT_AUDIT`, dropped ones their drop reason.
pub const TOTAL_FORWARDED: u32 = 1;
/// Code of audited packets.
pub const TOTAL_AUDIT: u32 = 4;
/// Code of ARP, neighbour discovery, MLD and DHCP, which always pass.
pub const TOTAL_ALWAYS_PASSED: u32 = 8;
/// Code of packets at an interface that no endpoint owns.
pub const TOTAL_NO_ENDPOINT: u32 = 9;
/// Code of packets that could not be parsed and passed because of the endpoint's mode.
pub const TOTAL_UNPARSED_PASSED: u32 = 10;

/// Entries of `COUNTERS` per CPU.
pub const COUNTERS: u32 = 32;

/// Index into one CPU's `COUNTERS`.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Attempted records; also the source of `Record::sequence`.
    Attempted = 0,
    /// Records in the ring.
    Emitted = 1,
    /// Records lost because the ring was full.
    ReserveFailed = 2,
    /// Policy verdicts in the ring.
    EmittedVerdicts = 3,
    /// Traces in the ring.
    EmittedTraces = 4,
    /// Drops in the ring.
    EmittedDrops = 5,
    /// Connections removed by the programs (a new one took over the key).
    ConnectionsRemoved = 6,
    /// Dropped packets whose events went to a summary.
    RateLimited = 7,
    /// Connections created.
    ConnectionsCreated = 8,
    /// Connections that could not be inserted.
    ConnectionInsertFailed = 9,
    /// Connections judged again.
    Rejudged = 10,
    /// Connections forbidden by a later judgement.
    Revoked = 11,
    /// Judgements counted in the endpoint's "other" slot because no edge slot was free.
    EdgeSlotsExhausted = 12,
    /// Headers that had to be made linear.
    Pulled = 13,
    /// Packets whose drop was counted without an edge of its own port.
    DeniedPortsFolded = 14,
    /// Fragments without their first.
    FragmentsUnknown = 15,
    /// Trace deltas carried by an event of the sweeper.
    Swept = 16,
    /// Internal inconsistency (a map lookup that cannot fail did): always 0.
    Impossible = 17,
}
