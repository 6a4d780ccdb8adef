//! `tycho` from outside: what it prints for given flags, files and servers.

mod answers;
mod binary;
mod certs;
mod changes;
#[cfg(feature = "observer")]
mod demo;
mod errors;
mod fake;
mod fake_node;
mod filters;
mod formats;
mod help;
mod node;
mod refusals;
mod servers;
mod snapshot;
