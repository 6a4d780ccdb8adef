//! Numbers that look random and come back with their seed: what a generated test is made of.
//!
//! A failed case names its seed; `TYCHO_SEED=<seed>` in the environment runs that case alone.

use std::ops::RangeInclusive;
use std::time::{SystemTime, UNIX_EPOCH};

/// A stream of numbers that its seed determines (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number less than `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound as u64) as usize
    }

    /// A number of a range.
    pub fn within(&mut self, range: RangeInclusive<u16>) -> u16 {
        let (first, last) = (*range.start(), *range.end());
        first + self.below(usize::from(last - first) + 1) as u16
    }

    /// True in so many of 100 cases.
    pub fn percent(&mut self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// One of them, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, from: &[(usize, T)]) -> T {
        let mut at = self.below(from.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in from {
            if at < *weight {
                return *value;
            }
            at -= weight;
        }
        from[0].1
    }
}

/// A seed for each case of a test: new ones in each run, or the one of `TYCHO_SEED` alone.
#[expect(
    clippy::print_stdout,
    reason = "a test shows what it needs to be run again"
)]
pub fn seeds(cases: usize) -> Vec<u64> {
    if let Some(given) = std::env::var_os("TYCHO_SEED") {
        let seed = given.to_str().and_then(|text| text.parse().ok());
        return vec![seed.expect("TYCHO_SEED is a number")];
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let base = since.map_or(1, |time| time.as_nanos() as u64);
    println!("{cases} cases, seeds drawn from {base}");
    let mut random = Random::new(base);
    (0..cases).map(|_| random.number()).collect()
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn a_seed_determines_its_numbers() {
        let numbers = |seed| {
            let mut random = Random::new(seed);
            [(); 8].map(|()| random.number())
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
    }

    #[test]
    fn every_choice_comes_as_often_as_it_weighs() {
        let mut random = Random::new(7);
        let mut seen = [0u32; 3];
        for _ in 0..4_000 {
            seen[random.weighted(&[(1, 0), (2, 1), (1, 2)])] += 1;
            assert!((5..=9).contains(&random.within(5..=9)));
        }
        assert!(
            seen[0].abs_diff(1_000) < 150 && seen[1].abs_diff(2_000) < 150,
            "{seen:?}"
        );
    }
}
