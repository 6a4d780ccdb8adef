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
}
