//! `tycho` from outside: what it prints for given flags, files and servers.

mod agent_events;
mod answers;
mod binary;
mod certs;
mod changes;
mod dedup;
#[cfg(all(feature = "observer", feature = "relay"))]
mod demo;
mod errors;
#[path = "../../../registry/tests/cluster/etcd.rs"]
#[expect(
    clippy::unwrap_used,
    dead_code,
    reason = "of the registry's tests, which do more with it"
)]
mod etcd;
mod fake;
mod fake_node;
mod fake_relay;
mod filters;
mod formats;
mod help;
mod lists;
mod node;
mod refusals;
mod registry;
mod registry_etcd;
mod servers;
mod snapshot;
