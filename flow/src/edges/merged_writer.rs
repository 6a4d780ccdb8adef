//! One client's stream of merged totals: everything first, then what has changed, in parts of a bounded size.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use proto::tycho::v1::{EdgeDecision, EdgeLabels, EdgeRule, EdgesPart, MergedEdge};

use super::MAX_NAMES;
use super::pair::{Labels, MergedReading, MergedTotal, Pair};
use super::telling::{Due, Telling};
use crate::selection::timestamp;

type Pairs = BTreeMap<Arc<Pair>, Arc<MergedTotal>>;

/// What a client was told, and what it is being told.
#[derive(Debug, Default)]
pub struct MergedWriter {
    /// By the last pair that was looked at.
    telling: Telling<MergedReading, Option<Arc<Pair>>>,
    labels: HashMap<Labels, u32>,
    rules: HashMap<Arc<str>, u32>,
}

impl MergedWriter {
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
    pub fn begin(&mut self, reading: Arc<MergedReading>) {
        if self.labels.len() > MAX_NAMES || self.rules.len() > MAX_NAMES {
            // Most of them are long gone. Whoever starts again needs no list of those that are.
            self.labels.clear();
            self.rules.clear();
            self.telling.forget();
        }
        self.telling.begin(reading);
    }

    /// The next part of the reading that was begun; `None` after the last one. There is at least one.
    pub fn next_part(&mut self, server: &str) -> Option<EdgesPart> {
        let Due {
            reading,
            place: mut after,
            told,
            mut part,
        } = self.telling.due()?;
        server.clone_into(&mut part.node_name);
        part.read_at = Some(timestamp(reading.read_ns));
        part.unattributed = Some(reading.unattributed);
        let now = Arc::clone(&reading);
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
            if part.merged.len() == self.telling.part_edges {
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
        if part.last {
            self.telling.is_told(reading);
        } else {
            self.telling.goes_on(reading, after);
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
