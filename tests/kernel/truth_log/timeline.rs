//! What held when: values with the times between which each began.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Times of flows are worked out from another clock, and compared once a second.
const CLOCKS_AGREE: Duration = Duration::from_millis(1);

/// Nanoseconds since 1970.
pub(super) fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("it is later than 1970").as_nanos() as u64
}

/// A value, and when it began to hold: not before the first time, and not after the second.
#[derive(Clone, Debug)]
struct Span<T> {
    value: T,
    from_ns: u64,
    by_ns: u64,
}

/// The values of one thing in the order of time.
#[derive(Clone, Debug)]
pub(super) struct Timeline<T> {
    spans: Vec<Span<T>>,
}

impl<T: PartialEq> Timeline<T> {
    /// It always was that.
    pub(super) fn new(value: T) -> Self {
        Self {
            spans: vec![Span {
                value,
                from_ns: 0,
                by_ns: 0,
            }],
        }
    }

    /// It became that between two times.
    pub(super) fn became(&mut self, value: T, from_ns: u64, by_ns: u64) {
        self.spans.push(Span {
            value,
            from_ns,
            by_ns,
        });
    }

    /// All that it may have been at a time: one value, or, while it changed, several.
    pub(super) fn at(&self, time_ns: u64) -> Vec<&T> {
        let slack = CLOCKS_AGREE.as_nanos() as u64;
        let ends = self.spans.iter().skip(1).map(|next| next.by_ns);
        self.spans
            .iter()
            .zip(ends.chain([u64::MAX]))
            .filter(|(span, ends_by_ns)| {
                span.from_ns.saturating_sub(slack) <= time_ns
                    && time_ns <= ends_by_ns.saturating_add(slack)
            })
            .map(|(span, _)| &span.value)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Timeline;

    #[test]
    fn while_it_changes_it_may_be_either() {
        let second = 1_000_000_000;
        let mut timeline = Timeline::new("a");
        timeline.became("b", 10 * second, 11 * second);
        timeline.became("c", 20 * second, 21 * second);
        let check = |seconds: u64, expect: &[&str]| {
            let found: Vec<&str> = timeline.at(seconds * second).into_iter().copied().collect();
            assert_eq!(found, expect);
        };
        check(9, &["a"]);
        check(10, &["a", "b"]);
        check(11, &["a", "b"]);
        check(12, &["b"]);
        check(22, &["c"]);
    }
}
