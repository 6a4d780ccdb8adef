//! The rows of a merged stream, counted.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flow::attempts;
use flow::encode::Names;
use flow::metadata::MetadataVersion;
use flow::row::FlowRow;
use proto::flow::Verdict;
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::{EdgeRule, PolicyName};

use super::cells::Cell;
use super::counts::{DashboardCounts, locked};
use super::identities::IdentityLabels;
use super::imported;
use super::series::{End, SeriesKey, counts_at_hook};
use crate::counts::Counts;
use crate::merge::{Lanes, Row, Sink};

const NS_PER_MS: u64 = 1_000_000;

/// Series that are remembered of one node.
const MOST_REMEMBERED: usize = 1 << 16;

/// Rows that are counted together, so that the lock is taken once for them.
const MOST_PENDING: usize = 1_024;

/// Counts what a merged stream brings.
pub(crate) struct FlowCounter {
    counts: Arc<Mutex<DashboardCounts>>,
    identities: Arc<IdentityLabels>,
    lanes: Lanes<Lane>,
    pending: Vec<Pending>,
    /// The newest news of nodes, for whoever asks.
    statuses: Vec<NodeStatusEvent>,
    /// The relay's own account, and flows that it does not have yet.
    ledger: Arc<Counts>,
    taken: u64,
}

/// A node, and what its numbers were found to mean.
struct Lane {
    names: Names,
    series: HashMap<RowKey, u32>,
    /// Metadata indexes that were looked at.
    noted: HashSet<u32>,
    /// The state of the tables in which that was so.
    as_of: (u64, u64),
}

/// What makes rows alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct RowKey {
    metadata: [u32; 2],
    identities: [u32; 2],
    rule: u32,
    port: u16,
    protocol: u8,
    verdict: u8,
    reason: u8,
    direction: u8,
}

struct Pending {
    source: usize,
    lane: u16,
    time_ms: u64,
    what: What,
}

enum What {
    Attempts(RowKey, u64),
    Lost(u64),
}

impl FlowCounter {
    pub(crate) fn new(
        counts: Arc<Mutex<DashboardCounts>>,
        identities: Arc<IdentityLabels>,
        ledger: Arc<Counts>,
    ) -> Self {
        Self {
            counts,
            identities,
            lanes: Lanes::default(),
            pending: Vec::with_capacity(MOST_PENDING),
            statuses: Vec::new(),
            ledger,
            taken: 0,
        }
    }

    /// What was said of nodes since the last time.
    pub(crate) fn take_statuses(&mut self) -> Vec<NodeStatusEvent> {
        std::mem::take(&mut self.statuses)
    }

    /// Counts what is in hand.
    pub(crate) fn flush(&mut self) {
        Counts::add(&self.ledger.delivered, std::mem::take(&mut self.taken));
        if self.pending.is_empty() {
            return;
        }
        let mut counts = locked(&self.counts);
        for pending in self.pending.drain(..) {
            let Some(lane) = self.lanes.lane_mut(pending.source, pending.lane) else {
                continue;
            };
            match pending.what {
                What::Lost(flows) => {
                    counts.add_lost(&lane.names.node_name, pending.time_ms, flows);
                }
                What::Attempts(key, connections) => {
                    let series = lane.series(&key, pending.time_ms, &mut counts, &self.identities);
                    let cell = Cell {
                        connections,
                        ..Cell::default()
                    };
                    counts.add(series, pending.time_ms, &cell);
                }
            }
        }
    }

    fn push(&mut self, pending: Pending) {
        self.pending.push(pending);
        if self.pending.len() == MOST_PENDING {
            self.flush();
        }
    }
}

impl Lane {
    fn series(
        &mut self,
        key: &RowKey,
        time_ms: u64,
        counts: &mut DashboardCounts,
        identities: &IdentityLabels,
    ) -> u32 {
        let as_of = (counts.tables.generation(), identities.changes());
        if self.as_of != as_of || self.series.len() >= MOST_REMEMBERED {
            self.as_of = as_of;
            self.series.clear();
            self.noted.clear();
        }
        if let Some(series) = self.series.get(key) {
            return *series;
        }
        let resolved = self.resolve(key, counts, identities);
        let series = counts.series(resolved, time_ms);
        self.series.insert(*key, series);
        series
    }

    fn resolve(
        &mut self,
        key: &RowKey,
        counts: &mut DashboardCounts,
        identities: &IdentityLabels,
    ) -> SeriesKey {
        let [source, destination] = [0, 1].map(|end| {
            let metadata = self.names.metadata.version(key.metadata[end]);
            self.label_set(
                metadata.as_deref(),
                key.metadata[end],
                key.identities[end],
                counts,
                identities,
            )
        });
        let destination_metadata = self.names.metadata.version(key.metadata[1]);
        // An endpoint of some node, whose own interface has counted it, too.
        let managed =
            destination_metadata.is_some_and(|metadata| !metadata.content().pod_name.is_empty());
        let rule = match self.names.rules.rule(key.rule).filter(|_| key.rule != 0) {
            Some(rule) => counts
                .tables
                .rule(&rule.info().description, || edge_rule(rule.info())),
            None => 0,
        };
        let verdict = i32::from(key.verdict);
        let direction = i32::from(key.direction);
        let is_forwarded = verdict == i32::from(Verdict::Forwarded);
        SeriesKey {
            source,
            destination,
            protocol: key.protocol,
            port: key.port,
            direction,
            verdict,
            drop_reason: if is_forwarded { 0 } else { key.reason.into() },
            rule,
            node: match is_forwarded {
                true => 0,
                false => counts.tables.node(&self.names.node_name),
            },
            counts: counts_at_hook(direction, verdict, managed),
        }
    }

    fn label_set(
        &mut self,
        metadata: Option<&MetadataVersion>,
        index: u32,
        identity: u32,
        counts: &mut DashboardCounts,
        identities: &IdentityLabels,
    ) -> u32 {
        let all = metadata.map(|metadata| &metadata.content().labels);
        let labels = identities.of(&self.names.node_name, identity, all);
        let number = counts.tables.label_set(&labels);
        if let Some(metadata) = metadata
            && self.noted.insert(index)
        {
            let content = metadata.content();
            let workloads = content.workloads.iter();
            let end = End {
                namespace: content.namespace.clone(),
                workloads: workloads
                    .map(|workload| format!("{}/{}", workload.kind, workload.name))
                    .collect(),
                identity,
            };
            counts.tables.note(number, &end);
            if !content.pod_name.is_empty() {
                counts.pods.note(&content.namespace, &content.pod_name);
            }
        }
        number
    }
}

/// A rule of a node as edges tell it.
fn edge_rule(info: &flow::rules::RuleInfo) -> EdgeRule {
    use flow::rules::RuleAction;
    use proto::flow::TrafficDirection;

    let is_ingress = i32::from(info.direction) == i32::from(TrafficDirection::Ingress);
    let section = match (info.index, is_ingress, info.action) {
        (None, ..) => "",
        (_, true, RuleAction::Allow) => "ingress",
        (_, true, RuleAction::Deny) => "ingressDeny",
        (_, false, RuleAction::Allow) => "egress",
        (_, false, RuleAction::Deny) => "egressDeny",
    };
    let policies = info.policies.iter().map(|policy| PolicyName {
        kind: policy.kind.clone(),
        namespace: policy.namespace.clone(),
        name: policy.name.clone(),
    });
    EdgeRule {
        number: 0,
        policies: policies.collect(),
        section: section.to_owned(),
        index: info.index,
        description: info.description.clone(),
    }
}

impl Drop for FlowCounter {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Sink for FlowCounter {
    fn is_full(&self) -> bool {
        false
    }

    fn lane(&mut self, source: usize, lane: u16, names: &Names) {
        self.flush();
        let begun = Lane {
            names: names.clone(),
            series: HashMap::new(),
            noted: HashSet::new(),
            as_of: (0, 0),
        };
        self.lanes.set(source, lane, begun);
    }

    fn defined(&mut self, source: usize, lane: u16) {
        // Rows in hand mean what their numbers meant before.
        self.flush();
        if let Some(lane) = self.lanes.lane_mut(source, lane) {
            lane.series.clear();
            lane.noted.clear();
        }
    }

    fn row(&mut self, row: Row<'_>) {
        let (source, lane) = (row.source, row.lane);
        self.taken += u64::from(row.is_flow);
        let row = FlowRow::unpack(row.words);
        let what = if row.is_lost() {
            What::Lost(row.packets.into())
        } else {
            match attempts::attempts(&row) {
                0 => return,
                attempts => What::Attempts(RowKey::of(&row), attempts),
            }
        };
        self.push(Pending {
            source,
            lane,
            time_ms: row.time_ns / NS_PER_MS,
            what,
        });
    }

    fn response(&mut self, time_ns: u64, response: Bytes, is_flow: bool) {
        self.taken += u64::from(is_flow);
        self.flush();
        let mut counts = locked(&self.counts);
        let time_ms = time_ns / NS_PER_MS;
        imported::count(&mut counts, &self.identities, time_ms, &response, is_flow);
    }

    fn status(&mut self, status: NodeStatusEvent) {
        /// Those of one turn are few; who takes none needs none.
        const MOST: usize = 256;
        if self.statuses.len() < MOST {
            self.statuses.push(status);
        }
    }

    fn expected(&mut self, _flows: u64) {}

    fn watermark(&mut self, _watermark_ns: u64) {}
}

impl RowKey {
    fn of(row: &FlowRow) -> Self {
        let mut metadata = [row.source_metadata, row.destination_metadata];
        let mut identities = [row.source_identity, row.destination_identity];
        if attempts::is_answer(row) {
            metadata.reverse();
            identities.reverse();
        }
        Self {
            metadata,
            identities,
            rule: row.rule,
            port: attempts::service_port(row),
            protocol: row.protocol,
            verdict: row.verdict,
            reason: row.reason,
            direction: row.direction,
        }
    }
}
