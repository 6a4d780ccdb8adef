//! Settings: what is fixed at load, and what may change while the programs run.

use std::path::PathBuf;
use std::time::Duration;

/// Fixed when the maps are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Pin directory of this node, usually `/sys/fs/bpf/tycho/<node>`; `None` leaves nothing behind (tests, benches).
    pub pins: Option<PathBuf>,
    /// Bytes of the event ring: a power of two, at least a page. Default 4 MiB.
    pub ring_bytes: u32,
    /// Edge slots per CPU. Default 65,536.
    pub edge_slots: u32,
    /// Conntrack entries per IP family. Default 131,072.
    pub connections: u32,
    /// Policy cells of all sets together. Default 524,288.
    pub policy_cells: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pins: None,
            ring_bytes: 4 << 20,
            edge_slots: bpf_events::edge::EDGE_SLOTS,
            connections: bpf_events::connection::CONNECTION_ENTRIES,
            policy_cells: bpf_events::policy::CELL_ENTRIES,
        }
    }
}

/// How much is told of allowed traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// Per connection and direction: first packet, milestones, every interval, end.
    Connection,
    /// Every packet at every hook.
    None,
}

/// May change while the programs run.
#[derive(Clone, Debug)]
pub struct RunTimeSettings {
    /// How much is told of allowed traffic.
    pub aggregation: Aggregation,
    /// Time between two traces of one direction of a connection. Default 5 s.
    pub trace_interval: Duration,
    /// Drop events per second, endpoint and reason; 0 is unlimited. Default 1,000.
    pub drop_events_per_second: u32,
    /// Traffic between the node and its own endpoints passes before policy. Default true.
    pub local_host_passes: bool,
}

impl Default for RunTimeSettings {
    fn default() -> Self {
        Self {
            aggregation: Aggregation::Connection,
            trace_interval: Duration::from_secs(5),
            drop_events_per_second: 1_000,
            local_host_passes: true,
        }
    }
}
