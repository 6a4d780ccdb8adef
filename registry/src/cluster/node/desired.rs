//! What this process wants to stand in the registry.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use policy::{Identity, LabelSet};
use serde::Serialize;

use super::super::keys;
use super::super::mirror::Mirror;
use super::super::model::{EndpointEntry, NodeEntry};

/// Bytes of one value, as much as etcd takes in a request with room for the rest of it.
pub(super) const MAX_VALUE_BYTES: usize = 1 << 20;

/// What this process wants, and what it wrote lately.
#[derive(Debug, Default)]
pub(super) struct Desired {
    pub(super) node: Option<NodeEntry>,
    /// Whether all that this node has was said, so that whatever else stands of it is old.
    pub(super) complete: bool,
    /// The endpoints as they are written, by key, with their identity.
    pub(super) endpoints: BTreeMap<String, (Identity, Arc<[u8]>)>,
    /// The identities this node uses.
    pub(super) in_use: BTreeMap<Identity, LabelSet>,
    /// Identities it used for labels that are not theirs.
    pub(super) distrusted: BTreeMap<Identity, LabelSet>,
    /// What this process wrote, and the copy may not have yet.
    written: HashMap<String, Written>,
}

#[derive(Debug)]
struct Written {
    /// `None`: deleted.
    value: Option<Arc<[u8]>>,
    revision: u64,
}

impl Desired {
    pub(super) fn set_node(&mut self, node: NodeEntry) {
        self.node = Some(node);
    }

    /// Takes all endpoints of the node. What cannot be an entry is told and left out.
    pub(super) fn set_endpoints(&mut self, node: &str, endpoints: &[Arc<EndpointEntry>]) {
        let usable = endpoints.iter().filter(|endpoint| {
            let ours = endpoint.node == node && !endpoint.name.is_empty();
            if !ours {
                tracing::error!(endpoint = %endpoint.qualified_name(), of = %endpoint.node, "not published: it is not of this node");
            }
            ours
        });
        self.complete = true;
        self.endpoints = usable
            .filter_map(|endpoint| {
                let key = keys::endpoint(&endpoint.key());
                let value = encode(&**endpoint);
                if value.len() > MAX_VALUE_BYTES {
                    tracing::error!(endpoint = %endpoint.qualified_name(), bytes = value.len(), "not published: it is too large");
                    return None;
                }
                Some((key, (endpoint.identity, value.into())))
            })
            .collect();
    }

    pub(super) fn release(&mut self, identity: Identity) {
        self.in_use.remove(&identity);
        self.distrusted.remove(&identity);
    }

    /// This node uses the number for these labels, rightly.
    pub(super) fn uses(&mut self, identity: Identity, labels: &LabelSet) {
        self.in_use.insert(identity, labels.clone());
        self.distrusted.remove(&identity);
        self.distrusted.retain(|_, of| of != labels);
    }

    /// The number stands for other labels by now.
    pub(super) fn distrust(&mut self, identity: Identity, labels: LabelSet) {
        self.in_use.remove(&identity);
        self.distrusted.insert(identity, labels);
    }

    /// Nothing is wanted any more.
    pub(super) fn withdraw(&mut self) {
        *self = Self {
            complete: true,
            written: std::mem::take(&mut self.written),
            ..Self::default()
        };
    }

    /// Notes what was written.
    pub(super) fn wrote(&mut self, key: String, value: Option<Arc<[u8]>>, revision: u64) {
        self.written.insert(key, Written { value, revision });
    }

    /// Forgets what the copy has by now, or everything if a session has begun that does not keep it alive.
    pub(super) fn forget_written(&mut self, up_to: Option<u64>) {
        self.written
            .retain(|_, written| up_to.is_some_and(|revision| written.revision > revision));
    }

    /// What stands under a key of this node, as far as this process keeps it alive.
    pub(super) fn standing<'a>(&'a self, mirror: &'a Mirror, key: &str) -> Option<&'a [u8]> {
        match self.written.get(key) {
            Some(written) if written.revision > mirror.state.revision => written.value.as_deref(),
            _ => mirror
                .own
                .get(key)
                .filter(|own| own.kept)
                .map(|own| own.value.as_slice()),
        }
    }

    /// Whether there is anything under a key of this node, whoever keeps it.
    pub(super) fn stands(&self, mirror: &Mirror, key: &str) -> bool {
        match self.written.get(key) {
            Some(written) if written.revision > mirror.state.revision => written.value.is_some(),
            _ => mirror.own.contains_key(key),
        }
    }

    /// The keys of this node that may stand.
    pub(super) fn own_keys<'a>(&'a self, mirror: &'a Mirror) -> impl Iterator<Item = &'a String> {
        let written = self
            .written
            .keys()
            .filter(|key| !mirror.own.contains_key(*key));
        mirror.own.keys().chain(written)
    }
}

/// An entry as it is stored.
pub(super) fn encode<T: Serialize + ?Sized>(entry: &T) -> Vec<u8> {
    serde_json::to_vec(entry).expect("entries have text keys only")
}
