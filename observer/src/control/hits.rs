//! What rules have decided, and when each was last seen at work.

use std::collections::HashMap;

use super::maps::RuleTotal;

/// What one rule has decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleHits {
    pub(crate) total: RuleTotal,
    /// When the total was last seen to grow, nanoseconds since 1970; 0 if it was not seen to.
    pub(crate) last_ns: u64,
}

/// The hits of every rule by its number. They last as long as the pinned counters do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hits {
    /// Since when they are counted, nanoseconds since 1970.
    pub(crate) since_ns: u64,
    /// When they were read, nanoseconds since 1970; 0 if never.
    pub(crate) read_ns: u64,
    rules: HashMap<u32, RuleHits>,
}

impl Hits {
    /// Nothing read yet.
    pub(crate) fn new(since_ns: u64) -> Self {
        Self {
            since_ns,
            ..Self::default()
        }
    }

    /// What a rule has decided.
    pub(crate) fn of(&self, rule: u32) -> RuleHits {
        self.rules.get(&rule).copied().unwrap_or_default()
    }

    /// The same after another reading. What the first reading finds was counted before anybody looked.
    #[must_use]
    pub(crate) fn after(&self, totals: HashMap<u32, RuleTotal>, now_ns: u64) -> Self {
        let first = self.read_ns == 0;
        let rules = totals.into_iter().map(|(rule, total)| {
            let before = self.of(rule);
            let grew = !first && total.packets > before.total.packets;
            let last_ns = if grew { now_ns } else { before.last_ns };
            (rule, RuleHits { total, last_ns })
        });
        Self {
            since_ns: self.since_ns,
            read_ns: now_ns,
            rules: rules.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_is_a_total_that_grew() {
        let total = |packets| RuleTotal {
            packets,
            bytes: packets * 60,
        };
        let hits = Hits::new(5).after(HashMap::from([(20, total(7))]), 10);
        assert_eq!((hits.of(20).total, hits.of(20).last_ns), (total(7), 0));
        let hits = hits.after(HashMap::from([(20, total(7)), (21, total(1))]), 20);
        assert_eq!((hits.of(20).last_ns, hits.of(21).last_ns), (0, 20));
        let hits = hits.after(HashMap::from([(20, total(9)), (21, total(1))]), 30);
        assert_eq!((hits.of(20).last_ns, hits.of(21).last_ns), (30, 20));
        assert_eq!((hits.since_ns, hits.of(22)), (5, RuleHits::default()));
    }
}
