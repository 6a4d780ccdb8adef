//! Who talks to whom in the made-up day: some edges all the time, most of them now and then.

use std::sync::Arc;

use proto::flow::{TrafficDirection, Verdict};
use proto::tycho::v1::EdgeRule;

use crate::dashboard::cells::Cell;
use crate::dashboard::counts::DashboardCounts;
use crate::dashboard::series::{End, SeriesKey};

/// Of so many edges one is denied.
const DENIED: u32 = 23;
const NODES: u32 = 50;
const PORTS: [u16; 5] = [80, 443, 5_432, 8_080, 9_090];

/// The edges, each with how often it is active.
pub(crate) struct Cluster {
    edges: Vec<Edge>,
    random: Random,
}

struct Edge {
    /// What both ends judge; of what is dropped only one does.
    series: Vec<u32>,
    /// Of a second, in 2⁻³².
    active: u64,
}

impl Cluster {
    pub(crate) fn new(
        edges: u32,
        identities: u32,
        counts: &mut DashboardCounts,
        now_ms: u64,
    ) -> Self {
        let mut random = Random(7);
        let ends: Vec<u32> = (0..identities).map(|number| end(counts, number)).collect();
        let rule = counts.tables.rule(
            "CiliumNetworkPolicy/team-0/all ingress[0]",
            EdgeRule::default,
        );
        let nodes: Vec<u32> = (0..NODES)
            .map(|number| counts.tables.node(&format!("default/node-{number}")))
            .collect();
        let edges = (0..edges).map(|number| {
            let is_denied = number % DENIED == 0;
            // Each edge once: the destination follows from the number.
            let source = ends[(number % identities) as usize];
            let destination = ends[((number * 7 + number / identities + 1) % identities) as usize];
            let judged = |direction: TrafficDirection, counts: bool| SeriesKey {
                source,
                destination,
                protocol: 6,
                port: PORTS[(number / identities) as usize % PORTS.len()],
                direction: direction.into(),
                verdict: if is_denied {
                    Verdict::Dropped
                } else {
                    Verdict::Forwarded
                }
                .into(),
                drop_reason: if is_denied { 133 } else { 0 },
                rule,
                node: if is_denied {
                    nodes[(number % NODES) as usize]
                } else {
                    0
                },
                counts,
            };
            let keys = match is_denied {
                true => vec![judged(TrafficDirection::Ingress, true)],
                false => vec![
                    judged(TrafficDirection::Egress, false),
                    judged(TrafficDirection::Ingress, true),
                ],
            };
            // A third of them is active in each second: few are all the time, most seldom.
            let part = random.next() >> 32;
            Edge {
                series: keys
                    .into_iter()
                    .map(|key| counts.series(key, now_ms))
                    .collect(),
                active: (part * part) >> 32,
            }
        });
        Self {
            edges: edges.collect(),
            random: Random(11),
        }
    }

    /// A second of traffic; gives how many edges had some.
    pub(crate) fn talk(&mut self, counts: &mut DashboardCounts, now_ms: u64) -> u64 {
        let mut active = 0;
        for edge in &self.edges {
            let drawn = self.random.next();
            if drawn >> 32 >= edge.active {
                continue;
            }
            active += 1;
            let connections = 1 + drawn % 4;
            let cell = Cell {
                connections,
                packets: connections * 10,
                bytes: connections * (1_000 + drawn % 8_192),
            };
            for series in &edge.series {
                counts.add(*series, now_ms, &cell);
            }
        }
        active
    }
}

fn end(counts: &mut DashboardCounts, number: u32) -> u32 {
    let labels = [
        format!("k8s:app=app-{number}"),
        format!("k8s:io.kubernetes.pod.namespace=team-{}", number / 50),
        format!("k8s:tier=tier-{}", number % 3),
    ];
    let label_set = counts.tables.label_set(&Arc::from(labels));
    let end = End {
        namespace: format!("team-{}", number / 50),
        workloads: vec![format!("Deployment/app-{number}")],
        identity: 256 + number,
    };
    counts.tables.note(label_set, &end);
    counts.pods.note(&end.namespace, &format!("app-{number}-0"));
    label_set
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
