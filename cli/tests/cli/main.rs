//! `tycho` from outside: what it prints for given flags, files and servers.

mod binary;
#[cfg(feature = "observer")]
mod demo;
mod errors;
mod fake;
mod filters;
mod formats;
mod help;
mod servers;
