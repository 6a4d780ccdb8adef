//! How full each map is, and what happens when it is full.

use crate::datapath::Datapath;
use crate::error::LoaderError;

/// How full one map is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapPressure {
    /// The map.
    pub map: &'static str,
    /// Entries in it.
    pub entries: u64,
    /// Entries that it has room for.
    pub capacity: u64,
    /// What happens when it is full, as a sentence without a full stop.
    pub meaning: &'static str,
}

/// Entries that only a walk finds, as the last sweep found them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Walked {
    pub(crate) connections4: u64,
    pub(crate) connections6: u64,
    pub(crate) edges: u64,
}

impl Datapath {
    /// How full each bounded map is. Connections and edges are those of the last sweep; three small maps of at most 16,384
    /// entries each are counted here, the rest is known.
    ///
    /// # Errors
    /// If a map cannot be read.
    pub fn pressure(&self) -> Result<Vec<MapPressure>, LoaderError> {
        let walked = self.walked;
        let mut all = Vec::new();
        let mut add = |(map, entries, capacity): (&'static str, u64, u64)| {
            all.push(MapPressure {
                map,
                entries,
                capacity,
                meaning: meaning(map),
            });
        };
        let wide = |(map, entries, capacity): (&'static str, u32, u32)| {
            (map, u64::from(entries), u64::from(capacity))
        };
        self.policy_sets
            .fill()?
            .map(wide)
            .into_iter()
            .for_each(&mut add);
        self.addresses
            .fill()?
            .map(wide)
            .into_iter()
            .for_each(&mut add);
        let [connections4, connections6] = self.connections.capacity()?.map(u64::from);
        add(("CONNECTIONS4", walked.connections4, connections4));
        add(("CONNECTIONS6", walked.connections6, connections6));
        add(wide(self.endpoints.fill()));
        add(("EDGES", walked.edges, self.edges.capacity().into()));
        self.small.fill()?.map(wide).into_iter().for_each(&mut add);
        Ok(all)
    }
}

fn meaning(map: &str) -> &'static str {
    match map {
        "POLICY_CELLS" | "POLICY_GENERATIONS" | "POLICY_SETS" => {
            "a policy change is refused, and what was in force before stays"
        }
        "IPCACHE4" | "IPCACHE6" => "further addresses are taken for what a prefix says, else world",
        "IPCACHE4_CIDR" | "IPCACHE6_CIDR" => {
            "addresses of further prefixes are taken for what a shorter prefix says, else world"
        }
        "SPOOFING_CIDRS" => "further extra sources of endpoints are refused",
        "CONNECTIONS4" | "CONNECTIONS6" => {
            "the connection that was quiet longest is forgotten, and judged as new at its next packet"
        }
        "ENDPOINT_ROWS" => "further endpoints are refused",
        "EDGES" => "further edges are counted together, in one slot for each endpoint",
        "FRAGMENTS" => "later fragments of the oldest datagrams are dropped",
        "DENIED_PORTS" => "denied ports of the pair that was quiet longest are counted anew",
        "DROP_BUCKETS" => "the endpoint that was quiet longest may tell more drops",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datapath::MAPS;

    #[test]
    fn every_map_that_can_be_full_says_what_that_means() {
        let fixed = [
            "CONFIG",
            "CLOCK",
            "ENDPOINT_BY_INTERFACE",
            "EDGE_CELLS",
            "FREE_SLOTS",
            "TOTALS",
            "COUNTERS",
            "EVENTS",
        ];
        for map in MAPS {
            assert_eq!(meaning(map).is_empty(), fixed.contains(&map), "{map}");
        }
    }
}
