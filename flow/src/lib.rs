//! The pure heart of Tycho: from kernel records to flows in memory, filtered and encoded.
//!
//! Nothing here does I/O, spawns or sleeps. The path of a flow through the modules:
//! [`record`] checks the bytes, [`annotate`] makes a row, [`reorder`] puts rows in time order, [`store`] keeps them,
//! [`filter`] selects them and [`encode`] writes them as protobuf, with the names from [`metadata`] and [`rules`].
#![forbid(unsafe_code)]

pub mod annotate;
pub mod attempts;
pub mod batch;
pub mod clock;
pub mod edges;
pub mod encode;
pub mod filter;
mod hex;
pub mod imported;
pub mod interfaces;
pub mod journal;
pub mod mask;
pub mod metadata;
pub mod record;
pub mod reference;
pub mod reorder;
pub mod row;
pub mod rules;
pub mod selection;
pub mod snapshot;
mod sparse;
pub mod store;
mod wire;
