//! What nodes have counted from one of their readings to the next.

use std::collections::HashMap;
use std::sync::Arc;

use proto::tycho::v1::{EdgeCounts, EdgeRule, EdgesPart};

use super::merge::EdgesError;
use super::node::{NodeEdges, Resolved};
use super::pair::{Decision, Pair};

/// What one edge has counted since the last reading.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeDelta {
    /// Who talked to whom.
    pub pair: Arc<Pair>,
    /// What was decided.
    pub decision: Decision,
    /// Whether the destination's interface counts it too.
    pub destination_managed: bool,
    /// Packets, both directions.
    pub packets: u64,
    /// Bytes of frames, both directions.
    pub bytes: u64,
}

/// The last readings of nodes.
#[derive(Debug)]
pub struct EdgeDeltas {
    nodes: HashMap<String, Node>,
    begun_ns: u64,
}

#[derive(Debug)]
struct Node {
    edges: NodeEdges,
    /// Since when the node counts; other counts are not of the same series.
    counted_since_ns: u64,
    /// Nothing to compare with was read yet.
    is_first: bool,
}

impl EdgeDeltas {
    /// Nothing was read. What a node has counted before `begun_ns` is no delta.
    #[must_use]
    pub fn new(begun_ns: u64) -> Self {
        Self {
            nodes: HashMap::new(),
            begun_ns,
        }
    }

    /// Takes a part of a node's stream; with the last part of a reading come the deltas, and when it was read. `rule` is
    /// told of each rule, and gives the words by which it is known.
    ///
    /// # Errors
    /// If the node tells of too many edges, or has left out a part; its stream must begin anew.
    pub fn take(
        &mut self,
        part: &EdgesPart,
        rule: impl FnMut(&EdgeRule) -> Arc<str>,
    ) -> Result<Option<(u64, Vec<EdgeDelta>)>, EdgesError> {
        let counted_since_ns = ns(part.counted_since.as_ref());
        let begun_ns = self.begun_ns;
        let anew = || Node {
            edges: NodeEdges::new(),
            counted_since_ns,
            is_first: counted_since_ns < begun_ns,
        };
        let node = self
            .nodes
            .entry(part.node_name.clone())
            .or_insert_with(anew);
        if part.whole && part.part == 0 && node.counted_since_ns != counted_since_ns {
            *node = anew();
        }
        let changes = node.edges.take(part, rule)?;
        if !part.last {
            return Ok(None);
        }
        let is_base = std::mem::take(&mut node.is_first);
        let deltas = changes.into_iter().filter_map(|change| match change.now? {
            Resolved::Pair(pair, now) if !is_base => {
                let before = match &change.before {
                    Some(Resolved::Pair(_, before)) => before.counts,
                    _ => EdgeCounts::default(),
                };
                Some(EdgeDelta {
                    pair,
                    packets: packets(&now.counts).saturating_sub(packets(&before)),
                    bytes: bytes(&now.counts).saturating_sub(bytes(&before)),
                    decision: now.decision,
                    destination_managed: now.destination_managed,
                })
            }
            _ => None,
        });
        let deltas = deltas.filter(|delta| delta.packets > 0);
        Ok(Some((node.edges.read_ns, deltas.collect())))
    }

    /// Forgets a node; what it has counted when it comes back is no delta.
    pub fn remove_node(&mut self, node: &str) {
        self.nodes.remove(node);
    }
}

fn packets(counts: &EdgeCounts) -> u64 {
    counts.forward_packets.wrapping_add(counts.reply_packets)
}

fn bytes(counts: &EdgeCounts) -> u64 {
    counts.forward_bytes.wrapping_add(counts.reply_bytes)
}

fn ns(time: Option<&prost_types::Timestamp>) -> u64 {
    crate::selection::time_ns("counted_since", time)
        .ok()
        .flatten()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proto::tycho::v1::{Edge, EdgeKind};

    use super::*;

    fn part(reading: u64, whole: bool, packets: &[(u32, u64)], since_s: i64) -> EdgesPart {
        let edges = packets.iter().map(|(port, packets)| Edge {
            kind: EdgeKind::Edge.into(),
            port: *port,
            counts: Some(EdgeCounts {
                forward_packets: *packets,
                forward_bytes: packets * 100,
                ..EdgeCounts::default()
            }),
            ..Edge::default()
        });
        EdgesPart {
            node_name: "n".to_owned(),
            reading,
            whole,
            last: true,
            edges: edges.collect(),
            counted_since: Some(crate::selection::timestamp(since_s as u64 * 1_000_000_000)),
            ..EdgesPart::default()
        }
    }

    fn check(deltas: &mut EdgeDeltas, part: &EdgesPart, expect: &[(u32, u64)]) {
        let taken = deltas.take(part, |_| "".into()).unwrap();
        let (_, taken) = taken.expect("it is the last part");
        let mut taken: Vec<_> = taken
            .iter()
            .map(|delta| (delta.pair.port, delta.packets))
            .collect();
        taken.sort_unstable();
        assert_eq!(taken, expect);
    }

    #[test]
    fn each_packet_is_in_one_delta() {
        let mut deltas = EdgeDeltas::new(50_000_000_000);
        // Counted since before we began: the first reading is what the next ones are compared with.
        check(&mut deltas, &part(1, true, &[(80, 10), (81, 5)], 10), &[]);
        check(
            &mut deltas,
            &part(2, false, &[(80, 12), (82, 1)], 10),
            &[(80, 2), (82, 1)],
        );
        // A stream that has begun anew tells everything again.
        let again = part(1, true, &[(80, 15), (81, 5), (82, 1)], 10);
        check(&mut deltas, &again, &[(80, 3)]);
        // Other maps: everything is counted since we began.
        check(&mut deltas, &part(2, true, &[(80, 4)], 60), &[(80, 4)]);
        check(&mut deltas, &part(3, false, &[(80, 4)], 60), &[]);
    }
}
