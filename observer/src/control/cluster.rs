//! The cluster's registry as the control thread has it: what it says, how it stands, and what this node says to it.
//!
//! Nothing here waits. What the registry knows lies ready, what it is told it carries out when it can, and the numbers of
//! label sets are asked for by a task (`crate::cluster`), whose answers come as mail.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use policy::{Identity, LabelSet};
use registry::cluster::{
    ClusterState, EndpointEntry, NodeEntry, PolicyEntry, Registry, RegistryHealth, WorkloadEntry,
};
use registry::directory::Manifest;
use tokio::sync::watch;

use super::Control;
use super::inputs::Input;
use super::mailbox::Mailbox;
use super::maps::Place;
use super::registry_state::{conditions, contact};
use crate::desired::{DesiredEndpoint, NumbersWanted, OF_REGISTRY, is_usable};
use crate::peers::PeerNode;

/// What the registry has answered, by label set: the number, or why there is none.
pub(crate) type NumbersGiven = BTreeMap<LabelSet, Result<Identity, String>>;

/// How other nodes and relays reach this observer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reachable {
    /// `host:port`; `None` if from its own machine only.
    pub(crate) address: Option<String>,
    /// The name on its certificate.
    pub(crate) tls_server_name: Option<String>,
}

/// The registry, and what was last said to it.
#[derive(Debug)]
pub(crate) struct Cluster {
    registry: Arc<dyn Registry>,
    state: watch::Receiver<Arc<ClusterState>>,
    health: watch::Receiver<Arc<RegistryHealth>>,
    wanted: watch::Sender<Arc<NumbersWanted>>,
    reachable: Reachable,
    seen: Arc<ClusterState>,
    node: Option<NodeEntry>,
    endpoints: Vec<Arc<EndpointEntry>>,
    /// Whether policies of the registry were in force before: from then on a clash refuses the newer ones.
    has_policies: bool,
}

impl Cluster {
    /// Whatever the registry says from now on is news.
    pub(crate) fn new(registry: Arc<dyn Registry>, reachable: Reachable) -> Self {
        let mut state = registry.state();
        let mut health = registry.health();
        state.mark_changed();
        health.mark_changed();
        Self {
            state,
            health,
            registry,
            reachable,
            wanted: watch::Sender::new(Arc::default()),
            seen: Arc::default(),
            node: None,
            endpoints: Vec::new(),
            has_policies: false,
        }
    }

    /// The registry.
    pub(crate) fn registry(&self) -> &Arc<dyn Registry> {
        &self.registry
    }

    /// How many identity numbers are given in the whole cluster.
    pub(super) fn identities_given(&self) -> usize {
        self.seen.identities.len()
    }

    /// Tells the mailbox of each change, for ever.
    pub(crate) fn tell(&self, mailbox: &Mailbox) -> impl Future<Output = ()> + Send + 'static {
        let (mut state, mut health) = (self.state.clone(), self.health.clone());
        let mailbox = mailbox.clone();
        async move {
            loop {
                // Neither ends before the registry does.
                let goes_on = tokio::select! {
                    changed = state.changed() => changed.is_ok(),
                    changed = health.changed() => changed.is_ok(),
                };
                if !goes_on {
                    return;
                }
                mailbox.inputs();
            }
        }
    }

    /// What it is to be asked, now and later.
    pub(crate) fn wanted(&self) -> watch::Receiver<Arc<NumbersWanted>> {
        self.wanted.subscribe()
    }
}

/// The policies as files of a directory would be.
fn manifests(policies: &BTreeMap<Arc<str>, Arc<PolicyEntry>>) -> Vec<Manifest> {
    let manifests = policies.iter().map(|(name, policy)| Manifest {
        path: PathBuf::from(format!("{OF_REGISTRY}{name}")),
        text: policy.yaml.clone(),
    });
    manifests.collect()
}

impl Control {
    /// Takes what the registry says newly; whether anything is to be planned anew.
    pub(super) fn take_cluster(&mut self) -> bool {
        self.look_at_contact();
        let cluster = &mut self.cluster;
        if !cluster.state.has_changed().unwrap_or(false) {
            return false;
        }
        let state = Arc::clone(&cluster.state.borrow_and_update());
        let before = std::mem::replace(&mut cluster.seen, Arc::clone(&state));
        if !Arc::ptr_eq(&before.nodes, &state.nodes) {
            self.node.peers.set_others(peers(&state));
        }
        let changed = !Arc::ptr_eq(&before.nodes, &state.nodes)
            || !Arc::ptr_eq(&before.endpoints, &state.endpoints)
            || !Arc::ptr_eq(&before.identities, &state.identities);
        if changed {
            self.planner.set_cluster(Arc::clone(&state));
        }
        let policies = !Arc::ptr_eq(&before.policies, &state.policies);
        let policies = policies && self.offer_registry_policies(manifests(&state.policies));
        self.unpublished |= changed;
        changed || policies
    }

    /// Takes the registry's answers.
    pub(super) fn take_numbers(&mut self, given: NumbersGiven) {
        self.due |= !given.is_empty();
        for (labels, answer) in given {
            match answer {
                Ok(identity) => self.planner.give_number(labels, identity),
                Err(reason) => self.planner.refuse_number(labels, reason),
            }
        }
    }

    pub(super) fn offer_registry_policies(&mut self, manifests: Vec<Manifest>) -> bool {
        let taken = if self.cluster.has_policies {
            self.planner.set_registry_policies(&manifests)
        } else {
            self.planner.set_first_registry_policies(&manifests)
        };
        match taken {
            Ok(()) => {
                self.cluster.has_policies = true;
                self.refused.registry = None;
                self.problem(Input::Registry, None);
                true
            }
            Err(error) => {
                let problem = self.planner.policy_clash(&error);
                let problem = problem.unwrap_or_else(|| super::chain(&error));
                self.refused.registry = Some(manifests);
                self.problem(Input::Registry, Some(problem));
                false
            }
        }
    }

    /// Says in the log when contact is lost and when it is back, and remembers it for whoever asks.
    fn look_at_contact(&mut self) {
        let health = &mut self.cluster.health;
        if !health.has_changed().unwrap_or(false) {
            return;
        }
        let health = Arc::clone(&health.borrow_and_update());
        let (now, before) = (contact(&health), self.problems.contact.take());
        match (&before, &now) {
            (None, Some(problem)) => tracing::error!("{problem}"),
            (Some(_), None) => tracing::info!(
                registry = %health.backend,
                revision = health.revision,
                "the registry answers again; what has changed meanwhile is taken over"
            ),
            (Some(before), Some(now)) if before != now => tracing::debug!("{now}"),
            _ => {}
        }
        self.unpublished |= before != now;
        self.problems.contact = now;
    }

    /// Remembers what else is wrong with what the registry says, and logs what is new and what is over.
    pub(super) fn look_at_cluster(&mut self) {
        let now = conditions(
            self.planner.cluster_problems(),
            self.planner.contradictions(),
            &self.cluster.health.borrow(),
        );
        let before = &self.problems.cluster;
        if *before == now {
            return;
        }
        for new in now.iter().filter(|one| !before.contains(one)) {
            tracing::warn!("{new}");
        }
        for gone in before.iter().filter(|one| !now.contains(one)) {
            tracing::info!("no longer so: {gone}");
        }
        self.problems.cluster = now;
        self.unpublished = true;
    }

    /// Says to the registry what this node is and has, if that is not what it was told last.
    pub(super) fn tell_registry(&mut self) {
        let node = self.node_entry();
        let endpoints = self.desired.endpoints.iter();
        let endpoints: Vec<Arc<EndpointEntry>> = endpoints
            .enumerate()
            .map(|(place, endpoint)| {
                let entry = self.endpoint_entry(endpoint);
                let told = self.cluster.endpoints.get(place);
                let same = told.filter(|told| ***told == entry);
                same.cloned().unwrap_or_else(|| Arc::new(entry))
            })
            .collect();
        let cluster = &mut self.cluster;
        if cluster.node.as_ref() != Some(&node) {
            cluster.registry.publish_node(node.clone());
            cluster.node = Some(node);
        }
        if cluster.endpoints != endpoints {
            cluster.registry.publish_endpoints(endpoints.clone());
            cluster.endpoints = endpoints;
        }
    }

    /// Says what numbers this node wants to know, if that is something else than before.
    pub(super) fn want_numbers(&self) {
        let wanted = self.planner.numbers_wanted();
        self.cluster.wanted.send_if_modified(|known| {
            let is_new = **known != wanted;
            if is_new {
                *known = Arc::new(wanted);
            }
            is_new
        });
    }

    fn node_entry(&self) -> NodeEntry {
        let ips: Vec<IpAddr> = self.maps.node_addresses().into_iter().collect();
        let Reachable {
            address,
            tls_server_name,
        } = self.cluster.reachable.clone();
        NodeEntry {
            name: self.node.names.node_name.clone(),
            address,
            tls_server_name,
            ips: ips.into_iter().filter(is_usable).collect(),
            started_ns: self.node.started_ns,
            epoch: self.node.names.epoch.number(),
            version: crate::node::Node::version(),
        }
    }

    /// The endpoint as this node's own IP cache has it.
    fn endpoint_entry(&self, endpoint: &DesiredEndpoint) -> EndpointEntry {
        let spec = &endpoint.spec;
        let workload = spec.workload.iter();
        let version = self.node.names.metadata.version(endpoint.row.metadata);
        EndpointEntry {
            node: self.node.names.node_name.clone(),
            name: spec.name.clone(),
            namespace: spec.namespace.clone(),
            ips: endpoint.addresses.clone(),
            identity: Identity(endpoint.row.identity),
            labels: endpoint.labels.clone(),
            workload: workload
                .map(|workload| WorkloadEntry {
                    kind: workload.kind.clone(),
                    name: workload.name.clone(),
                })
                .next(),
            ports: spec.ports.clone(),
            managed: matches!(self.maps.place(&endpoint.name), Place::Attached { .. }),
            since_ns: version.map_or(0, |version| version.from_ns()),
        }
    }
}

/// The nodes that can be reached.
fn peers(state: &ClusterState) -> Vec<PeerNode> {
    let nodes = state.nodes.values();
    let peers = nodes.filter_map(|node| {
        Some(PeerNode {
            name: node.name.clone(),
            address: node.address.clone()?,
            tls_server_name: node.tls_server_name.clone(),
        })
    });
    peers.collect()
}
