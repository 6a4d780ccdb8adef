//! What held when: spans of values by key, looked up as of a time.

use std::collections::{BTreeMap, VecDeque};

/// A value and the time in which it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span<V> {
    /// What held.
    pub value: V,
    /// From then on (wall time).
    pub from_ns: u64,
    /// Until then, that moment excluded; `None` while it holds.
    pub until_ns: Option<u64>,
}

impl<V> Span<V> {
    /// Whether it held at some moment between two times, both included.
    #[must_use]
    pub fn overlaps(&self, since_ns: u64, until_ns: u64) -> bool {
        self.from_ns <= until_ns && self.until_ns.is_none_or(|end_ns| since_ns < end_ns)
    }

    /// Whether it held then.
    #[must_use]
    pub fn contains(&self, time_ns: u64) -> bool {
        self.from_ns <= time_ns && self.until_ns.is_none_or(|until_ns| time_ns < until_ns)
    }
}

/// Spans by key. The spans of a key do not overlap. What holds is always kept; of what has ended, a bounded number of
/// spans, those that ended first are forgotten first.
#[derive(Debug, Clone)]
pub struct Journal<K, V> {
    spans: BTreeMap<K, VecDeque<Span<V>>>,
    /// The key of each ended span, in the order in which they ended.
    ended: VecDeque<K>,
    limit: usize,
    known_since_ns: u64,
}

impl<K: Ord + Clone, V: PartialEq> Journal<K, V> {
    /// An empty journal that keeps at most `limit` ended spans, and in which nothing is missing since `known_since_ns`.
    #[must_use]
    pub fn new(limit: usize, known_since_ns: u64) -> Self {
        Self {
            spans: BTreeMap::new(),
            ended: VecDeque::new(),
            limit,
            known_since_ns,
        }
    }

    /// A key has this value from `at_ns` on; nothing changes if it has it already. A time before the key's last span, as
    /// after a clock was set back, counts as that span's end.
    pub fn begin(&mut self, key: K, value: V, at_ns: u64) {
        if self.current(&key).is_some_and(|span| span.value == value) {
            return;
        }
        let ended_ns = self.end(&key, at_ns);
        let spans = self.spans.entry(key).or_default();
        let last_ns = spans.back().and_then(|span| span.until_ns);
        spans.push_back(Span {
            value,
            from_ns: at_ns.max(ended_ns.or(last_ns).unwrap_or(0)),
            until_ns: None,
        });
    }

    /// A key has no value any more. Gives the end of its span, if it had one.
    pub fn end(&mut self, key: &K, at_ns: u64) -> Option<u64> {
        let spans = self.spans.get_mut(key)?;
        let span = spans.back_mut().filter(|span| span.until_ns.is_none())?;
        let until_ns = at_ns.max(span.from_ns);
        span.until_ns = Some(until_ns);
        if until_ns == span.from_ns {
            // It never held.
            spans.pop_back();
            if spans.is_empty() {
                self.spans.remove(key);
            }
            return Some(until_ns);
        }
        self.ended.push_back(key.clone());
        while self.ended.len() > self.limit {
            self.forget_first();
        }
        Some(until_ns)
    }

    /// What held for a key at a time.
    #[must_use]
    pub fn at(&self, key: &K, time_ns: u64) -> Option<&Span<V>> {
        let spans = self.spans.get(key)?;
        let after = spans.partition_point(|span| span.from_ns <= time_ns);
        let span = spans.get(after.checked_sub(1)?)?;
        span.contains(time_ns).then_some(span)
    }

    /// Everything that held at a time, by key.
    pub fn all_at(&self, time_ns: u64) -> impl Iterator<Item = (&K, &Span<V>)> {
        self.spans
            .keys()
            .filter_map(move |key| Some((key, self.at(key, time_ns)?)))
    }

    /// What holds for a key now.
    #[must_use]
    pub fn current(&self, key: &K) -> Option<&Span<V>> {
        self.last(key).filter(|span| span.until_ns.is_none())
    }

    /// The newest span of a key, ended or not.
    #[must_use]
    pub fn last(&self, key: &K) -> Option<&Span<V>> {
        self.spans.get(key)?.back()
    }

    /// All spans of a key that are remembered, oldest first.
    pub fn spans(&self, key: &K) -> impl Iterator<Item = &Span<V>> {
        self.spans.get(key).into_iter().flatten()
    }

    /// All spans that are remembered, by key, those of a key oldest first.
    pub fn all_spans(&self) -> impl Iterator<Item = (&K, &Span<V>)> {
        self.spans
            .iter()
            .flat_map(|(key, spans)| spans.iter().map(move |span| (key, span)))
    }

    /// Looked up as of a time before this one, something may be missing.
    #[must_use]
    pub fn known_since_ns(&self) -> u64 {
        self.known_since_ns
    }

    fn forget_first(&mut self) {
        let Some(key) = self.ended.pop_front() else {
            return;
        };
        // The spans of a key end in their order, so the first of the key is the one that ended first.
        let Some(spans) = self.spans.get_mut(&key) else {
            return;
        };
        if let Some(until_ns) = spans.pop_front().and_then(|span| span.until_ns) {
            self.known_since_ns = self.known_since_ns.max(until_ns);
        }
        if spans.is_empty() {
            self.spans.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_lookup_is_the_last_change_before(
            changes in proptest::collection::vec((0u8..4, proptest::option::of(0u8..3), 0u64..3), 0..80),
            limit in 0usize..100,
        ) {
            let mut journal = Journal::new(limit, 0);
            let mut log = Vec::new();
            let mut now = 0;
            for (key, value, later) in changes {
                now += later;
                match value {
                    Some(value) => journal.begin(key, value, now),
                    None => { journal.end(&key, now); }
                }
                log.push((now, key, value));
                let ended_of = |key| journal.spans(&key).filter(|span| span.until_ns.is_some()).count();
                let ended: usize = (0..4).map(ended_of).sum();
                prop_assert!(ended <= limit);
            }
            prop_assert!(limit < 80 || journal.known_since_ns() == 0, "nothing was forgotten");
            for time in journal.known_since_ns()..now + 2 {
                let expect = |key| log.iter().rfind(|(at, of, _)| *at <= time && *of == key).and_then(|(_, _, value)| *value);
                let found: BTreeMap<u8, u8> = journal.all_at(time).map(|(key, span)| (*key, span.value)).collect();
                for key in 0..4 {
                    prop_assert_eq!(journal.at(&key, time).map(|span| span.value), expect(key), "{} at {}", key, time);
                    prop_assert_eq!(found.get(&key).copied(), expect(key));
                }
            }
            let all: Vec<_> = journal.all_spans().map(|(key, span)| (*key, span)).collect();
            let mut each = Vec::new();
            for key in 0..4 {
                each.extend(journal.spans(&key).map(|span| (key, span)));
            }
            prop_assert_eq!(all, each);
            for key in 0..4 {
                let spans: Vec<_> = journal.spans(&key).collect();
                prop_assert!(spans.is_sorted_by(|a, b| a.until_ns.is_some_and(|until| until <= b.from_ns)));
            }
        }
    }

    #[test]
    fn spans_overlap_times_in_which_they_held() {
        let span = |until_ns| Span {
            value: (),
            from_ns: 10,
            until_ns,
        };
        for (since_ns, until_ns, ended, holds) in [
            (0, 9, false, false),
            (0, 10, true, true),
            (19, 30, true, true),
            (20, 30, false, true),
            (30, u64::MAX, false, true),
            (12, 12, true, true),
        ] {
            assert_eq!(span(Some(20)).overlaps(since_ns, until_ns), ended);
            assert_eq!(span(None).overlaps(since_ns, until_ns), holds);
        }
    }

    #[test]
    fn a_number_that_is_given_again_has_two_spans() {
        let mut journal = Journal::new(1, 5);
        journal.begin(256, "a", 10);
        journal.begin(256, "a", 15);
        assert_eq!(journal.end(&256, 20), Some(20));
        assert_eq!(journal.end(&256, 25), None);
        // The clock was set back.
        journal.begin(256, "b", 12);
        let value = |time| journal.at(&256, time).map(|span| span.value);
        assert_eq!(
            [9, 10, 19, 20, 30].map(value),
            [None, Some("a"), Some("a"), Some("b"), Some("b")]
        );
        assert_eq!(
            (journal.known_since_ns(), journal.spans(&256).count()),
            (5, 2)
        );
        journal.end(&256, 30);
        assert_eq!(
            journal.known_since_ns(),
            20,
            "the first of two ended spans is forgotten"
        );
        assert_eq!(journal.spans(&256).count(), 1);
        assert!(journal.current(&256).is_none());
        assert_eq!(journal.last(&256).map(|span| span.value), Some("b"));
    }
}
