//! The only part that knows the loader: it opens the datapath, drains its ring, and keeps its maps as desired.

mod account;
mod base;
mod drain;
mod maps;
mod open;
mod reconcile;
mod saved_edges;

pub(crate) use drain::Drain;
pub(crate) use maps::{Drainable, KernelMaps};
pub(crate) use open::open;
