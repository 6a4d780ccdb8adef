//! Which metadata indexes and rule numbers stored flows carry: those may not mean anything else yet.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Segment, Store};
use crate::row::{WORD_METADATA, WORD_RULE, high, low};
use crate::snapshot::INDEX_LIMIT;

/// The numbers of all flows that can still be read.
#[derive(Debug)]
pub struct StoredNumbers {
    metadata: Bits,
    rules: Bits,
}

impl StoredNumbers {
    /// Of no flow.
    #[must_use]
    pub fn none() -> Self {
        Self {
            metadata: Bits::new(),
            rules: Bits::new(),
        }
    }

    /// Whether some flow carries the metadata index.
    #[must_use]
    pub fn has_metadata(&self, index: u32) -> bool {
        self.metadata.has(index)
    }

    /// Whether some flow carries the rule number.
    #[must_use]
    pub fn has_rule(&self, rule: u32) -> bool {
        self.rules.has(rule)
    }

    fn add(&mut self, segment: &Segment) {
        let rows = segment.len();
        for word in &segment.column(WORD_METADATA)[..rows] {
            let word = word.load(Ordering::Relaxed);
            self.metadata.add(low(word));
            self.metadata.add(high(word));
        }
        for word in &segment.column(WORD_RULE)[..rows] {
            self.rules.add(low(word.load(Ordering::Relaxed)));
        }
    }
}

impl Store {
    /// The numbers of all flows held, those included that a slow reader holds after the store has dropped them. Looks at
    /// two of sixteen columns, some milliseconds for a million flows.
    #[must_use]
    pub fn stored_numbers(&self) -> StoredNumbers {
        let mut numbers = StoredNumbers::none();
        let (live, dropped) = self.read_segments(|segments| {
            let live: Vec<Arc<Segment>> = segments.live.iter().cloned().collect();
            let dropped = segments.held_by_readers.iter();
            let dropped: Vec<_> = dropped.filter_map(|segment| segment.upgrade()).collect();
            (live, dropped)
        });
        for segment in dropped.iter().chain(&live) {
            numbers.add(segment);
        }
        numbers
    }
}

/// A set of numbers below [`INDEX_LIMIT`].
#[derive(Debug)]
struct Bits(Box<[u64]>);

impl Bits {
    fn new() -> Self {
        Self(vec![0; INDEX_LIMIT as usize / 64].into())
    }

    fn add(&mut self, number: u32) {
        if let Some(word) = self.0.get_mut(number as usize / 64) {
            *word |= 1 << (number % 64);
        }
    }

    fn has(&self, number: u32) -> bool {
        let word = self.0.get(number as usize / 64);
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}
