//! One client's stream of a node's totals: everything first, then what has changed, in parts of a bounded size.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use bpf_events::edge::{EDGE_OTHER_END_MANAGED, EdgeKey};
use bpf_events::record::{DIRECTION_EGRESS, DIRECTION_INGRESS, VERDICT_DROPPED};
use policy::LabelSet;
use proto::tycho::v1::{Edge, EdgeKind, EdgeLabels, EdgeRule, EdgesPart, EndManaged, PolicyName};

use super::counts::of_cell;
use super::telling::{Due, Telling};
use super::{EdgeId, EdgeReading, EdgeTotal, MAX_NAMES};
use crate::rules::{Rule, RuleAction, RuleInfo};
use crate::selection::timestamp;

/// What a client was told, and what it is being told.
#[derive(Debug, Default)]
pub struct PartWriter {
    /// By how far it has come in the earlier reading and in the new one.
    telling: Telling<EdgeReading, (usize, usize)>,
    labels: HashMap<u32, LabelSet>,
    rules: HashMap<u32, Arc<Rule>>,
}

impl PartWriter {
    /// Nothing was told yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with so many edges in a part, at least one.
    #[must_use]
    pub fn with_parts_of(edges: usize) -> Self {
        Self {
            telling: Telling::new(edges),
            ..Self::default()
        }
    }

    /// Begins a reading. One that was begun before must have come to its end.
    pub fn begin(&mut self, reading: Arc<EdgeReading>) {
        if self.labels.len() > MAX_NAMES || self.rules.len() > MAX_NAMES {
            // Most of them are long gone. Whoever starts again needs no list of those that are.
            self.labels.clear();
            self.rules.clear();
            self.telling.forget();
        }
        self.telling.begin(reading);
    }

    /// The next part of the reading that was begun; `None` after the last one. There is at least one.
    pub fn next_part(&mut self) -> Option<EdgesPart> {
        let Due {
            reading,
            place: (mut old, mut new),
            told,
            mut part,
        } = self.telling.due()?;
        let before = told.as_ref().map_or(&[][..], |told| told.totals());
        part.node_name.clone_from(&reading.node_name);
        part.read_at = Some(timestamp(reading.read_ns));
        part.counted_since = Some(timestamp(reading.counted_since_ns));
        part.epoch = reading.epoch.number();
        while part.edges.len() + part.gone.len() < self.telling.part_edges {
            let (was, is) = (before.get(old), reading.totals().get(new));
            let order = match (was, is) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(was), Some(is)) => was.id.cmp(&is.id),
            };
            old += usize::from(order != Ordering::Greater);
            new += usize::from(order != Ordering::Less);
            match (order, was, is) {
                (Ordering::Less, Some(was), _) => part.gone.push(key(was.id)),
                (Ordering::Equal, Some(was), Some(is)) if was == is => {}
                (_, _, Some(is)) => {
                    self.name(is, &reading, &mut part);
                    part.edges.push(edge(is, &reading));
                }
                _ => {}
            }
        }
        part.last = old == before.len() && new == reading.totals().len();
        if part.last {
            self.telling.is_told(reading);
        } else {
            self.telling.goes_on(reading, (old, new));
        }
        Some(part)
    }

    /// Tells what the numbers of an edge mean, unless that was told.
    fn name(&mut self, total: &EdgeTotal, reading: &EdgeReading, part: &mut EdgesPart) {
        let EdgeId::Edge(key) = total.id else {
            return;
        };
        for identity in [key.source_identity, key.destination_identity] {
            let Some(labels) = reading.labels(identity) else {
                continue;
            };
            if self.labels.get(&identity) != Some(labels) {
                self.labels.insert(identity, labels.clone());
                part.labels.push(EdgeLabels {
                    number: identity,
                    labels: labels.iter().map(ToString::to_string).collect(),
                });
            }
        }
        let Some(rule) = reading.rule(key.rule) else {
            return;
        };
        let told = self.rules.get(&key.rule);
        if told.is_none_or(|told| told.info() != rule.info()) {
            self.rules.insert(key.rule, Arc::clone(rule));
            part.rules.push(rule_message(key.rule, rule.info()));
        }
    }
}

/// What names a total.
fn key(id: EdgeId) -> Edge {
    match id {
        EdgeId::Edge(key) => edge_key(&key),
        EdgeId::Other(slot) => Edge {
            kind: EdgeKind::Other.into(),
            slot,
            ..Edge::default()
        },
        EdgeId::Forgotten => Edge {
            kind: EdgeKind::Forgotten.into(),
            ..Edge::default()
        },
    }
}

/// The kernel's numbers of directions, verdicts and reasons are Hubble's. An end whose interface has counted is managed.
fn edge_key(key: &EdgeKey) -> Edge {
    let other = match key.verdict {
        VERDICT_DROPPED => EndManaged::Unknown,
        _ if key.flags & EDGE_OTHER_END_MANAGED != 0 => EndManaged::Managed,
        _ => EndManaged::NotManaged,
    };
    let (source_managed, destination_managed) = match key.direction {
        DIRECTION_EGRESS => (EndManaged::Managed, other),
        _ => (other, EndManaged::Managed),
    };
    Edge {
        source_managed: source_managed.into(),
        destination_managed: destination_managed.into(),
        kind: EdgeKind::Edge.into(),
        source: key.source_identity,
        destination: key.destination_identity,
        protocol: key.protocol.into(),
        port: key.port.into(),
        direction: key.direction.into(),
        verdict: key.verdict.into(),
        drop_reason: key.reason.into(),
        rule: key.rule,
        ..Edge::default()
    }
}

fn edge(total: &EdgeTotal, reading: &EdgeReading) -> Edge {
    let endpoints = match total.id {
        EdgeId::Other(slot) => reading.endpoints(slot).to_vec(),
        EdgeId::Edge(_) | EdgeId::Forgotten => Vec::new(),
    };
    Edge {
        counts: Some(of_cell(&total.counts)),
        endpoints,
        ..key(total.id)
    }
}

fn rule_message(number: u32, info: &RuleInfo) -> EdgeRule {
    let policies = info.policies.iter().map(|policy| PolicyName {
        kind: policy.kind.clone(),
        namespace: policy.namespace.clone(),
        name: policy.name.clone(),
    });
    EdgeRule {
        number,
        policies: policies.collect(),
        section: section(info),
        index: info.index,
        description: info.description.clone(),
    }
}

/// The section of a policy that has the rule.
fn section(info: &RuleInfo) -> String {
    let direction = match (info.index, info.direction) {
        (Some(_), DIRECTION_INGRESS) => "ingress",
        (Some(_), DIRECTION_EGRESS) => "egress",
        _ => return String::new(),
    };
    let suffix = match info.action {
        RuleAction::Allow => "",
        RuleAction::Deny => "Deny",
    };
    format!("{direction}{suffix}")
}
