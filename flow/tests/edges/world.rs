//! Nodes, their endpoints and what these say to each other: what each kernel counts, and what is true.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpf_events::edge::{EDGE_OTHER_END_MANAGED, EdgeCell, EdgeKey};
use bpf_events::record::{
    DIRECTION_EGRESS, DIRECTION_INGRESS, VERDICT_AUDIT, VERDICT_DROPPED, VERDICT_FORWARDED,
};
use flow::edges::{EdgeId, EdgeNames, EdgeReading, EdgeTotal};
use flow::reference::Epoch;
use flow::rules::{RuleInfo, RuleTable};
use policy::{Identities, Identity, LabelSet};
use proptest::prelude::*;
use proto::tycho::v1::EdgeCounts;

pub(crate) const NODES: usize = 3;

/// Workloads by their number, the nodes that count at interfaces of theirs. An instance may have none, also of a workload
/// of which others do.
const WORKLOADS: [&[Option<usize>]; 6] = [
    &[Some(0)],
    &[Some(0), Some(1)],
    &[Some(1), None],
    &[Some(2)],
    &[None],
    &[None],
];

/// Where numbers of identities begin.
const FIRST: u32 = 256;

/// Labels of both ends, protocol and port.
pub(crate) type PairName = (String, String, u32, u32);

/// Direction, verdict, reason and rule.
type DecisionName = (i32, i32, i32, String);

/// What is known of a pair.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) forwarded: EdgeCounts,
    pub(crate) audited: EdgeCounts,
    pub(crate) dropped_at_source: EdgeCounts,
    pub(crate) dropped_at_destination: EdgeCounts,
    pub(crate) decisions: BTreeMap<DecisionName, EdgeCounts>,
}

/// What one end thinks of a connection.
#[derive(Clone, Copy, Debug)]
struct Judgement {
    verdict: u8,
    rule: u32,
}

/// Packets between two workloads.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    source: usize,
    destination: usize,
    /// Which instances of theirs, by any numbers.
    instances: [usize; 2],
    protocol: u8,
    port: u16,
    counts: EdgeCell,
    egress: Judgement,
    ingress: Judgement,
}

impl Connection {
    /// The nodes that count at its ends.
    fn places(&self) -> [Option<usize>; 2] {
        let place = |workload: usize, instance: usize| {
            let instances = WORKLOADS[workload];
            instances[instance % instances.len()]
        };
        let [from, to] = self.instances;
        [place(self.source, from), place(self.destination, to)]
    }

    /// One packet that passes.
    pub(crate) fn forwarded_to(port: u16) -> Self {
        let passes = Judgement {
            verdict: VERDICT_FORWARDED,
            rule: 0,
        };
        Self {
            source: 0,
            destination: 1,
            instances: [0, 0],
            protocol: 6,
            port,
            counts: EdgeCell {
                forward_packets: 1,
                ..EdgeCell::default()
            },
            egress: passes,
            ingress: passes,
        }
    }
}

pub(crate) fn connection() -> impl Strategy<Value = Connection> {
    let verdict = prop::sample::select(vec![VERDICT_FORWARDED, VERDICT_AUDIT, VERDICT_DROPPED]);
    let judgement =
        || (verdict.clone(), 0u32..3).prop_map(|(verdict, rule)| Judgement { verdict, rule });
    let counts = (1u64..9, 0u64..900, 0u64..9, 0u64..900);
    let counts = counts.prop_map(
        |(forward_packets, forward_bytes, reply_packets, reply_bytes)| EdgeCell {
            forward_packets,
            forward_bytes,
            reply_packets,
            reply_bytes,
        },
    );
    let ends = (
        0..WORKLOADS.len(),
        0..WORKLOADS.len(),
        [0usize..2, 0usize..2],
    );
    let what = (
        prop::sample::select(vec![6u8, 17]),
        prop::sample::select(vec![53u16, 80]),
    );
    (ends, what, counts, judgement(), judgement()).prop_map(
        |((source, destination, instances), (protocol, port), counts, egress, ingress)| {
            Connection {
                source,
                destination,
                instances,
                protocol,
                port,
                counts,
                egress,
                ingress,
            }
        },
    )
}

/// What one hook has counted of one connection.
#[derive(Clone, Debug)]
struct Counted {
    node: usize,
    hook: u8,
    connection: Connection,
    /// Whether it is the place where the connection counts.
    counts_here: bool,
    /// Whether the node still knows whose it is.
    known: bool,
}

/// All nodes.
#[derive(Debug, Default)]
pub(crate) struct World {
    counted: Vec<Counted>,
    /// How often each node has given its identities other numbers.
    renumbered: [u32; NODES],
}

impl World {
    pub(crate) fn node_name(node: usize) -> String {
        format!("default/node-{node}")
    }

    /// What happens at either end, as packets would have it.
    pub(crate) fn talk(&mut self, connection: &Connection) {
        let [from, to] = connection.places();
        let mut count = |node, hook, counts_here| {
            self.counted.push(Counted {
                node,
                hook,
                connection: connection.clone(),
                counts_here,
                known: true,
            });
        };
        let stopped = connection.egress.verdict == VERDICT_DROPPED;
        if let Some(node) = from {
            // It counts where it ends: here, or where nobody else sees it.
            count(node, DIRECTION_EGRESS, stopped || to.is_none());
        }
        if let Some(node) = to
            && !(stopped && from.is_some())
        {
            count(node, DIRECTION_INGRESS, true);
        }
    }

    /// One edge of a node is no longer kept by itself.
    pub(crate) fn forget(&mut self, node: usize, edge: usize) {
        let known = self
            .counted
            .iter()
            .filter(|each| each.known && each.node == node);
        let keys: Vec<EdgeKey> = known.map(|each| self.key(each)).collect();
        let Some(key) = keys.get(edge % keys.len().max(1)).copied() else {
            return;
        };
        let renumbered = self.renumbered;
        for each in &mut self.counted {
            if each.known && each.node == node && key_of(each, renumbered[node]) == key {
                each.known = false;
            }
        }
    }

    /// Numbers are given anew; edges with the old ones are forgotten before.
    pub(crate) fn renumber(&mut self, node: usize) {
        let of_node = self.counted.iter_mut().filter(|each| each.node == node);
        of_node.for_each(|each| each.known = false);
        self.renumbered[node] += 1;
    }

    /// What a node's kernel says.
    pub(crate) fn reading(&self, node: usize) -> EdgeReading {
        let mut totals: BTreeMap<EdgeId, EdgeTotal> = BTreeMap::new();
        for each in self.counted.iter().filter(|each| each.node == node) {
            let id = match each.known {
                true => EdgeId::Edge(self.key(each)),
                false => EdgeId::Forgotten,
            };
            let total = totals.entry(id).or_insert_with(|| EdgeTotal {
                id,
                counts: EdgeCell::default(),
            });
            let (sum, counts) = (&mut total.counts, &each.connection.counts);
            sum.forward_packets += counts.forward_packets;
            sum.forward_bytes += counts.forward_bytes;
            sum.reply_packets += counts.reply_packets;
            sum.reply_bytes += counts.reply_bytes;
        }
        let mut identities = Identities::new();
        for workload in 0..WORKLOADS.len() {
            let number = number(workload, node, self.renumbered[node]);
            identities
                .insert(Identity(number), labels(workload))
                .unwrap();
        }
        let rules = RuleTable::new();
        for rule in 1..3 {
            let info = RuleInfo {
                description: rule_name(rule),
                ..RuleInfo::default()
            };
            rules.set(rule_number(rule, node), info).unwrap();
        }
        let names = EdgeNames {
            identities: Arc::new(identities),
            rules: rules.snapshot(),
            endpoints: BTreeMap::new(),
        };
        EdgeReading::new(
            Self::node_name(node),
            Epoch::new(7),
            (1, 2),
            totals.into_values().collect(),
            names,
        )
    }

    /// The truth, summed up connection by connection.
    pub(crate) fn expected(&self) -> (BTreeMap<PairName, Sums>, EdgeCounts) {
        let mut pairs: BTreeMap<PairName, Sums> = BTreeMap::new();
        let mut unattributed = EdgeCounts::default();
        for each in &self.counted {
            let connection = &each.connection;
            if !each.known {
                add(&mut unattributed, &connection.counts);
                continue;
            }
            let name = (
                labels(connection.source).to_string(),
                labels(connection.destination).to_string(),
                connection.protocol.into(),
                connection.port.into(),
            );
            let sums = pairs.entry(name).or_default();
            let at_source = each.hook == DIRECTION_EGRESS;
            let judgement = judgement(each);
            let sum = match judgement.verdict {
                VERDICT_FORWARDED => &mut sums.forwarded,
                VERDICT_AUDIT => &mut sums.audited,
                _ if at_source => &mut sums.dropped_at_source,
                _ => &mut sums.dropped_at_destination,
            };
            if each.counts_here {
                add(sum, &connection.counts);
            }
            let rule = match judgement.rule {
                0 => String::new(),
                rule => rule_name(rule),
            };
            let decision = (
                i32::from(each.hook),
                i32::from(judgement.verdict),
                i32::from(reason(judgement)),
                rule,
            );
            add(
                sums.decisions.entry(decision).or_default(),
                &connection.counts,
            );
        }
        (pairs, unattributed)
    }

    fn key(&self, each: &Counted) -> EdgeKey {
        key_of(each, self.renumbered[each.node])
    }
}

fn key_of(each: &Counted, renumbered: u32) -> EdgeKey {
    let connection = &each.connection;
    let judgement = judgement(each);
    EdgeKey {
        source_identity: number(connection.source, each.node, renumbered),
        destination_identity: number(connection.destination, each.node, renumbered),
        rule: match judgement.rule {
            0 => 0,
            rule => rule_number(rule, each.node),
        },
        port: connection.port,
        protocol: connection.protocol,
        direction: each.hook,
        verdict: judgement.verdict,
        reason: reason(judgement),
        flags: match judgement.verdict {
            VERDICT_DROPPED => 0,
            _ if connection.places()[usize::from(each.hook == DIRECTION_EGRESS)].is_some() => {
                EDGE_OTHER_END_MANAGED
            }
            _ => 0,
        },
    }
}

fn judgement(each: &Counted) -> Judgement {
    match each.hook {
        DIRECTION_EGRESS => each.connection.egress,
        _ => each.connection.ingress,
    }
}

fn reason(judgement: Judgement) -> u8 {
    match judgement.verdict {
        VERDICT_FORWARDED => 0,
        _ => 133,
    }
}

fn labels(workload: usize) -> LabelSet {
    LabelSet::parse([format!("k8s:role=w{workload}"), "k8s:team=x".to_owned()]).unwrap()
}

/// Every node has numbers of its own, and gives each to another workload after a while.
fn number(workload: usize, node: usize, renumbered: u32) -> u32 {
    let place = u32::try_from(workload + 2 * node).unwrap() + renumbered;
    FIRST + place % 7
}

fn rule_name(rule: u32) -> String {
    format!("NetworkPolicy/shop/p ingress[{rule}]")
}

fn rule_number(rule: u32, node: usize) -> u32 {
    10 + rule * 5 + u32::try_from(node).unwrap()
}

fn add(sum: &mut EdgeCounts, counts: &EdgeCell) {
    sum.forward_packets += counts.forward_packets;
    sum.forward_bytes += counts.forward_bytes;
    sum.reply_packets += counts.reply_packets;
    sum.reply_bytes += counts.reply_bytes;
}
