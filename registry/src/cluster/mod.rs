//! What all nodes of a cluster share: nodes, endpoints, identities, policies and services, over a file or etcd.
//!
//! A node says what it is and what it has ([`Registry::publish_node`], [`Registry::publish_endpoints`]), asks for the
//! numbers of label sets ([`Registry::allocate`]), and reads what everybody said from one [`ClusterState`], which is
//! replaced whenever something changes. Nothing of this waits for the backend but the calls that return [`Pending`]:
//! when the backend is away, the last state stays, and [`RegistryHealth`] says so.

mod change;
mod error;
mod etcd;
mod file;
mod health;
mod kept;
mod keys;
mod label_texts;
mod life;
mod mirror;
mod model;
mod node;
mod registry;
mod service_file;
mod settings;
mod state;
mod store;
mod url;

use std::sync::Arc;

pub use change::{Change, changes};
pub use error::RegistryError;
pub use health::{Contact, RegistryHealth};
pub use life::NodeLife;
pub use model::{
    EndpointEntry, EndpointKey, IdentityEntry, NodeEntry, PolicyEntry, ServiceEntry, ServiceKey,
    ServicePort, WorkloadEntry,
};
pub use node::{Driver, first_contact};
pub use registry::{Allocated, Pending, Registry, Verified};
pub use service_file::{ServiceFileError, read_services};
pub use settings::{
    DEFAULT_CALL_TIMEOUT, DEFAULT_LEASE, DEFAULT_REST, EtcdLogin, EtcdTls, RegistrySettings,
};
pub use state::ClusterState;
pub use url::{EtcdUrl, RegistryUrl, RegistryUrlError};

use etcd::EtcdBackend;
use file::FileBackend;
use kept::Kept;
use node::NodeRegistry;
use store::Backend;

/// A registry, and the driver that keeps it current, which the caller runs as a task. Nothing is reached yet: a
/// backend that is away, or is not this node's cluster, shows in [`Registry::health`]. Until then the state is what an
/// earlier process has kept, for etcd, or empty.
///
/// # Errors
/// When a setting cannot work.
pub fn open(settings: RegistrySettings) -> Result<(Arc<dyn Registry>, Driver), RegistryError> {
    settings.check()?;
    let mut kept = None;
    let backend: Box<dyn Backend> = match &settings.url {
        RegistryUrl::File(directory) => Box::new(FileBackend::new(
            directory.clone(),
            settings.node.as_deref(),
            settings.create || settings.node.is_some(),
            settings.lease,
        )),
        RegistryUrl::Etcd(url) => {
            kept = settings.state.as_deref().map(Kept::in_directory);
            Box::new(EtcdBackend::new(url, &settings)?)
        }
    };
    let id = backend.cluster_id();
    let known = kept
        .as_ref()
        .map_or_else(ClusterState::default, |kept| kept.read(id.as_deref()));
    let (registry, broken) = NodeRegistry::new(settings, known);
    let registry = Arc::new(registry);
    let driver = Driver::new(Arc::clone(&registry), backend, broken, kept);
    Ok((registry, driver))
}
