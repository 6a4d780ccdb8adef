//! Packets and bytes of edges, as the nodes read them, counted in windows.

use std::collections::HashMap;
use std::sync::Arc;

use flow::edges::{EdgeDelta, EdgeDeltas};
use proto::flow::Verdict;
use proto::tycho::v1::{EdgeRule, EdgesPart};

use super::worker::wall_ms;
use crate::dashboard::{Cell, Dashboard, DashboardCounts, SeriesKey, counts_at_hook};

/// Rules whose parts are remembered.
const MOST_RULES: usize = 1 << 16;

/// What nodes tell of their edges.
pub(super) struct Packets {
    dashboard: Arc<Dashboard>,
    deltas: EdgeDeltas,
    /// By their words.
    rules: HashMap<Arc<str>, EdgeRule>,
}

impl Packets {
    pub(super) fn new(dashboard: Arc<Dashboard>, begun_ns: u64) -> Self {
        Self {
            dashboard,
            deltas: EdgeDeltas::new(begun_ns),
            rules: HashMap::new(),
        }
    }

    pub(super) fn remove_node(&mut self, node: &str) {
        self.deltas.remove_node(node);
    }

    pub(super) fn take(&mut self, part: &EdgesPart) {
        for labels in &part.labels {
            let known = &self.dashboard.identities;
            known.learn(
                &part.node_name,
                labels.number,
                &labels.labels.clone().into(),
            );
        }
        if self.rules.len() >= MOST_RULES {
            self.rules.clear();
        }
        let rules = &mut self.rules;
        let taken = self.deltas.take(part, |rule| {
            if let Some((words, _)) = rules.get_key_value(rule.description.as_str()) {
                return Arc::clone(words);
            }
            let words: Arc<str> = rule.description.as_str().into();
            rules.insert(Arc::clone(&words), rule.clone());
            words
        });
        match taken {
            Ok(None) => {}
            Ok(Some((read_ns, deltas))) => {
                // A node whose clock is off says when by its own.
                let read_ms = match read_ns / 1_000_000 {
                    0 => wall_ms(),
                    read_ms => read_ms,
                };
                let mut counts = self.dashboard.lock();
                for delta in &deltas {
                    count(&mut counts, &self.rules, &part.node_name, read_ms, delta);
                }
            }
            Err(error) => tracing::warn!(node = part.node_name, "{error}"),
        }
    }
}

fn count(
    counts: &mut DashboardCounts,
    rules: &HashMap<Arc<str>, EdgeRule>,
    node: &str,
    read_ms: u64,
    delta: &EdgeDelta,
) {
    let (pair, decision) = (&delta.pair, &delta.decision);
    let source = counts.tables.label_set(&pair.source);
    let destination = counts.tables.label_set(&pair.destination);
    let rule = counts.tables.rule(&decision.rule, || {
        rules.get(&decision.rule).cloned().unwrap_or_default()
    });
    let is_forwarded = decision.verdict == i32::from(Verdict::Forwarded);
    let key = SeriesKey {
        source,
        destination,
        protocol: u8::try_from(pair.protocol).unwrap_or(0),
        port: u16::try_from(pair.port).unwrap_or(0),
        direction: decision.direction,
        verdict: decision.verdict,
        drop_reason: if is_forwarded {
            0
        } else {
            decision.drop_reason
        },
        rule,
        node: if is_forwarded {
            0
        } else {
            counts.tables.node(node)
        },
        counts: counts_at_hook(
            decision.direction,
            decision.verdict,
            delta.destination_managed,
        ),
    };
    let series = counts.series(key, read_ms);
    let cell = Cell {
        connections: 0,
        packets: delta.packets,
        bytes: delta.bytes,
    };
    counts.add(series, read_ms, &cell);
}
