//! The way to the cluster's registry: opened at the start, asked for numbers by a task, told to leave at the end.

mod ask;
mod open;
mod reachable;

pub(crate) use ask::ask_for_numbers;
pub(crate) use open::{first_numbers, leave, open};
pub(crate) use reachable::{reachable, tls_name};
