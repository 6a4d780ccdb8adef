//! The kernel's counters as the ledger takes them: differences since this observer started.

/// Something that can be asked for the kernel's counters.
pub trait KernelSource: std::fmt::Debug + Send + Sync {
    /// The counters now.
    fn reading(&self) -> KernelReading;
}

/// The kernel's counters since this observer started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelReading {
    /// Records that the programs tried to write.
    pub attempted: u64,
    /// Records that are, or were, in the ring.
    pub emitted: u64,
    /// Records lost because the ring was full.
    pub reserve_failed: u64,
    /// Packets and bytes by outcome.
    pub outcomes: Vec<Outcome>,
    /// Other counters: name, count, meaning.
    pub counters: Vec<(&'static str, u64, &'static str)>,
    /// What became of connections.
    pub connections: ConnectionReading,
}

/// Packets and bytes of one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `TOTAL_*` of `bpf_events::counters`, or a drop reason; with `TOTAL_EGRESS` at the egress hook.
    pub code: u32,
    /// Packets.
    pub packets: u64,
    /// Bytes on the wire.
    pub bytes: u64,
}

/// What became of conntrack entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionReading {
    /// Entries that were there at the start.
    pub at_start: u64,
    /// Entries made since.
    pub created: u64,
    /// Entries that the programs replaced.
    pub removed: u64,
    /// Entries whose lifetime was over.
    pub expired: u64,
    /// Entries now (at the last sweep).
    pub present: u64,
    /// Entries that a full table pushed out.
    pub evicted: u64,
    /// Packets of expired entries that no event could tell, because the ring was full.
    pub untold_packets: u64,
    /// Bytes of those.
    pub untold_bytes: u64,
}
