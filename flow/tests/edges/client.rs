//! A client that believes what it is told of merged totals.

use std::collections::{BTreeMap, HashMap};

use proto::tycho::v1::{EdgeCounts, EdgesPart, MergedEdge};

use crate::world::{PairName, Sums};

#[derive(Debug, Default)]
pub(crate) struct Client {
    labels: HashMap<u32, String>,
    rules: HashMap<u32, String>,
    pairs: BTreeMap<PairName, Sums>,
    staged: Vec<EdgesPart>,
    pub(crate) unattributed: EdgeCounts,
}

impl Client {
    pub(crate) fn pairs(&self) -> &BTreeMap<PairName, Sums> {
        &self.pairs
    }

    pub(crate) fn take(&mut self, part: &EdgesPart) {
        self.staged.push(part.clone());
        if !part.last {
            return;
        }
        for part in std::mem::take(&mut self.staged) {
            for labels in &part.labels {
                self.labels.insert(labels.number, labels.labels.join(","));
            }
            for rule in &part.rules {
                self.rules.insert(rule.number, rule.description.clone());
            }
            for edge in &part.merged {
                let name = (
                    self.labels[&edge.source].clone(),
                    self.labels[&edge.destination].clone(),
                    edge.protocol,
                    edge.port,
                );
                if edge.decisions.is_empty() {
                    assert!(self.pairs.remove(&name).is_some(), "it was never there");
                } else {
                    let sums = self.sums(edge);
                    let before = self.pairs.insert(name, sums.clone());
                    assert_ne!(before, Some(sums), "it is told again");
                }
            }
            self.unattributed = part.unattributed.unwrap();
        }
    }

    fn sums(&self, edge: &MergedEdge) -> Sums {
        let decisions = edge.decisions.iter().map(|decision| {
            let rule = self.rules.get(&decision.rule).cloned().unwrap_or_default();
            let key = (
                decision.direction,
                decision.verdict,
                decision.drop_reason,
                rule,
            );
            (key, decision.counts.unwrap())
        });
        Sums {
            forwarded: edge.forwarded.unwrap(),
            audited: edge.audited.unwrap(),
            dropped_at_source: edge.dropped_at_source.unwrap(),
            dropped_at_destination: edge.dropped_at_destination.unwrap(),
            decisions: decisions.collect(),
        }
    }
}
