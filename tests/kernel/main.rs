//! The kernel tier: real programs, real packets, in network namespaces. Needs root.
//!
//! `cargo test -p tests --test kernel -- --test-threads=1`

mod alternation;
mod audit;
mod backbone;
mod chain;
mod cluster;
mod connections;
mod demo;
mod differential;
mod edge_slots;
mod faults;
mod flood;
mod headers;
mod identities;
mod malformed;
mod modes;
mod network_policy;
mod observer;
mod page;
mod pins;
mod policy_change;
mod policy_sets;
mod pressure;
mod rate_limit;
mod related;
mod spoofing;
mod strangers;
mod sums;
mod tcp_states;
mod truth_log;
mod verdicts;
