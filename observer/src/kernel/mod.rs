//! The only part that knows the loader: it opens the datapath, drains its ring, and keeps its maps as desired.

mod account;
mod base;
mod control;
mod drain;
mod open;
mod reconcile;

pub(crate) use control::{Control, Drainable, Inputs};
pub(crate) use drain::Drain;
pub(crate) use open::open;
