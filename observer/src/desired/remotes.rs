//! What the other nodes have: addresses, with the identity and the metadata that flows of this node show for them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use flow::metadata::{MetadataContent, MetadataKind, Workload};
use policy::{Identity, NamedPorts};
use registry::cluster::{Change, ClusterState, EndpointEntry, EndpointKey, changes};

use super::addresses::{RemoteAddresses, resolve};
use super::book::Book;
use super::error::BookError;
use super::identities::Learned;
use super::numbering::Numbering;

/// What begins the keys of endpoints of other nodes in the metadata table.
const REMOTE_KEY: &str = "remote/";

/// The endpoints of other nodes, as this node knows them.
#[derive(Debug)]
pub(super) struct Remotes {
    /// `cluster/node` of this node, whose own entries are left out.
    own: Arc<str>,
    /// The newest state.
    state: Arc<ClusterState>,
    /// The state that `known` is of.
    planned: Arc<ClusterState>,
    known: BTreeMap<EndpointKey, Known>,
    /// Keys of those in the metadata table.
    metadata_keys: HashSet<String>,
    /// Endpoints without a number that this node may use, and why.
    held_back: BTreeMap<EndpointKey, String>,
    /// The addresses of this node's endpoints when `addresses` was made.
    local: HashMap<IpAddr, String>,
    addresses: Arc<RemoteAddresses>,
    /// Addresses that several claim, as sentences.
    conflicts: Vec<String>,
    named_ports: BTreeSet<(Identity, String, u16)>,
}

/// An endpoint of another node.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) entry: Arc<EndpointEntry>,
    pub(super) metadata: u32,
    metadata_key: String,
}

impl Remotes {
    /// Of a node that knows nothing of others.
    pub(super) fn new(own: &str) -> Self {
        Self {
            own: own.into(),
            state: Arc::default(),
            planned: Arc::default(),
            known: BTreeMap::new(),
            metadata_keys: HashSet::new(),
            held_back: BTreeMap::new(),
            local: HashMap::new(),
            addresses: Arc::default(),
            conflicts: Vec::new(),
            named_ports: BTreeSet::new(),
        }
    }

    /// Takes a newer state.
    pub(super) fn set(&mut self, state: Arc<ClusterState>) {
        self.state = state;
    }

    /// Gives numbers to what is new, and works out which address is whose; `local` are the addresses of this node's
    /// endpoints, with their names.
    pub(super) fn plan(
        &mut self,
        book: &mut Book,
        numbering: &mut Numbering,
        local: HashMap<IpAddr, String>,
    ) -> Result<(), BookError> {
        let mut changed = false;
        for key in self.to_look_at() {
            changed = true;
            self.forget(&key);
            let Some(entry) = self.state.endpoints.get(&key) else {
                continue;
            };
            match look(entry, &self.state, book, numbering) {
                Ok(Ok(known)) => {
                    self.metadata_keys.insert(known.metadata_key.clone());
                    self.known.insert(key, known);
                }
                Ok(Err(reason)) => {
                    self.held_back.insert(key, reason);
                }
                Err(error) => {
                    self.held_back.insert(key, error.to_string());
                    return Err(error);
                }
            }
        }
        changed |= !Arc::ptr_eq(&self.planned.nodes, &self.state.nodes);
        self.planned = Arc::clone(&self.state);
        if changed || self.local != local {
            self.local = local;
            let nodes = self.state.nodes.values();
            let nodes = nodes.filter(|node| *node.name != *self.own);
            let (addresses, conflicts) = resolve(&self.local, &self.known, nodes);
            if *self.addresses != addresses {
                self.addresses = Arc::new(addresses);
            }
            self.conflicts = conflicts;
            self.named_ports = named_ports(&self.known);
        }
        Ok(())
    }

    /// What each address of another node is.
    pub(super) fn addresses(&self) -> &Arc<RemoteAddresses> {
        &self.addresses
    }

    /// Whether this is the key of something in the metadata table that another node has now.
    pub(super) fn has_metadata(&self, key: &str) -> bool {
        self.metadata_keys.contains(key)
    }

    /// Adds the ports that have names on other nodes.
    pub(super) fn add_named_ports(&self, book: &Book, named: &mut NamedPorts) {
        for (identity, name, port) in &self.named_ports {
            if let Some(labels) = book.identities.labels(*identity) {
                named.insert(*identity, labels, name, *port);
            }
        }
    }

    /// Addresses that several claim, and endpoints that this node cannot use yet, as sentences.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        let held_back = self.held_back.iter().map(|(key, reason)| {
            let EndpointKey { node, name } = key;
            format!("endpoint {name} of {node} is not known by address: {reason}")
        });
        self.conflicts.iter().cloned().chain(held_back)
    }

    /// Whether another look may get on with something.
    pub(super) fn has_leftovers(&self) -> bool {
        !self.held_back.is_empty()
    }

    /// Endpoints that are new, different or gone, or whose identity is; and those that were held back.
    fn to_look_at(&self) -> BTreeSet<EndpointKey> {
        let mut keys: BTreeSet<EndpointKey> = self.held_back.keys().cloned().collect();
        if !Arc::ptr_eq(&self.planned.endpoints, &self.state.endpoints) {
            let changes = changes(&self.planned.endpoints, &self.state.endpoints);
            let changed = changes.iter().map(|change| match change {
                Change::Added(key, _) | Change::Changed(key, _, _) | Change::Removed(key, _) => key,
            });
            let others = changed.filter(|key| *key.node != *self.own);
            keys.extend(others.map(|key| EndpointKey::clone(key)));
        }
        if !Arc::ptr_eq(&self.planned.identities, &self.state.identities) {
            // A number that means something else is rare, and only then it matters who has it.
            let changes = changes(&self.planned.identities, &self.state.identities);
            let other: HashSet<Identity> = changes
                .iter()
                .filter_map(|change| match change {
                    Change::Changed(identity, _, _) => Some(**identity),
                    Change::Added(..) | Change::Removed(..) => None,
                })
                .collect();
            if !other.is_empty() {
                let known = self.known.iter();
                let concerned = known.filter(|(_, known)| other.contains(&known.entry.identity));
                keys.extend(concerned.map(|(key, _)| key.clone()));
            }
        }
        keys
    }

    fn forget(&mut self, key: &EndpointKey) {
        self.held_back.remove(key);
        if let Some(known) = self.known.remove(key) {
            self.metadata_keys.remove(&known.metadata_key);
        }
    }
}

/// An endpoint with its numbers, or why this node cannot use it.
fn look(
    entry: &Arc<EndpointEntry>,
    state: &ClusterState,
    book: &mut Book,
    numbering: &mut Numbering,
) -> Result<Result<Known, String>, BookError> {
    let identity = entry.identity;
    if !identity.is_allocated() {
        return Ok(Err(format!(
            "its identity {identity} is none of a label set"
        )));
    }
    let Some(labels) = state.labels(identity) else {
        return Ok(Err(format!(
            "its identity {identity} is not in the registry"
        )));
    };
    match book.learn(labels, identity)? {
        Learned::Known => {}
        Learned::Renumbered { earlier } => numbering.renumber(labels, earlier, identity),
        Learned::Taken { by } => {
            numbering.overrule(identity, &by, labels);
            return Ok(Err(format!(
                "its identity {identity} still stands for {by} on this node"
            )));
        }
    }
    let metadata_key = format!("{REMOTE_KEY}{}/{}", entry.node, entry.qualified_name());
    match book.metadata(&metadata_key, content(entry)) {
        Ok(metadata) => Ok(Ok(Known {
            entry: Arc::clone(entry),
            metadata,
            metadata_key,
        })),
        Err(error @ BookError::Exhausted { .. }) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}

/// What flows say of it. Its number means something on its own node only.
fn content(entry: &EndpointEntry) -> MetadataContent {
    let workload = entry.workload.iter();
    let cluster = entry.node.split('/').next().unwrap_or_default();
    MetadataContent {
        kind: MetadataKind::Endpoint,
        endpoint_id: 0,
        identity: entry.identity.0,
        labels: entry.labels.clone(),
        namespace: entry.namespace.clone().unwrap_or_default(),
        pod_name: entry.name.clone(),
        workloads: workload
            .map(|workload| Workload {
                kind: workload.kind.clone(),
                name: workload.name.clone(),
            })
            .collect(),
        cluster_name: cluster.to_owned(),
    }
}

fn named_ports(known: &BTreeMap<EndpointKey, Known>) -> BTreeSet<(Identity, String, u16)> {
    let entries = known.values().map(|known| &known.entry);
    let ports = entries.flat_map(|entry| {
        let ports = entry.ports.iter();
        ports.map(|(name, port)| (entry.identity, name.clone(), *port))
    });
    ports.collect()
}
