//! What is counted by itself: one judgement about one edge. Its parts have numbers, and so has it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use flow::edges::Labels;
use proto::flow::{TrafficDirection, Verdict};
use proto::tycho::v1::{
    Definitions, EdgeRule, LabelSetDefinition, NodeDefinition, SeriesDefinition,
};

use super::names::Numbered;

/// Series at most: both ends' judgements of 20,000 edges. What finds no room counts under [`OTHER`].
pub(crate) const MOST_SERIES: usize = 40_000;

/// Ports of one source, destination and protocol; the rest count as port 0, as in the kernel.
const MOST_PORTS: usize = 64;

/// Workloads, or identities, that are told of one label set.
const MOST_NOTES: usize = 16;

/// The label set without labels.
const OTHER: u32 = 1;

/// Of whom a node knows nothing.
const UNKNOWN: &str = "reserved:unknown";

/// One judgement about one edge, by the numbers of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SeriesKey {
    /// Label set of who opened the connection.
    pub(crate) source: u32,
    pub(crate) destination: u32,
    pub(crate) protocol: u8,
    /// Of the destination; the type for ICMP.
    pub(crate) port: u16,
    /// `flow.TrafficDirection`.
    pub(crate) direction: i32,
    /// `flow.Verdict`.
    pub(crate) verdict: i32,
    /// `flow.DropReason`.
    pub(crate) drop_reason: i32,
    /// 0 if none decided.
    pub(crate) rule: u32,
    /// Who judged; 0 of what passed.
    pub(crate) node: u32,
    /// It is part of the edge's totals.
    pub(crate) counts: bool,
}

#[derive(Debug)]
struct Series {
    key: SeriesKey,
    first_seen_ms: u64,
    last_seen_ms: u64,
}

/// What is known of a label set beside its labels.
#[derive(Debug, Default)]
struct LabelSet {
    labels: Option<Labels>,
    namespace: String,
    workloads: BTreeSet<String>,
    identities: BTreeSet<u32>,
}

/// What flows tell of an end.
#[derive(Clone, Debug, Default)]
pub(crate) struct End {
    pub(crate) namespace: String,
    /// `Kind/name` each.
    pub(crate) workloads: Vec<String>,
    pub(crate) identity: u32,
}

/// Every series and its parts.
#[derive(Debug)]
pub(crate) struct SeriesTables {
    label_sets: Numbered<Labels, LabelSet>,
    rules: Numbered<Arc<str>, EdgeRule>,
    nodes: Numbered<String, String>,
    series: Numbered<SeriesKey, Series>,
    ports: HashMap<(u32, u32, u8), HashSet<u16>>,
    /// Grows with every change that is told.
    revision: u64,
    /// Grows when numbers get a new meaning.
    generation: u64,
    unknown: Labels,
    most_series: usize,
}

impl SeriesTables {
    pub(crate) fn new(most_series: usize) -> Self {
        let mut label_sets = Numbered::default();
        let nobody: Labels = Arc::from([]);
        let other = label_sets.add(Arc::clone(&nobody), LabelSet::default(), 1);
        debug_assert_eq!(other, OTHER, "the first number is 1");
        Self {
            label_sets,
            rules: Numbered::default(),
            nodes: Numbered::default(),
            series: Numbered::default(),
            ports: HashMap::new(),
            revision: 1,
            generation: 0,
            unknown: Arc::from([UNKNOWN.to_owned()]),
            most_series,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    pub(crate) fn most(&self) -> usize {
        self.most_series
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Numbers that were kept from an earlier generation may mean something else now.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn node(&mut self, name: &str) -> u32 {
        if let Some(number) = self.nodes.number(name) {
            return number;
        }
        self.revision += 1;
        self.nodes
            .add(name.to_owned(), name.to_owned(), self.revision)
    }

    pub(crate) fn label_set(&mut self, labels: &Labels) -> u32 {
        // No labels are the end that stands for all others; a node has none that it knows.
        let labels = match labels.is_empty() {
            true => Arc::clone(&self.unknown),
            false => Arc::clone(labels),
        };
        if let Some(number) = self.label_sets.number(&labels) {
            return number;
        }
        self.revision += 1;
        let about = LabelSet {
            labels: Some(Arc::clone(&labels)),
            namespace: namespace_of(&labels),
            ..LabelSet::default()
        };
        self.label_sets.add(labels, about, self.revision)
    }

    /// Takes in what flows tell of an end.
    pub(crate) fn note(&mut self, label_set: u32, end: &End) {
        let Some(known) = self.label_sets.value_mut(label_set) else {
            return;
        };
        let mut is_news = false;
        if known.namespace.is_empty() && !end.namespace.is_empty() {
            known.namespace.clone_from(&end.namespace);
            is_news = true;
        }
        for workload in &end.workloads {
            if known.workloads.len() < MOST_NOTES && !known.workloads.contains(workload) {
                is_news = known.workloads.insert(workload.clone());
            }
        }
        if known.identities.len() < MOST_NOTES {
            is_news |= known.identities.insert(end.identity);
        }
        if is_news {
            self.revision += 1;
            self.label_sets.touch(label_set, self.revision);
        }
    }

    /// The number of a rule, which is known by its words; 0 for none.
    pub(crate) fn rule(&mut self, description: &str, rule: impl FnOnce() -> EdgeRule) -> u32 {
        if description.is_empty() {
            return 0;
        }
        if let Some(number) = self.rules.number(description) {
            return number;
        }
        self.revision += 1;
        self.rules.add(description.into(), rule(), self.revision)
    }

    /// The number of a series; whether it has found room.
    pub(crate) fn series(&mut self, mut key: SeriesKey, now_ms: u64) -> (u32, bool) {
        key.port = self.folded(&key);
        if let Some(number) = self.series.number(&key) {
            return (self.seen(number, now_ms), true);
        }
        let has_room = self.series.len() < self.most_series;
        if !has_room {
            key = SeriesKey {
                source: OTHER,
                destination: OTHER,
                protocol: 0,
                port: 0,
                rule: 0,
                node: 0,
                ..key
            };
            if let Some(number) = self.series.number(&key) {
                return (self.seen(number, now_ms), false);
            }
        }
        self.revision += 1;
        let series = Series {
            key,
            first_seen_ms: now_ms,
            last_seen_ms: now_ms,
        };
        (self.series.add(key, series, self.revision), has_room)
    }

    pub(crate) fn seen(&mut self, number: u32, now_ms: u64) -> u32 {
        if let Some(series) = self.series.value_mut(number) {
            series.last_seen_ms = series.last_seen_ms.max(now_ms);
            series.first_seen_ms = series.first_seen_ms.min(now_ms);
        }
        number
    }

    fn folded(&mut self, key: &SeriesKey) -> u16 {
        let ports = self
            .ports
            .entry((key.source, key.destination, key.protocol))
            .or_default();
        match ports.contains(&key.port) {
            true => key.port,
            false if ports.len() < MOST_PORTS => {
                ports.insert(key.port);
                key.port
            }
            false => 0,
        }
    }

    /// Whether a series is of what was dropped.
    pub(crate) fn is_drop(&self, series: u32) -> bool {
        let series = self.series.value(series);
        series.is_some_and(|series| series.key.verdict == i32::from(Verdict::Dropped))
    }

    /// Makes room: forgets series that no window has any more, and what only they have named.
    pub(crate) fn forget_before(&mut self, oldest_ms: u64) {
        self.series
            .retain(|_, _, series| series.last_seen_ms >= oldest_ms);
        let mut label_sets = HashSet::from([OTHER]);
        let mut rules = HashSet::new();
        let mut pairs = HashSet::new();
        for (_, series) in self.series.since(0) {
            let key = &series.key;
            label_sets.extend([key.source, key.destination]);
            rules.insert(key.rule);
            pairs.insert((key.source, key.destination, key.protocol));
        }
        self.label_sets
            .retain(|_, number, _| label_sets.contains(&number));
        self.rules.retain(|_, number, _| rules.contains(&number));
        self.ports.retain(|pair, _| pairs.contains(pair));
        self.generation += 1;
    }

    /// What was added or changed after a revision.
    pub(crate) fn definitions_since(&self, revision: u64, epoch: u64) -> Definitions {
        let label_sets = self.label_sets.since(revision);
        let rules = self.rules.since(revision);
        let nodes = self.nodes.since(revision);
        let series = self.series.since(revision);
        Definitions {
            epoch,
            label_sets: label_sets.map(label_set_definition).collect(),
            series: series.map(series_definition).collect(),
            rules: rules
                .map(|(number, rule)| EdgeRule {
                    number,
                    ..rule.clone()
                })
                .collect(),
            nodes: nodes
                .map(|(number, name)| NodeDefinition {
                    number,
                    name: name.clone(),
                })
                .collect(),
        }
    }

    /// Labels, namespaces and workloads, for hints.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (&[String], &str, &BTreeSet<String>)> {
        self.label_sets.since(0).map(|(_, end)| {
            let labels = end.labels.as_deref().unwrap_or_default();
            (labels, end.namespace.as_str(), &end.workloads)
        })
    }

    /// Ports and drop reasons of all series, for hints.
    pub(crate) fn ports_and_reasons(&self) -> impl Iterator<Item = (u16, i32)> {
        let series = self.series.since(0);
        series.map(|(_, series)| (series.key.port, series.key.drop_reason))
    }

    pub(crate) fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.rules
            .since(0)
            .map(|(_, rule)| rule.description.as_str())
    }

    pub(crate) fn node_names(&self) -> impl Iterator<Item = &str> {
        self.nodes.since(0).map(|(_, name)| name.as_str())
    }
}

fn label_set_definition((number, end): (u32, &LabelSet)) -> LabelSetDefinition {
    LabelSetDefinition {
        number,
        labels: end.labels.as_deref().unwrap_or_default().to_vec(),
        namespace: end.namespace.clone(),
        workloads: end.workloads.iter().cloned().collect(),
        identities: end.identities.iter().copied().collect(),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 have 41 bits"
)]
fn series_definition((number, series): (u32, &Series)) -> SeriesDefinition {
    let key = &series.key;
    SeriesDefinition {
        number,
        source: key.source,
        destination: key.destination,
        protocol: key.protocol.into(),
        port: key.port.into(),
        direction: key.direction,
        verdict: key.verdict,
        drop_reason: key.drop_reason,
        rule: key.rule,
        node: key.node,
        counts: key.counts,
        first_seen_ms: series.first_seen_ms as f64,
        last_seen_ms: series.last_seen_ms as f64,
    }
}

/// Whether what one end judged is part of the edge's totals: what is delivered counts where it arrives if somebody counts
/// there, what is dropped where it is dropped.
pub(crate) fn counts_at_hook(direction: i32, verdict: i32, destination_managed: bool) -> bool {
    let at_source = direction == i32::from(TrafficDirection::Egress);
    verdict == i32::from(Verdict::Dropped) || !(at_source && destination_managed)
}

/// The namespace that a label names.
fn namespace_of(labels: &[String]) -> String {
    const KEY: &str = "io.kubernetes.pod.namespace=";
    let named = labels.iter().find_map(|label| {
        let (_, label) = label.split_once(':')?;
        label.strip_prefix(KEY)
    });
    named.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(source: u32, port: u16) -> SeriesKey {
        SeriesKey {
            source,
            destination: 7,
            protocol: 6,
            port,
            direction: TrafficDirection::Ingress.into(),
            verdict: Verdict::Forwarded.into(),
            drop_reason: 0,
            rule: 0,
            node: 0,
            counts: true,
        }
    }

    #[test]
    fn what_finds_no_room_counts_as_other_and_room_is_made() {
        let mut tables = SeriesTables::new(2);
        assert_eq!(tables.series(key(2, 80), 1_000), (1, true));
        assert_eq!(tables.series(key(3, 80), 9_000), (2, true));
        let (other, has_room) = tables.series(key(4, 80), 9_000);
        assert!(!has_room);
        assert_eq!(tables.series(key(5, 80), 9_000), (other, false));
        let told = tables.definitions_since(0, 1);
        let told = told.series.iter().find(|series| series.number == other);
        assert_eq!(told.map(|series| series.source), Some(OTHER));
        let generation = tables.generation();
        tables.forget_before(5_000);
        assert!(tables.generation() > generation);
        assert_eq!(tables.series(key(3, 80), 9_500), (2, true), "it is kept");
        assert_eq!(tables.len(), 2);
    }

    #[test]
    fn ports_beyond_the_bound_are_port_zero() {
        let mut tables = SeriesTables::new(1_000);
        for port in 1..=200 {
            tables.series(key(2, port), 0);
        }
        assert_eq!(tables.len(), MOST_PORTS + 1);
        let told = tables.definitions_since(0, 1).series;
        assert!(told.iter().any(|series| series.port == 0));
    }

    #[test]
    fn only_changes_are_told() {
        let mut tables = SeriesTables::new(10);
        let labels: Labels = Arc::from(["k8s:a=b".to_owned()]);
        let number = tables.label_set(&labels);
        let end = End {
            namespace: "shop".to_owned(),
            workloads: vec!["Deployment/a".to_owned()],
            identity: 300,
        };
        tables.note(number, &end);
        let told = tables.definitions_since(0, 9);
        assert_eq!(told.epoch, 9);
        assert_eq!(told.label_sets.len(), 2, "it and the other one");
        let revision = tables.revision();
        tables.note(number, &end);
        assert_eq!(tables.revision(), revision);
        assert_eq!(tables.definitions_since(revision, 9).label_sets, []);
        tables.note(
            number,
            &End {
                identity: 301,
                ..end
            },
        );
        let told = tables.definitions_since(revision, 9).label_sets;
        assert_eq!(told[0].identities, [300, 301]);
    }

    #[test]
    fn each_connection_counts_at_one_place() {
        let (egress, ingress) = (TrafficDirection::Egress, TrafficDirection::Ingress);
        for (direction, verdict, managed, expect) in [
            (egress, Verdict::Forwarded, true, false),
            (egress, Verdict::Forwarded, false, true),
            (egress, Verdict::Audit, true, false),
            (egress, Verdict::Dropped, true, true),
            (ingress, Verdict::Forwarded, true, true),
            (ingress, Verdict::Audit, true, true),
            (ingress, Verdict::Dropped, true, true),
        ] {
            let counted = counts_at_hook(direction.into(), verdict.into(), managed);
            assert_eq!(counted, expect, "{direction:?} {verdict:?} {managed}");
        }
    }
}
