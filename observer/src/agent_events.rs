//! What the agent itself did, as opposed to the network: the newest events, in the order in which they happened.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::flow::AgentEvent;
use tokio::sync::watch;

/// Events that are held; then the oldest is overwritten.
pub const AGENT_EVENTS: usize = 4_096;

/// One event and when it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentEventAt {
    /// Nanoseconds since 1970.
    pub time_ns: u64,
    /// What happened.
    pub event: AgentEvent,
}

/// The newest events, which the control thread writes and any number of clients read.
#[derive(Debug)]
pub struct AgentEvents {
    held: Mutex<Held>,
    /// The number of the next event; wakes those who follow.
    next: watch::Sender<u64>,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Held {
    events: VecDeque<Arc<AgentEventAt>>,
    /// How many there ever were, which is the number of the next one.
    next: u64,
}

/// What one reading found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AgentEventsRead {
    /// The events, oldest first.
    pub(crate) events: Vec<Arc<AgentEventAt>>,
    /// How many were overwritten between the place where the reading began and the first of these.
    pub(crate) lost: u64,
    /// Where the next reading begins.
    pub(crate) next: u64,
}

impl Default for AgentEvents {
    fn default() -> Self {
        Self {
            held: Mutex::default(),
            next: watch::Sender::new(0),
            lost: AtomicU64::new(0),
        }
    }
}

impl AgentEvents {
    /// Adds an event; the oldest leaves if there is no room.
    pub fn add(&self, time_ns: u64, event: AgentEvent) {
        let mut held = self.lock();
        if held.events.len() == AGENT_EVENTS {
            held.events.pop_front();
        }
        let event = AgentEventAt { time_ns, event };
        held.events.push_back(Arc::new(event));
        held.next += 1;
        let next = held.next;
        drop(held);
        self.next.send_replace(next);
    }

    /// Counts events that were overwritten before they were added: at least [`AGENT_EVENTS`] newer ones follow at once.
    pub(crate) fn pass_over(&self, events: u64) {
        if events > 0 {
            let mut held = self.lock();
            held.events.clear();
            held.next += events;
        }
    }

    /// How many there ever were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lock().next
    }

    /// How many were overwritten before a client that followed had read them; each client counts.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Everything that is held.
    pub(crate) fn all(&self) -> AgentEventsRead {
        let held = self.lock();
        AgentEventsRead {
            events: held.events.iter().cloned().collect(),
            lost: 0,
            next: held.next,
        }
    }

    /// What has come from the event of this number on.
    pub(crate) fn since(&self, number: u64) -> AgentEventsRead {
        let held = self.lock();
        let first = held.next - held.events.len() as u64;
        let lost = first.saturating_sub(number);
        let skip = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
        let read = AgentEventsRead {
            events: held.events.iter().skip(skip).cloned().collect(),
            lost,
            next: held.next,
        };
        drop(held);
        self.lost.fetch_add(lost, Ordering::Relaxed);
        read
    }

    /// Changes whenever there is a newer event.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.next.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // An event is pushed before it is counted; after a panic between the two, numbers would be one behind.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(read: &AgentEventsRead) -> Vec<u64> {
        read.events.iter().map(|event| event.time_ns).collect()
    }

    proptest! {
        #[test]
        fn a_reader_gets_each_event_or_is_told_how_many_it_missed(
            bursts in proptest::collection::vec(0usize..AGENT_EVENTS + 100, 1..5),
        ) {
            let events = AgentEvents::default();
            let (mut written, mut next, mut accounted) = (0, 0, 0);
            for burst in bursts {
                for _ in 0..burst {
                    events.add(written, AgentEvent::default());
                    written += 1;
                }
                let read = events.since(next);
                accounted += read.lost + read.events.len() as u64;
                prop_assert_eq!(accounted, written);
                let first = next + read.lost;
                prop_assert_eq!(times(&read), (first..written).collect::<Vec<_>>());
                next = read.next;
                prop_assert_eq!((next, events.count()), (written, written));
            }
            let held = written.min(AGENT_EVENTS as u64);
            prop_assert_eq!(times(&events.all()), (written - held..written).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_was_passed_over_is_lost_to_followers_by_count() {
        let events = AgentEvents::default();
        events.add(1, AgentEvent::default());
        let next = events.all().next;
        events.pass_over(10);
        events.add(2, AgentEvent::default());
        let read = events.since(next);
        assert_eq!((read.lost, times(&read), events.count()), (10, vec![2], 12));
    }

    #[test]
    fn a_slow_reader_is_counted_and_a_late_one_is_not() {
        let events = AgentEvents::default();
        for time in 0..AGENT_EVENTS as u64 + 3 {
            events.add(time, AgentEvent::default());
        }
        assert_eq!((events.all().lost, events.lost()), (0, 0));
        assert_eq!((events.since(1).lost, events.lost()), (2, 2));
        assert_eq!((events.since(1).lost, events.lost()), (2, 4));
    }
}
