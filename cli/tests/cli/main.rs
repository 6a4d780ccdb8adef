//! `tycho` from outside: what it prints for given flags, files and servers.

mod agent_events;
mod answers;
mod binary;
mod certs;
mod changes;
mod dedup;
#[cfg(feature = "observer")]
mod demo;
mod errors;
mod fake;
mod fake_node;
mod fake_relay;
mod filters;
mod formats;
mod help;
mod lists;
mod node;
mod refusals;
mod servers;
mod snapshot;
