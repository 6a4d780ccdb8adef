//! `CONFIG[0]`: settings that user space changes while the programs run. Memory-mapped; every field is stored atomically.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Version of every map layout in this crate; it names the pin directory, so layouts never mix.
pub const LAYOUT_VERSION: u32 = 3;

/// Run-time settings of the programs.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Config {
    /// Grows with each policy change; a connection judged under another epoch is judged again.
    pub policy_epoch: u32,
    /// Grows when what an address or an interface resolves to changes.
    pub identity_epoch: u32,
    /// `AGGREGATION_*`.
    pub aggregation: u32,
    /// `FLAG_*` bits.
    pub flags: u32,
    /// Jiffies between two trace events of one direction of a connection.
    pub trace_interval_jiffies: u64,
    /// Jiffies in a second, measured at load (CONFIG_HZ).
    pub jiffies_per_second: u64,
    /// Nanoseconds that one drop event costs from its bucket; the bucket holds one second.
    pub drop_event_cost_ns: u64,
    /// Edge slots per CPU in `EDGE_CELLS`.
    pub edge_slots: u32,
    /// Keeps the size a multiple of eight.
    pub reserved: u32,
}

/// Connection aggregation: see the event list in ARCHITECTURE.md.
pub const AGGREGATION_CONNECTION: u32 = 0;
/// Every packet at every hook is traced.
pub const AGGREGATION_NONE: u32 = 1;

/// Traffic between the node and its own endpoints passes before policy.
pub const FLAG_LOCAL_HOST_PASSES: u32 = 1;

/// What the `clock` program writes: both clocks of the kernel at one moment, to measure CONFIG_HZ.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Clock {
    /// `bpf_jiffies64`.
    pub jiffies: u64,
    /// `bpf_ktime_get_ns`.
    pub ktime_ns: u64,
}
