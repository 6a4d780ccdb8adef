//! Which numbers the kernel still holds, and what each rule has decided.

use std::collections::{HashMap, HashSet};

use bpf_events::counters::Total;
use bpf_events::edge::{EdgeCell, EdgeKey};

use crate::datapath::Datapath;
use crate::error::LoaderError;

/// Numbers that may still come up in a record: none of them may be given another meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    /// Rules of connections and of edges.
    pub rules: HashSet<u32>,
    /// Metadata indexes of connections, and of each edge's last drop that had to wait for a summary.
    pub metadata: HashSet<u32>,
    /// Identities of connections and of edges.
    pub identities: HashSet<u32>,
}

impl Datapath {
    /// The numbers that conntrack and edges hold, edges whose slot is being freed included. Edges that have lost their
    /// slot do not count: their totals have left the kernel.
    ///
    /// # Errors
    /// If a map cannot be read.
    pub fn in_use(&self) -> Result<InUse, LoaderError> {
        let mut in_use = InUse::default();
        self.connections.for_each(|_, connection| {
            in_use.rules.insert(connection.rule);
            in_use
                .metadata
                .extend([connection.local_metadata, connection.remote_metadata]);
            in_use
                .identities
                .extend([connection.local_identity, connection.remote_identity]);
        })?;
        for (key, state, _) in self.edges.with_slots()? {
            note(&mut in_use, &key);
            let (source, destination) = ((state.metadata >> 32) as u32, state.metadata as u32);
            in_use.metadata.extend([source, destination]);
        }
        for key in self.edges.leaving() {
            note(&mut in_use, key);
        }
        Ok(in_use)
    }

    /// What each rule has decided since the maps were made: packets and bytes in both directions of its connections, with
    /// those that it dropped or would have dropped. Edges that have lost their slot are included.
    ///
    /// # Errors
    /// If a map cannot be read.
    pub fn rule_totals(&self) -> Result<HashMap<u32, Total>, LoaderError> {
        Ok(by_rule(self.edges.all()?))
    }
}

fn note(in_use: &mut InUse, key: &EdgeKey) {
    in_use.rules.insert(key.rule);
    in_use
        .identities
        .extend([key.source_identity, key.destination_identity]);
}

fn by_rule(edges: impl IntoIterator<Item = (EdgeKey, EdgeCell)>) -> HashMap<u32, Total> {
    let mut totals: HashMap<u32, Total> = HashMap::new();
    for (key, cell) in edges {
        let total = totals.entry(key.rule).or_default();
        total.packets += cell.forward_packets + cell.reply_packets;
        total.bytes += cell.forward_bytes + cell.reply_bytes;
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_decided_both_directions_of_all_its_edges() {
        let edge = |rule, port, [packets, bytes, replies, reply_bytes]: [u64; 4]| {
            let key = EdgeKey {
                rule,
                port,
                ..EdgeKey::default()
            };
            let cell = EdgeCell {
                forward_packets: packets,
                forward_bytes: bytes,
                reply_packets: replies,
                reply_bytes,
            };
            (key, cell)
        };
        let totals = by_rule([
            edge(16, 80, [3, 300, 2, 2_000]),
            edge(16, 81, [1, 60, 0, 0]),
            edge(17, 80, [0, 0, 5, 5]),
        ]);
        let check = |rule: u32, packets, bytes| {
            assert_eq!(totals[&rule], Total { packets, bytes }, "rule {rule}");
        };
        check(16, 6, 2_360);
        check(17, 5, 5);
        assert_eq!(totals.len(), 2);
    }
}
