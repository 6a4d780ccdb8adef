//! The totals of many nodes by label set, each connection once.
//!
//! An edge counts in *delivered* (forwarded, audited) if it was counted at the destination, or if nobody counts there; in
//! *dropped* at whichever end. Each edge of each node is placed by itself: nothing is matched between the nodes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use proto::tycho::v1::{EdgeCounts, EdgeRule, EdgesPart};

use super::counts::{add, subtract};
use super::node::{NodeEdges, Resolved};
use super::pair::{MergedReading, MergedTotal, Pair};

/// Why a part cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EdgesError {
    /// A node has more edges than any kernel counts.
    #[error("{node} tells of more than {limit} edges")]
    TooMany {
        /// The node.
        node: String,
        /// What is taken at most.
        limit: usize,
    },
    /// A part before this one has not come.
    #[error("{node} has left out what comes before part {part} of its reading {reading} of edges")]
    Missing {
        /// The node.
        node: String,
        /// The reading.
        reading: u64,
        /// The part that came.
        part: u32,
    },
}

/// Rules that are kept whether or not anything names them.
const RULES_KEPT: usize = 4_096;

/// What the nodes have told, and the sums of it.
#[derive(Debug)]
pub struct EdgeMerge {
    nodes: HashMap<String, NodeEdges>,
    pairs: BTreeMap<Arc<Pair>, Arc<MergedTotal>>,
    unattributed: EdgeCounts,
    rules: Arc<BTreeMap<Arc<str>, EdgeRule>>,
    /// With more rules than this, those that decide nothing any more are looked for.
    rules_kept: usize,
}

impl Default for EdgeMerge {
    fn default() -> Self {
        Self {
            nodes: HashMap::new(),
            pairs: BTreeMap::new(),
            unattributed: EdgeCounts::default(),
            rules: Arc::default(),
            rules_kept: RULES_KEPT,
        }
    }
}

impl EdgeMerge {
    /// Nobody has told anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a part of a node's stream. It counts once the last part of its reading has come; whether that is so.
    ///
    /// # Errors
    /// If the node tells of too many edges, or has left out a part. What it told before still counts, and its stream must
    /// begin anew.
    pub fn take(&mut self, part: &EdgesPart) -> Result<bool, EdgesError> {
        let rules = &mut self.rules;
        let node = self
            .nodes
            .entry(part.node_name.clone())
            .or_insert_with(NodeEdges::new);
        let changes = node.take(part, |rule| name(rules, rule))?;
        for change in changes {
            if let Some(before) = &change.before {
                self.remove(before);
            }
            if let Some(now) = &change.now {
                self.add(now);
            }
        }
        Ok(part.last)
    }

    /// Forgets a node and what it has counted.
    pub fn remove_node(&mut self, node: &str) {
        if let Some(node) = self.nodes.remove(node) {
            node.into_totals().for_each(|total| self.remove(&total));
        }
    }

    /// The nodes that have told something, by name.
    #[must_use]
    pub fn nodes(&self) -> Vec<&str> {
        let mut nodes: Vec<&str> = self.nodes.keys().map(String::as_str).collect();
        nodes.sort_unstable();
        nodes
    }

    /// The totals of now. What does not change until the next one is shared with it.
    #[must_use]
    pub fn reading(&mut self) -> MergedReading {
        if self.rules.len() > self.rules_kept {
            self.forget_rules();
        }
        MergedReading {
            read_ns: self
                .nodes
                .values()
                .map(|node| node.read_ns)
                .min()
                .unwrap_or(0),
            pairs: self.pairs.clone(),
            unattributed: self.unattributed,
            rules: Arc::clone(&self.rules),
        }
    }

    fn forget_rules(&mut self) {
        let totals = self.pairs.values();
        let named = totals.flat_map(|total| total.decisions.keys());
        let named = named.map(|decision| &decision.rule);
        let may_be = self.nodes.values().flat_map(NodeEdges::rules);
        let named: HashSet<&Arc<str>> = named.chain(may_be).collect();
        Arc::make_mut(&mut self.rules).retain(|name, _| named.contains(name));
        self.rules_kept = RULES_KEPT.max(2 * self.rules.len());
    }

    fn add(&mut self, total: &Resolved) {
        match total {
            Resolved::Unattributed(counts) => add(&mut self.unattributed, counts),
            Resolved::Pair(pair, contribution) => {
                let sum = self.pairs.entry(Arc::clone(pair)).or_default();
                Arc::make_mut(sum).add(contribution);
            }
        }
    }

    fn remove(&mut self, total: &Resolved) {
        match total {
            Resolved::Unattributed(counts) => subtract(&mut self.unattributed, counts),
            Resolved::Pair(pair, contribution) => {
                let Some(sum) = self.pairs.get_mut(pair) else {
                    return;
                };
                Arc::make_mut(sum).remove(contribution);
                if sum.decisions.is_empty() {
                    self.pairs.remove(pair);
                }
            }
        }
    }
}

/// The words of a rule, by which it is the same on all nodes.
fn name(rules: &mut Arc<BTreeMap<Arc<str>, EdgeRule>>, rule: &EdgeRule) -> Arc<str> {
    if let Some((name, _)) = rules.get_key_value(rule.description.as_str()) {
        return Arc::clone(name);
    }
    let name: Arc<str> = rule.description.as_str().into();
    let rule = EdgeRule {
        number: 0,
        ..rule.clone()
    };
    Arc::make_mut(rules).insert(Arc::clone(&name), rule);
    name
}
