//! One client's stream of merged totals: everything first, then what has changed, in parts of a bounded size.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use proto::tycho::v1::{EdgeDecision, EdgeLabels, EdgeRule, EdgesPart, MergedEdge};

use super::pair::{Labels, MergedReading, MergedTotal, Pair};
use super::{MAX_NAMES, PART_EDGES};
use crate::selection::timestamp;

type Pairs = BTreeMap<Arc<Pair>, Arc<MergedTotal>>;

/// What a client was told, and what it is being told.
#[derive(Debug)]
pub struct MergedWriter {
    told: Option<Arc<MergedReading>>,
    current: Option<Current>,
    reading: u64,
    part: u32,
    labels: HashMap<Labels, u32>,
    rules: HashMap<Arc<str>, u32>,
    part_edges: usize,
}

/// A reading that is being told.
#[derive(Debug)]
struct Current {
    reading: Arc<MergedReading>,
    /// The last pair that was looked at.
    after: Option<Arc<Pair>>,
}

impl Default for MergedWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl MergedWriter {
    /// Nothing was told yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with_parts_of(PART_EDGES)
    }

    /// The same, with so many edges in a part, at least one.
    #[must_use]
    pub fn with_parts_of(edges: usize) -> Self {
        Self {
            told: None,
            current: None,
            reading: 0,
            part: 0,
            labels: HashMap::new(),
            rules: HashMap::new(),
            part_edges: edges.max(1),
        }
    }

    /// Begins a reading. One that was begun before must have come to its end.
    pub fn begin(&mut self, reading: Arc<MergedReading>) {
        if self.labels.len() > MAX_NAMES || self.rules.len() > MAX_NAMES {
            // Most of them are long gone. Whoever starts again needs no list of those that are.
            *self = Self {
                reading: self.reading,
                ..Self::with_parts_of(self.part_edges)
            };
        }
        self.current = Some(Current {
            reading,
            after: None,
        });
        self.reading += 1;
        self.part = 0;
    }

    /// The next part of the reading that was begun; `None` after the last one. There is at least one.
    pub fn next_part(&mut self, server: &str) -> Option<EdgesPart> {
        let Current { reading, mut after } = self.current.take()?;
        let now = Arc::clone(&reading);
        let told = self.told.clone();
        let mut part = EdgesPart {
            node_name: server.to_owned(),
            reading: self.reading,
            part: self.part,
            whole: told.is_none(),
            read_at: Some(timestamp(reading.read_ns)),
            unattributed: Some(reading.unattributed),
            ..EdgesPart::default()
        };
        let nothing = Pairs::new();
        let before = told.as_ref().map_or(&nothing, |told| &told.pairs);
        let from = after.clone();
        let mut was = behind(before, from.as_ref()).peekable();
        let mut is = behind(&now.pairs, from.as_ref()).peekable();
        part.last = true;
        loop {
            let next = match (was.peek(), is.peek()) {
                (None, None) => break,
                (Some((was, _)), Some((is, _))) => Arc::clone(was.min(is)),
                (Some((one, _)), None) | (None, Some((one, _))) => Arc::clone(one),
            };
            if part.merged.len() == self.part_edges {
                part.last = false;
                break;
            }
            let was = was.next_if(|(pair, _)| **pair == next);
            let is = is.next_if(|(pair, _)| **pair == next);
            match (was, is) {
                (Some((_, was)), Some((_, is))) if Arc::ptr_eq(was, is) || was == is => {}
                (_, Some((pair, total))) => {
                    let edge = self.edge(pair, total, &reading, &mut part);
                    part.merged.push(edge);
                }
                (_, None) => {
                    let gone = self.key(&next, &mut part);
                    part.merged.push(gone);
                }
            }
            after = Some(next);
        }
        self.part += 1;
        if part.last {
            self.told = Some(reading);
        } else {
            self.current = Some(Current { reading, after });
        }
        Some(part)
    }

    fn key(&mut self, pair: &Pair, part: &mut EdgesPart) -> MergedEdge {
        MergedEdge {
            source: self.labels(&pair.source, part),
            destination: self.labels(&pair.destination, part),
            protocol: pair.protocol,
            port: pair.port,
            ..MergedEdge::default()
        }
    }

    fn edge(
        &mut self,
        pair: &Pair,
        total: &MergedTotal,
        reading: &MergedReading,
        part: &mut EdgesPart,
    ) -> MergedEdge {
        let decisions = total.decisions().map(|(decision, counts)| EdgeDecision {
            direction: decision.direction,
            verdict: decision.verdict,
            drop_reason: decision.drop_reason,
            rule: self.rule(&decision.rule, reading, part),
            counts: Some(*counts),
        });
        let decisions = decisions.collect();
        MergedEdge {
            forwarded: Some(total.forwarded),
            audited: Some(total.audited),
            dropped_at_source: Some(total.dropped_at_source),
            dropped_at_destination: Some(total.dropped_at_destination),
            decisions,
            ..self.key(pair, part)
        }
    }

    /// The number of a label set, told with its first edge.
    fn labels(&mut self, labels: &Labels, part: &mut EdgesPart) -> u32 {
        if let Some(number) = self.labels.get(labels) {
            return *number;
        }
        let number = next_number(self.labels.len());
        self.labels.insert(Arc::clone(labels), number);
        part.labels.push(EdgeLabels {
            number,
            labels: labels.to_vec(),
        });
        number
    }

    /// The number of a rule, told with its first decision; 0 if none decided.
    fn rule(&mut self, words: &Arc<str>, reading: &MergedReading, part: &mut EdgesPart) -> u32 {
        let Some(rule) = reading.rules.get(words) else {
            return 0;
        };
        if let Some(number) = self.rules.get(words) {
            return *number;
        }
        let number = next_number(self.rules.len());
        self.rules.insert(Arc::clone(words), number);
        part.rules.push(EdgeRule {
            number,
            ..rule.clone()
        });
        number
    }
}

/// Numbers begin at 1.
fn next_number(given: usize) -> u32 {
    u32::try_from(given + 1).unwrap_or(u32::MAX)
}

fn behind<'a>(
    pairs: &'a Pairs,
    after: Option<&Arc<Pair>>,
) -> impl Iterator<Item = (&'a Arc<Pair>, &'a Arc<MergedTotal>)> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    pairs.range::<Arc<Pair>, _>((from, Bound::Unbounded))
}
