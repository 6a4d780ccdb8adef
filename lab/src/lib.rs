//! Network namespaces, veth pairs and traffic, for the demo, the tests and the benches.
//!
//! A [`topology::Node`] is a network namespace with a bridge; each of its endpoints is a namespace
//! of its own, joined by a veth pair. [`traffic`] opens sockets inside those namespaces, without
//! any external program. [`counters`] reads what the interfaces counted.
//!
//! Building a topology needs root and the `ip` command of iproute2. Nothing here touches the
//! namespace of the caller: whatever enters another namespace does so on a thread of its own.

pub mod address;
pub mod counters;
mod ip_command;
pub mod namespace;
mod stop;
mod sweep;
mod sysctl;
pub mod topology;
pub mod traffic;

pub use address::InterfaceAddress;
pub use counters::{InterfaceCounters, interface_counters, interface_index};
pub use ip_command::IpCommandError;
pub use namespace::{Namespace, NamespaceError};
pub use sweep::sweep;
pub use topology::{
    Cluster, ClusterBuilder, Endpoint, EndpointSpec, Node, NodeBuilder, TopologyError,
};
