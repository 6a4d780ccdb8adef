//! The services of a node over a real socket and a real client, fed with records that no kernel wrote.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod agent_events;
mod cluster;
mod cluster_policies;
mod edges;
mod endpoints;
mod explain;
mod extent;
mod fixture;
mod follow;
mod identities;
mod journal;
mod ledger;
mod losses;
mod others;
mod peers;
mod planned;
mod policies;
mod refused;
mod set_aside;
