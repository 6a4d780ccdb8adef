//! The kernel tier: real programs, real packets, in network namespaces. Needs root.
//!
//! `cargo test -p tests --test kernel -- --test-threads=1`

mod chain;
mod connections;
mod demo;
mod edge_slots;
mod flood;
mod identities;
mod malformed;
mod modes;
mod observer;
mod pins;
mod policy_change;
mod rate_limit;
mod spoofing;
mod strangers;
mod sums;
mod verdicts;
