//! What all nodes of a cluster share: nodes, endpoints, identities, policies and services, over a file or etcd.
//!
//! A node says what it is and what it has ([`Registry::publish_node`], [`Registry::publish_endpoints`]), asks for the
//! numbers of label sets ([`Registry::allocate`]), and reads what everybody said from one [`ClusterState`], which is
//! replaced whenever something changes. Nothing of this waits for the backend but the calls that return [`Pending`]:
//! when the backend is away, the last state stays, and [`RegistryHealth`] says so.

mod change;
mod error;
mod health;
mod label_texts;
mod model;
mod registry;
mod state;

pub use change::{Change, changes};
pub use error::RegistryError;
pub use health::{Contact, RegistryHealth};
pub use model::{
    EndpointEntry, EndpointKey, IdentityEntry, NodeEntry, PolicyEntry, ServiceEntry, ServiceKey,
    ServicePort, WorkloadEntry,
};
pub use registry::{Allocated, Pending, Registry, Verified};
pub use state::ClusterState;
