//! Ranks of rules: numbers in deciding order, with gaps, so that a new rule does not renumber the others.

use std::collections::BTreeMap;

use crate::rule::RuleKey;

/// Room left between neighbours when there is plenty.
const GAP: u32 = 4_096;

/// The rank of every rule. A smaller rank decides. Ranks begin at 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranks {
    by_key: BTreeMap<RuleKey, u32>,
}

impl Ranks {
    /// Makes the ranks those of exactly these rules, which must be sorted. Rules that stay keep their rank unless the
    /// room between two of them is used up; then all are numbered anew.
    pub fn update<'a>(&mut self, sorted_keys: impl IntoIterator<Item = &'a RuleKey>) {
        let keys: Vec<&RuleKey> = sorted_keys.into_iter().collect();
        let kept: Vec<Option<u32>> = keys
            .iter()
            .map(|key| self.by_key.get(*key).copied())
            .collect();
        let ranks = fill(&kept).unwrap_or_else(|| spread(keys.len()));
        self.by_key = keys.into_iter().cloned().zip(ranks).collect();
    }

    /// The rank of a rule.
    pub fn rank(&self, key: &RuleKey) -> Option<u32> {
        self.by_key.get(key).copied()
    }
}

/// Ranks for the unknown places between the known ones; `None` if some run of them does not fit.
fn fill(kept: &[Option<u32>]) -> Option<Vec<u32>> {
    let mut ranks: Vec<u32> = Vec::with_capacity(kept.len());
    while ranks.len() < kept.len() {
        let start = ranks.len();
        if let Some(rank) = kept[start] {
            ranks.push(rank);
            continue;
        }
        let run = kept[start..]
            .iter()
            .take_while(|rank| rank.is_none())
            .count();
        let count = u32::try_from(run).ok()?;
        let low = ranks.last().copied().unwrap_or(0);
        let high = match kept.get(start + run) {
            Some(next) => (*next)?,
            None => low.checked_add(count.checked_add(1)?.checked_mul(GAP)?)?,
        };
        let step = (high - low) / (count + 1);
        if step == 0 {
            return None;
        }
        ranks.extend((1..=count).map(|place| low + place * step));
    }
    Some(ranks)
}

/// Ranks for so many rules from scratch, as far apart as is useful and as fits.
fn spread(count: usize) -> Vec<u32> {
    let count = u32::try_from(count).unwrap_or(u32::MAX - 1);
    let step = GAP.min(u32::MAX / (count + 1));
    (1..=count).map(|place| place * step).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{GAP, Ranks};
    use crate::rule::{Action, Direction, PolicyKind, PolicyName, RuleKey};

    fn key(index: u32) -> RuleKey {
        let name = PolicyName {
            kind: PolicyKind::NetworkPolicy,
            namespace: "n".into(),
            name: "p".into(),
        };
        RuleKey {
            action: Action::Allow,
            policy: Arc::new(name),
            direction: Direction::Ingress,
            index,
        }
    }

    fn ranks_of(ranks: &Ranks, indexes: &[u32]) -> Vec<u32> {
        indexes
            .iter()
            .map(|&index| ranks.rank(&key(index)).unwrap())
            .collect()
    }

    #[test]
    fn a_new_rule_moves_no_other() {
        let mut ranks = Ranks::default();
        ranks.update(&[key(1), key(5)]);
        assert_eq!(ranks_of(&ranks, &[1, 5]), [GAP, 2 * GAP]);
        ranks.update(&[key(0), key(1), key(3), key(5), key(9)]);
        assert_eq!(
            ranks_of(&ranks, &[0, 1, 3, 5, 9]),
            [GAP / 2, GAP, GAP + GAP / 2, 2 * GAP, 3 * GAP]
        );
        ranks.update(&[key(5)]);
        assert_eq!(ranks.rank(&key(1)), None);
        assert_eq!(ranks.rank(&key(5)), Some(2 * GAP));
    }

    #[test]
    fn a_full_gap_numbers_all_anew() {
        let mut ranks = Ranks::default();
        let mut keys: Vec<RuleKey> = vec![key(0), key(10_000)];
        ranks.update(&keys);
        keys.splice(1..1, (1..=GAP).map(key));
        ranks.update(&keys);
        assert_eq!(ranks.rank(&key(1)), Some(2 * GAP));
        assert_eq!(ranks.rank(&key(10_000)), Some((GAP + 2) * GAP));
    }

    proptest! {
        #[test]
        fn ranks_always_follow_the_order(changes in prop::collection::vec(prop::collection::btree_set(0u32..40, 0..20), 1..6)) {
            let mut ranks = Ranks::default();
            for indexes in changes {
                let keys: Vec<RuleKey> = indexes.into_iter().map(key).collect();
                ranks.update(&keys);
                let numbers: Vec<u32> = keys.iter().map(|key| ranks.rank(key).unwrap()).collect();
                prop_assert!(numbers.is_sorted_by(|a, b| a < b) && numbers.first() != Some(&0), "{:?}", numbers);
            }
        }
    }
}
