//! What one node has counted, at one moment.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::reference::Epoch;
use crate::rules::Rule;
use crate::snapshot::Snapshot;
use bpf_events::edge::{EdgeCell, EdgeKey};
use policy::{Identities, Identity, LabelSet};

/// What names a total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeId {
    /// An edge.
    Edge(EdgeKey),
    /// What had no edge of its own, by the slot that counts it.
    Other(u32),
    /// Edges that are no longer kept one by one.
    Forgotten,
}

/// A total since counting began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeTotal {
    /// Whose.
    pub id: EdgeId,
    /// Packets and bytes.
    pub counts: EdgeCell,
}

/// What the numbers in a reading mean.
#[derive(Clone)]
pub struct EdgeNames {
    /// Label sets by identity.
    pub identities: Arc<Identities>,
    /// Rules by number.
    pub rules: Snapshot<Rule>,
    /// Endpoints by the "other" slot in which they count, `namespace/name`.
    pub endpoints: BTreeMap<u32, Vec<String>>,
}

/// All totals of a node.
#[derive(Clone, Debug)]
pub struct EdgeReading {
    /// `<cluster>/<node>`.
    pub node_name: String,
    /// The life of the observer.
    pub epoch: Epoch,
    /// Since when is counted, nanoseconds since 1970.
    pub counted_since_ns: u64,
    /// When this was read, nanoseconds since 1970.
    pub read_ns: u64,
    /// By id, each once.
    totals: Vec<EdgeTotal>,
    names: EdgeNames,
}

impl EdgeReading {
    /// A reading; totals in which nothing was counted are left out.
    #[must_use]
    pub fn new(
        node_name: String,
        epoch: Epoch,
        (counted_since_ns, read_ns): (u64, u64),
        mut totals: Vec<EdgeTotal>,
        names: EdgeNames,
    ) -> Self {
        totals.retain(|total| total.counts != EdgeCell::default());
        totals.sort_unstable_by_key(|total| total.id);
        totals.dedup_by_key(|total| total.id);
        Self {
            node_name,
            epoch,
            counted_since_ns,
            read_ns,
            totals,
            names,
        }
    }

    /// The totals, by id.
    #[must_use]
    pub fn totals(&self) -> &[EdgeTotal] {
        &self.totals
    }

    /// The labels of an identity.
    #[must_use]
    pub fn labels(&self, identity: u32) -> Option<&LabelSet> {
        self.names.identities.labels(Identity(identity))
    }

    /// What a rule is.
    #[must_use]
    pub fn rule(&self, rule: u32) -> Option<&Arc<Rule>> {
        self.names.rules.get(rule)
    }

    /// The endpoints that count in an "other" slot.
    #[must_use]
    pub fn endpoints(&self, slot: u32) -> &[String] {
        self.names.endpoints.get(&slot).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Debug for EdgeNames {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("EdgeNames").finish_non_exhaustive()
    }
}
