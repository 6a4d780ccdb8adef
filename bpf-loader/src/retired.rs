//! Numbers that programs may still be using: freed only after every run that could have seen them is over.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A program runs for microseconds; this is long enough for any that was interrupted.
const GRACE: Duration = Duration::from_millis(100);

/// A first-in, first-out list of retired things.
#[derive(Debug)]
pub(crate) struct Retired<T> {
    waiting: VecDeque<(Instant, T)>,
}

impl<T> Retired<T> {
    pub(crate) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
        }
    }

    pub(crate) fn push(&mut self, item: T) {
        self.waiting.push_back((Instant::now(), item));
    }

    /// The next item whose grace period is over.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let (since, _) = self.waiting.front()?;
        if since.elapsed() < GRACE {
            return None;
        }
        self.waiting.pop_front().map(|(_, item)| item)
    }

    /// Takes back what could not be freed, to be tried again before the others.
    pub(crate) fn put_back(&mut self, item: T) {
        self.waiting.push_front((Instant::now(), item));
    }

    /// How long until the last one can be freed; `None` if nothing waits.
    pub(crate) fn until_empty(&self) -> Option<Duration> {
        let last = self.waiting.iter().map(|(since, _)| since).max()?;
        Some(GRACE.saturating_sub(last.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_retired_waits_and_what_could_not_be_freed_waits_again() {
        let mut retired = Retired::new();
        assert_eq!(retired.until_empty(), None);
        retired.push(1);
        retired.push(2);
        assert_eq!(retired.pop(), None, "a program may still see it");
        std::thread::sleep(retired.until_empty().unwrap());
        assert_eq!(retired.pop(), Some(1));
        retired.put_back(1);
        assert_eq!(retired.pop(), None);
        std::thread::sleep(retired.until_empty().unwrap());
        assert_eq!((retired.pop(), retired.pop()), (Some(1), Some(2)));
    }
}
