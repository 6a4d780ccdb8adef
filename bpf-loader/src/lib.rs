//! All contact with the kernel: load, pin, attach, write maps, drain the ring, read counters.
//!
//! [`Datapath`] is the whole: `load` it once, `attach` endpoints, then change what it knows through the field that owns
//! the maps concerned. Nothing here decides anything; `policy` does, and `observer` says what is to be written.
#![expect(
    unsafe_code,
    reason = "memory-mapped maps and the bpf system call have no safe interface"
)]

pub mod addresses;
mod attach;
mod batch;
pub mod bench;
mod clock;
pub mod connections;
pub mod counters;
mod datapath;
pub mod edges;
mod element;
pub mod endpoints;
mod error;
mod hash;
mod hook;
mod in_use;
mod mapped;
mod namespace;
mod pins;
pub mod policy_sets;
mod pressure;
mod probe;
mod reclaim;
mod retired;
pub mod ring;
mod settings;
mod small_maps;
pub mod sweeper;
mod trie;

pub use datapath::Datapath;
pub use error::LoaderError;
pub use hook::Hook;
pub use in_use::InUse;
pub use mapped::Mapped;
pub use pins::Pins;
pub use pressure::MapPressure;
pub use probe::Probe;
pub use settings::{Aggregation, RunTimeSettings, Settings};
