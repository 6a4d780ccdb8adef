//! `tycho` from outside: what it prints for given flags, files and servers.

mod binary;
mod errors;
mod fake;
mod filters;
mod formats;
mod help;
mod servers;
