//! What a node can ask of the registry, whatever the backend is.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use policy::{Identity, LabelSet};
use tokio::sync::watch;

use super::error::RegistryError;
use super::health::RegistryHealth;
use super::life::NodeLife;
use super::model::{EndpointEntry, NodeEntry, PolicyEntry, ServiceEntry};
use super::state::ClusterState;

/// A call that waits for the backend, for a bounded time.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, RegistryError>> + Send + 'a>>;

/// The number of a label set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocated {
    /// The number.
    pub identity: Identity,
    /// Whether the backend said so just now. `false`: it is away, and the number is what it said last; it is verified
    /// when the backend is back (see [`RegistryHealth::distrusted`]).
    pub confirmed: bool,
}

/// What the registry says of a number that this node knows from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It stands for these labels, and is in use by this node now. If the registry knew neither the number nor the
    /// labels, they were written into it.
    Confirmed,
    /// It does not. Ask [`Registry::allocate`] for the number of the labels.
    Differs {
        /// The number that the labels have.
        identity_of_labels: Option<Identity>,
        /// What the number stands for.
        labels_of_identity: Option<LabelSet>,
    },
}

/// The registry as a node sees it. Calls without [`Pending`] return at once: what they say is carried out as soon as
/// the backend can be reached, and again whenever it has lost it.
pub trait Registry: Send + Sync + fmt::Debug {
    /// The newest state of the cluster, and each newer. It says what was last known when the backend is away.
    fn state(&self) -> watch::Receiver<Arc<ClusterState>>;

    /// How it stands with the backend.
    fn health(&self) -> watch::Receiver<Arc<RegistryHealth>>;

    /// What keeps each node in the registry, by `cluster/node`; nodes of which this process may not know are left out.
    ///
    /// # Errors
    /// [`RegistryError::Away`].
    fn lives(&self) -> Pending<'_, BTreeMap<String, NodeLife>>;

    /// Says what this node is. It stays in the registry for as long as this process keeps it alive, and for the time
    /// of the lease after that. Endpoints are not written before it.
    fn publish_node(&self, node: NodeEntry);

    /// Says what endpoints this node has: all of them. Only differences are written. They go when the node does.
    fn publish_endpoints(&self, endpoints: Vec<Arc<EndpointEntry>>);

    /// Takes this node, its endpoints and its use of identities out of the registry at once, as nothing of it remains.
    /// Not needed at a restart, for which the lease gives time.
    fn withdraw(&self) -> Pending<'_, ()>;

    /// The number of a label set, the same on every node; this node uses it from now on. A set that the last known
    /// state has gets its number also when the backend is away.
    ///
    /// # Errors
    /// [`RegistryError::Exhausted`] if no number is free; [`RegistryError::Away`] if the backend cannot be reached and
    /// the set is not known.
    fn allocate(&self, labels: &LabelSet) -> Pending<'_, Allocated>;

    /// Whether a number that this node knows from before still stands for `labels`; if so, this node uses it from now
    /// on. To be asked before a number is trusted that was kept elsewhere than in the registry.
    ///
    /// # Errors
    /// [`RegistryError::Away`] if the backend cannot be reached.
    fn verify(&self, identity: Identity, labels: &LabelSet) -> Pending<'_, Verified>;

    /// This node does not use the number any more. When no node does, it rests, and is given again after that.
    fn release(&self, identity: Identity);

    /// Adds a policy, or replaces the one of its name. The manifest is not looked into.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] if it is too large or its name is none, [`RegistryError::Away`].
    fn put_policy(&self, policy: PolicyEntry) -> Pending<'_, ()>;

    /// Removes a policy. Says whether there was one.
    ///
    /// # Errors
    /// [`RegistryError::Away`].
    fn delete_policy(&self, name: &str) -> Pending<'_, bool>;

    /// Adds a service, or replaces the one of its name.
    ///
    /// # Errors
    /// As [`Registry::put_policy`].
    fn put_service(&self, service: ServiceEntry) -> Pending<'_, ()>;

    /// Removes a service. Says whether there was one.
    ///
    /// # Errors
    /// [`RegistryError::Away`].
    fn delete_service(&self, namespace: &str, name: &str) -> Pending<'_, bool>;
}
