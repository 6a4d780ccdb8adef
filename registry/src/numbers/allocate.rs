//! Giving numbers: round robin in a range, a freed number rests before it is given again.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::hash_map::Entry as Slot;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Kind, Loaded};

/// The numbers of one kind: which are used, which rest, which comes next.
#[derive(Clone, Debug)]
pub struct Allocator {
    range: RangeInclusive<u32>,
    rest_s: u64,
    next: u32,
    used: HashSet<u32>,
    /// When each resting number was released, in seconds since 1970.
    resting: HashMap<u32, u64>,
    /// Until then every number is used or rests, if no other is released; a search would be in vain.
    none_before_unix_s: u64,
}

impl Allocator {
    /// Nothing is used. `range` must not be empty.
    #[must_use]
    pub fn new(range: RangeInclusive<u32>, rest: Duration) -> Self {
        debug_assert!(!range.is_empty(), "an empty range gives no number");
        Self {
            next: *range.start(),
            range,
            rest_s: rest.as_secs(),
            used: HashSet::new(),
            resting: HashMap::new(),
            none_before_unix_s: 0,
        }
    }

    /// As a store has left it: its numbers are used, its releases rest, and it goes on where it
    /// was. Numbers outside `range` are none of this allocator's.
    #[must_use]
    pub fn resume(
        range: RangeInclusive<u32>,
        rest: Duration,
        loaded: &Loaded,
        kind: &Kind,
        now_unix_s: u64,
    ) -> Self {
        let mut allocator = Self::new(range, rest);
        for entry in loaded.entries_of(kind) {
            allocator.claim(entry.number());
        }
        for released in loaded
            .released
            .iter()
            .filter(|released| released.kind == *kind)
        {
            // A clock that was set back must not make a number rest for years.
            allocator.rest(released.number, released.released_unix_s.min(now_unix_s));
        }
        if let Some(last) = loaded
            .last
            .get(kind)
            .filter(|last| allocator.range.contains(last))
        {
            allocator.next = allocator.after(*last);
        }
        allocator
    }

    /// The next free number, now used; `None` when all are used or rest.
    pub fn allocate(&mut self, now_unix_s: u64) -> Option<u32> {
        if now_unix_s < self.none_before_unix_s {
            return None;
        }
        let first = self.next;
        loop {
            let number = self.next;
            self.next = self.after(number);
            if self.is_free(number, now_unix_s) {
                self.resting.remove(&number);
                self.used.insert(number);
                return Some(number);
            }
            if self.next == first {
                let oldest = self.resting.values().min();
                self.none_before_unix_s =
                    oldest.map_or(u64::MAX, |since| since.saturating_add(self.rest_s));
                return None;
            }
        }
    }

    /// Marks a number as used, if it is of the range and free or resting.
    pub fn claim(&mut self, number: u32) -> bool {
        if !self.range.contains(&number) {
            return false;
        }
        self.resting.remove(&number);
        self.used.insert(number)
    }

    /// Frees a number: it rests from now on. `false` if it was not used.
    pub fn release(&mut self, number: u32, now_unix_s: u64) -> bool {
        let was_used = self.used.remove(&number);
        if was_used {
            self.none_before_unix_s = 0;
            self.rest(number, now_unix_s);
        }
        was_used
    }

    /// For how long a number rests from now on, those that rest already included.
    pub fn set_rest(&mut self, rest: Duration) {
        self.rest_s = rest.as_secs();
        self.none_before_unix_s = 0;
    }

    /// How many numbers are used.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.len()
    }

    /// How many numbers have been released and not given again; some may have rested enough.
    #[must_use]
    pub fn resting(&self) -> usize {
        self.resting.len()
    }

    fn rest(&mut self, number: u32, since_unix_s: u64) {
        if self.range.contains(&number)
            && !self.used.contains(&number)
            && let Slot::Vacant(slot) = self.resting.entry(number)
        {
            slot.insert(since_unix_s);
        }
    }

    fn is_free(&self, number: u32, now_unix_s: u64) -> bool {
        let rested = |since: &u64| now_unix_s.saturating_sub(*since) >= self.rest_s;
        !self.used.contains(&number) && self.resting.get(&number).is_none_or(rested)
    }

    fn after(&self, number: u32) -> u32 {
        if number >= *self.range.end() {
            *self.range.start()
        } else {
            number + 1
        }
    }
}
