//! Flows per second over the last minute.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The span over which the rate is taken.
const SPAN: Duration = Duration::from_secs(60);

/// How many flows there were at some moments of the last minute.
#[derive(Debug)]
pub struct Rate {
    samples: Mutex<VecDeque<(Instant, u64)>>,
}

impl Default for Rate {
    fn default() -> Self {
        Self::new()
    }
}

impl Rate {
    /// No flow yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            samples: Mutex::new(VecDeque::from([(Instant::now(), 0)])),
        }
    }

    /// Says how many flows there have been in all; about once a second.
    pub fn sample(&self, now: Instant, flows: u64) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push_back((now, flows));
        // The oldest one kept is at least as old as the span, if there is any such.
        while samples.len() > 2
            && samples
                .get(1)
                .is_some_and(|(time, _)| now.duration_since(*time) >= SPAN)
        {
            samples.pop_front();
        }
    }

    /// Flows per second, when there have been `flows` in all.
    #[must_use]
    pub fn per_second(&self, now: Instant, flows: u64) -> f64 {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((since, before)) = samples.front() else {
            return 0.0;
        };
        let seconds = now.duration_since(*since).as_secs_f64();
        if seconds <= 0.0 {
            return 0.0;
        }
        flows.saturating_sub(*before) as f64 / seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let rate = Rate::new();
        let start = rate.samples.lock().unwrap()[0].0;
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(rate.per_second(at(0), 5).abs() < 1e-9);
        assert!((rate.per_second(at(10), 50) - 5.0).abs() < 1e-9);
        for second in 1..=120 {
            let flows = if second <= 60 { second * 100 } else { 6_000 };
            rate.sample(at(second), flows);
        }
        assert!((rate.per_second(at(120), 6_060) - 1.0).abs() < 1e-9);
        assert!(rate.samples.lock().unwrap().len() <= 62);
    }
}
