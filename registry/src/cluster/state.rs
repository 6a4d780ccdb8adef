//! The state of the cluster at one revision: immutable, shared, cheap to compare with the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use policy::{Identity, LabelSet};

use super::model::{
    EndpointEntry, EndpointKey, IdentityEntry, NodeEntry, PolicyEntry, ServiceEntry, ServiceKey,
};

/// What the registry held at one revision. A newer state shares with the older whatever did not change: whole maps,
/// and single entries (see [`super::changes`]).
#[derive(Clone, Debug, Default)]
pub struct ClusterState {
    /// The backend's revision; grows. 0 before anything was read.
    pub revision: u64,
    /// The nodes, by `cluster/node`.
    pub nodes: Arc<BTreeMap<Arc<str>, Arc<NodeEntry>>>,
    /// The endpoints of all nodes, this one's included as far as they are written.
    pub endpoints: Arc<BTreeMap<EndpointKey, Arc<EndpointEntry>>>,
    /// The identities, those that rest included.
    pub identities: Arc<BTreeMap<Identity, Arc<IdentityEntry>>>,
    /// The same by their labels.
    pub identity_of: Arc<BTreeMap<LabelSet, Identity>>,
    /// The nodes that use each identity. One that is not here is used by nobody.
    pub users: Arc<BTreeMap<Identity, Arc<BTreeSet<Arc<str>>>>>,
    /// The policies, by name.
    pub policies: Arc<BTreeMap<Arc<str>, Arc<PolicyEntry>>>,
    /// The services.
    pub services: Arc<BTreeMap<ServiceKey, Arc<ServiceEntry>>>,
}

impl ClusterState {
    /// The labels of an identity.
    #[must_use]
    pub fn labels(&self, identity: Identity) -> Option<&LabelSet> {
        self.identities.get(&identity).map(|entry| &entry.labels)
    }

    /// The endpoints of a node, in order of name.
    pub fn endpoints_of<'a>(
        &'a self,
        node: &'a str,
    ) -> impl Iterator<Item = (&'a EndpointKey, &'a Arc<EndpointEntry>)> {
        let first = EndpointKey {
            node: node.into(),
            name: "".into(),
        };
        self.endpoints
            .range(first..)
            .take_while(move |(key, _)| *key.node == *node)
    }
}
