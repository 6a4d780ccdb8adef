//! The kernel tier: real programs, real packets, in network namespaces. Needs root.
//!
//! `cargo test -p tests --test kernel -- --test-threads=1`

mod flood;
mod rate_limit;
mod strangers;
mod sums;
mod verdicts;
