//! The totals of one node, as a client of it knows them: parts become whole readings.

use std::collections::HashMap;
use std::sync::Arc;

use proto::tycho::v1::{Edge, EdgeKind, EdgeRule, EdgesPart, EndManaged};

use super::MAX_NAMES;
use super::merge::EdgesError;
use super::pair::{Contribution, Decision, Labels, Pair};

/// Totals of a node at most: every slot, as many again that have lost theirs, and the "other" ones.
const MAX_TOTALS: usize = 200_000;

/// Labels of an identity of which the node knows nothing.
const UNKNOWN: &str = "reserved:unknown";

/// What an edge is known by in one node's stream.
type Key = [u32; 12];

/// An edge with the names that its numbers had when it was told.
#[derive(Clone, Debug)]
pub(super) enum Resolved {
    /// Of two ends.
    Pair(Arc<Pair>, Contribution),
    /// Of whom is not known.
    Unattributed(proto::tycho::v1::EdgeCounts),
}

/// What a reading has done to an edge.
pub(super) struct Change {
    pub(super) before: Option<Resolved>,
    pub(super) now: Option<Resolved>,
}

/// One node.
#[derive(Debug)]
pub(super) struct NodeEdges {
    labels: HashMap<u32, Labels>,
    rules: HashMap<u32, Arc<str>>,
    totals: HashMap<Key, Resolved>,
    /// Parts of a reading whose last one has not come yet.
    staged: HashMap<Key, Option<Resolved>>,
    /// The reading, and the part of it that comes next.
    staging: (u64, u32),
    unknown: Labels,
    pub(super) read_ns: u64,
}

impl NodeEdges {
    pub(super) fn new() -> Self {
        Self {
            labels: HashMap::new(),
            rules: HashMap::new(),
            totals: HashMap::new(),
            staged: HashMap::new(),
            staging: (0, 0),
            unknown: Arc::from([UNKNOWN.to_owned()]),
            read_ns: 0,
        }
    }

    /// Takes a part; after an error, only a whole reading may follow. The changes come with the last part of a reading. `rule` is told of each rule.
    pub(super) fn take(
        &mut self,
        part: &EdgesPart,
        mut rule: impl FnMut(&EdgeRule) -> Arc<str>,
    ) -> Result<Vec<Change>, EdgesError> {
        if part.part == 0 {
            // An earlier stream may have ended in the middle of a reading.
            self.staged.clear();
            if part.whole {
                self.labels.clear();
                self.rules.clear();
            }
        } else if self.staging != (part.reading, part.part) {
            return Err(EdgesError::Missing {
                node: part.node_name.clone(),
                reading: part.reading,
                part: part.part,
            });
        }
        self.staging = (part.reading, part.part + 1);
        for labels in &part.labels {
            self.labels
                .insert(labels.number, labels.labels.clone().into());
        }
        for told in &part.rules {
            self.rules.insert(told.number, rule(told));
        }
        for edge in &part.edges {
            let resolved = self.resolve(edge);
            self.staged.insert(key(edge), Some(resolved));
        }
        for edge in &part.gone {
            self.staged.insert(key(edge), None);
        }
        let names = self.labels.len().max(self.rules.len());
        if self.totals.len() + self.staged.len() > 2 * MAX_TOTALS || names > 2 * MAX_NAMES {
            return Err(EdgesError::TooMany {
                node: part.node_name.clone(),
                limit: MAX_TOTALS,
            });
        }
        if !part.last {
            return Ok(Vec::new());
        }
        self.read_ns = part.read_at.as_ref().map_or(0, time_ns);
        let staged = std::mem::take(&mut self.staged);
        let mut changes = Vec::with_capacity(staged.len());
        if part.whole {
            let gone = self.totals.extract_if(|key, _| !staged.contains_key(key));
            changes.extend(gone.map(|(_, before)| Change {
                before: Some(before),
                now: None,
            }));
        }
        for (key, now) in staged {
            let before = match &now {
                Some(now) => self.totals.insert(key, now.clone()),
                None => self.totals.remove(&key),
            };
            changes.push(Change { before, now });
        }
        Ok(changes)
    }

    /// Everything that it has counted, for whoever takes it away.
    pub(super) fn into_totals(self) -> impl Iterator<Item = Resolved> {
        self.totals.into_values()
    }

    /// The rules that its numbers stand for.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rules.values()
    }

    fn resolve(&self, edge: &Edge) -> Resolved {
        let counts = edge.counts.unwrap_or_default();
        if edge.kind() != EdgeKind::Edge {
            return Resolved::Unattributed(counts);
        }
        let labels = |number| self.labels.get(&number).unwrap_or(&self.unknown);
        let pair = Pair {
            source: Arc::clone(labels(edge.source)),
            destination: Arc::clone(labels(edge.destination)),
            protocol: edge.protocol,
            port: edge.port,
        };
        let rule = self.rules.get(&edge.rule).cloned();
        let decision = Decision {
            direction: edge.direction,
            verdict: edge.verdict,
            drop_reason: edge.drop_reason,
            rule: rule.unwrap_or_default(),
        };
        let contribution = Contribution {
            decision,
            destination_managed: edge.destination_managed() == EndManaged::Managed,
            counts,
        };
        Resolved::Pair(Arc::new(pair), contribution)
    }
}

fn key(edge: &Edge) -> Key {
    [
        edge.kind.cast_unsigned(),
        edge.source,
        edge.destination,
        edge.protocol,
        edge.port,
        edge.direction.cast_unsigned(),
        edge.verdict.cast_unsigned(),
        edge.drop_reason.cast_unsigned(),
        edge.rule,
        edge.source_managed.cast_unsigned(),
        edge.destination_managed.cast_unsigned(),
        edge.slot,
    ]
}

fn time_ns(time: &prost_types::Timestamp) -> u64 {
    crate::selection::time_ns("read_at", Some(time))
        .ok()
        .flatten()
        .unwrap_or(0)
}
