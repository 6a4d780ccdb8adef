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
//! The bridge holds the gateway addresses and the node forwards between them. An endpoint takes
//! the prefix length, and its default route, from the gateway whose subnet holds its address.

mod commands;
mod endpoint;
mod names;
mod node;
mod spec;
mod spec_error;

pub use endpoint::Endpoint;
pub use names::{default_host_interface, default_mac_address};
pub use node::{Node, TopologyError};
pub use spec::{EndpointSpec, NodeBuilder};
pub use spec_error::SpecError;

/// The bridge of every node.
pub const BRIDGE: &str = "br0";
/// The interface inside every endpoint.
pub const ENDPOINT_INTERFACE: &str = "eth0";
