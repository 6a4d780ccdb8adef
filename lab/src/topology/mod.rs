//! One node and its endpoints: a namespace with a bridge, and a namespace per endpoint, joined by
//! veth pairs.
//!
//! ```text
//!  endpoint namespace        node namespace            endpoint namespace
//! ┌───────────────────┐   ┌────────────────────┐   ┌───────────────────┐
//! │ eth0 10.10.0.11 ──┼───┼─ veth0a1b… ┐       │   │                   │
//! │      fd10::11     │   │            ├─ br0  │   │                   │
//! │                   │   │ veth77c2… ─┘ ──────┼───┼── eth0 10.10.0.12 │
//! └───────────────────┘   └────────────────────┘   └───────────────────┘
//! ```
//!
//! Several nodes make a cluster, joined by a backbone: one more namespace with a bridge, and an `eth0` in each node.
//!
//! ```text
//!   node a (10.1.0.0/24)       backbone        node b (10.2.0.0/24)
//! ┌──────────────────────┐   ┌──────────┐   ┌──────────────────────┐
//! │ br0 ─ eth0 10.9.0.1 ─┼───┼─ veth… ┐ │   │                      │
//! │                      │   │       br0 ───┼─ eth0 10.9.0.2 ─ br0 │
//! └──────────────────────┘   └──────────┘   └──────────────────────┘
//! ```
//!
//! Endpoints of different nodes talk with their own addresses: nothing is translated.
//!
//! The bridge holds the gateway addresses and the node forwards between them. An endpoint takes
//! the prefix length, and its default route, from the gateway whose subnet holds its address.

mod cluster;
mod cluster_commands;
mod cluster_spec;
mod commands;
mod endpoint;
mod names;
mod node;
mod spec;
mod spec_error;

pub use cluster::Cluster;
pub use cluster_commands::UPLINK;
pub use cluster_spec::ClusterBuilder;
pub use endpoint::Endpoint;
pub use names::{default_host_interface, default_mac_address};
pub use node::{Node, TopologyError};
pub use spec::{EndpointSpec, NodeBuilder};
pub use spec_error::SpecError;

/// The bridge of every node.
pub const BRIDGE: &str = "br0";
/// The interface inside every endpoint.
pub const ENDPOINT_INTERFACE: &str = "eth0";
