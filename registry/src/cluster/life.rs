//! What keeps a node in the registry, and when that was last prolonged.

use std::time::Duration;

/// What keeps a node in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeLife {
    /// A lease of etcd, which the node prolongs.
    Lease {
        /// How long the node stays after its last sign of life.
        length: Duration,
        /// How long it still stays without another one. Whole seconds.
        remaining: Duration,
    },
    /// A lock of its process, on the same machine.
    Process {
        /// Whether the process lives. If not, the node goes when its lease is over.
        lives: bool,
    },
}
