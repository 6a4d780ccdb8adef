//! Merged totals: who talked to whom, by what they are labelled.

use std::collections::BTreeMap;
use std::sync::Arc;

use proto::flow::{TrafficDirection, Verdict};
use proto::tycho::v1::{EdgeCounts, EdgeRule};

use super::counts::{add, subtract};

/// A label set, as sorted texts.
pub type Labels = Arc<[String]>;

/// Who talked to whom, and about what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// Labels of who opened the connection.
    pub source: Labels,
    /// Labels of who was to answer.
    pub destination: Labels,
    /// IP protocol.
    pub protocol: u32,
    /// Port of the destination, or the type for ICMP.
    pub port: u32,
}

/// What one end decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decision {
    /// `flow.TrafficDirection`.
    pub direction: i32,
    /// `flow.Verdict`.
    pub verdict: i32,
    /// `flow.DropReason`; 0 if nothing was wrong.
    pub drop_reason: i32,
    /// The rule in words; empty if none decided.
    pub rule: Arc<str>,
}

/// The totals of a pair over all nodes; each connection counts once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MergedTotal {
    /// Delivered.
    pub forwarded: EdgeCounts,
    /// Delivered, though some rule would have dropped it.
    pub audited: EdgeCounts,
    /// Dropped at the source's interface.
    pub dropped_at_source: EdgeCounts,
    /// Dropped at the destination's interface.
    pub dropped_at_destination: EdgeCounts,
    /// What each end decided, and how many nodes' edges that is the sum of.
    pub(super) decisions: BTreeMap<Decision, (EdgeCounts, u32)>,
}

impl MergedTotal {
    /// What each end decided.
    pub fn decisions(&self) -> impl Iterator<Item = (&Decision, &EdgeCounts)> {
        self.decisions
            .iter()
            .map(|(decision, (counts, _))| (decision, counts))
    }

    pub(super) fn add(&mut self, part: &Contribution) {
        if let Some(sum) = self.place(part) {
            add(sum, &part.counts);
        }
        let decided = self.decisions.entry(part.decision.clone()).or_default();
        add(&mut decided.0, &part.counts);
        decided.1 += 1;
    }

    /// Takes away what was added.
    pub(super) fn remove(&mut self, part: &Contribution) {
        if let Some(sum) = self.place(part) {
            subtract(sum, &part.counts);
        }
        if let Some(decided) = self.decisions.get_mut(&part.decision) {
            subtract(&mut decided.0, &part.counts);
            decided.1 -= 1;
            if decided.1 == 0 {
                self.decisions.remove(&part.decision);
            }
        }
    }

    /// The sum that an edge belongs to; none if its connections count at their other end.
    fn place(&mut self, part: &Contribution) -> Option<&mut EdgeCounts> {
        let at_source = part.decision.direction == i32::from(TrafficDirection::Egress);
        let elsewhere = at_source && part.destination_managed;
        match Verdict::try_from(part.decision.verdict) {
            Ok(Verdict::Dropped) if at_source => Some(&mut self.dropped_at_source),
            Ok(Verdict::Dropped) => Some(&mut self.dropped_at_destination),
            Ok(Verdict::Forwarded) if !elsewhere => Some(&mut self.forwarded),
            Ok(Verdict::Audit) if !elsewhere => Some(&mut self.audited),
            _ => None,
        }
    }
}

/// What one edge of one node adds to a pair.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Contribution {
    pub(super) decision: Decision,
    /// Whether the destination's interface counts it too.
    pub(super) destination_managed: bool,
    pub(super) counts: EdgeCounts,
}

/// All merged totals, as of one moment.
#[derive(Clone, Debug, Default)]
pub struct MergedReading {
    /// When the oldest of what it is made of was read, nanoseconds since 1970.
    pub read_ns: u64,
    /// By pair.
    pub pairs: BTreeMap<Arc<Pair>, Arc<MergedTotal>>,
    /// What is in no edge of its own.
    pub unattributed: EdgeCounts,
    /// Rules by their words.
    pub rules: Arc<BTreeMap<Arc<str>, EdgeRule>>,
}
