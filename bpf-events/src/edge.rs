//! Edge slots: `EDGES` (edge → slot), `EDGE_CELLS` (counters per CPU and slot) and the `FREE_SLOTS` queue.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Default slots; slot 0 is never handed out.
pub const EDGE_SLOTS: u32 = 65_536;

/// Denied ports per pair of identities that get an edge of their own; the rest count as port 0.
pub const DENIED_PORTS_PER_PAIR: u32 = 64;

/// An edge: who talks to whom, where it was judged, and how.
#[repr(C)]
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct EdgeKey {
    /// Identity of the opener.
    pub source_identity: u32,
    /// Identity of the responder.
    pub destination_identity: u32,
    /// Deciding rule.
    pub rule: u32,
    /// Port of the responder; the type for ICMP.
    pub port: u16,
    /// IP protocol.
    pub protocol: u8,
    /// `DIRECTION_*` of the hook's judgement.
    pub direction: u8,
    /// `VERDICT_*`.
    pub verdict: u8,
    /// Drop reason, 0 if forwarded.
    pub reason: u8,
    /// [`EDGE_OTHER_END_MANAGED`] or zero.
    pub flags: u16,
}

/// Of what passes: some node enforces at the interface of the end that did not judge, so the packets are counted there too.
/// Not set on drops, which no other interface sees.
pub const EDGE_OTHER_END_MANAGED: u16 = 1;

/// What `EDGES` holds for an edge.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct EdgeState {
    /// Dropped packets whose event was rate limited and that no summary has reported yet.
    pub pending_packets: u64,
    /// Their bytes.
    pub pending_bytes: u64,
    /// Metadata indexes of the last such packet: source in the high half.
    pub metadata: u64,
    /// Slot in `EDGE_CELLS`.
    pub slot: u32,
    /// Interface of the last such packet.
    pub ifindex: u32,
    /// Endpoint that judged it.
    pub endpoint: u32,
    /// Keeps the size a multiple of eight.
    pub reserved: u32,
}

/// One CPU's counts of one slot.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct EdgeCell {
    /// Packets in the opener's direction.
    pub forward_packets: u64,
    /// Bytes in the opener's direction.
    pub forward_bytes: u64,
    /// Packets in the other direction.
    pub reply_packets: u64,
    /// Bytes in the other direction.
    pub reply_bytes: u64,
}

/// Key of `DENIED_PORTS`.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct DeniedPair {
    /// Identity of the opener.
    pub source_identity: u32,
    /// Identity of the responder.
    pub destination_identity: u32,
    /// IP protocol.
    pub protocol: u32,
}

/// Key of `DROP_BUCKETS`.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct BucketKey {
    /// Endpoint number.
    pub endpoint: u16,
    /// Drop reason.
    pub reason: u16,
}
