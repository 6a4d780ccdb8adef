//! Which numbers have an identity: one bit each.

use std::ops::RangeInclusive;

use policy::Identity;

const WORDS: usize = (Identity::LAST_ALLOCATED.0 as usize + 1) / 64;

/// A set of numbers up to [`Identity::LAST_ALLOCATED`].
#[derive(Clone)]
pub(in super::super) struct Taken(Box<[u64; WORDS]>);

impl Default for Taken {
    fn default() -> Self {
        Self(Box::new([0; WORDS]))
    }
}

impl std::fmt::Debug for Taken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let numbers: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        write!(out, "Taken({numbers} numbers)")
    }
}

impl Taken {
    pub(in super::super) fn insert(&mut self, identity: Identity) {
        if let Some((word, bit)) = self.place(identity.0) {
            self.0[word] |= bit;
        }
    }

    pub(in super::super) fn remove(&mut self, identity: Identity) {
        if let Some((word, bit)) = self.place(identity.0) {
            self.0[word] &= !bit;
        }
    }

    /// The first number of `range` at or after `from`, and then from its beginning, that is neither in the set nor
    /// `refused`.
    pub(in super::super) fn free_from(
        &self,
        from: u32,
        range: &RangeInclusive<u32>,
        refused: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let from = from.clamp(*range.start(), *range.end());
        let is_free = |number: &u32| !self.contains(*number) && !refused(*number);
        (from..=*range.end())
            .find(is_free)
            .or_else(|| (*range.start()..from).find(is_free))
    }

    fn contains(&self, number: u32) -> bool {
        self.place(number)
            .is_none_or(|(word, bit)| self.0[word] & bit != 0)
    }

    /// `None` for a number that is never given.
    fn place(&self, number: u32) -> Option<(usize, u64)> {
        let word = number as usize / 64;
        (word < WORDS).then(|| (word, 1 << (number % 64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_free_number_goes_round() {
        let mut taken = Taken::default();
        for number in [256, 257, 259, 65_535, 65_536, u32::MAX] {
            taken.insert(Identity(number));
        }
        let check = |taken: &Taken, from, range, refused: &[u32], expect| {
            let found = taken.free_from(from, &range, |number| refused.contains(&number));
            assert_eq!(found, expect);
        };
        check(&taken, 256, 256..=65_535, &[], Some(258));
        check(&taken, 256, 256..=65_535, &[258], Some(260));
        check(&taken, 65_535, 256..=65_535, &[], Some(258));
        check(&taken, 0, 256..=257, &[], None);
        check(&taken, 259, 256..=259, &[], Some(258));
        check(&taken, 259, 256..=259, &[258], None);
        taken.remove(Identity(257));
        check(&taken, 259, 256..=259, &[], Some(257));
    }
}
