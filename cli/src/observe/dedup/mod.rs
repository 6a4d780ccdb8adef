//! `--dedup`: the verdicts of both ends of a connection become one. Nothing is left out: the flow that stays carries
//! the other one.
//!
//! The end where a packet leaves says first what it decides (egress), then the end where it arrives (ingress). A verdict
//! that may have a counterpart waits for it in a queue, and whatever comes behind it waits, too: lines stay in the order
//! of the stream. It waits until the stream is [`WINDOW`] beyond it, or that time has passed, or the stream ends.

mod fold;
mod lines;
mod verdict;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use prost_types::Timestamp;
use proto::tycho::v1::GetFlowsResponse;
use proto::tycho::v1::get_flows_response::ResponseTypes;
use tokio::time::Instant;

pub(super) use lines::Lines;
use verdict::{End, Key, Verdict};

/// Two verdicts farther apart are not of the same packet; and how long a line waits at most.
const WINDOW: Duration = Duration::from_millis(500);
/// Responses that wait; beyond that the oldest goes on as it is.
const MOST_WAITING: usize = 8_192;

/// Fields that a flow must have to be recognised.
pub(super) const NEEDED_FIELDS: [&str; 10] = [
    "IP",
    "l4",
    "event_type",
    "verdict",
    "traffic_direction",
    "policy_match_type",
    "is_reply",
    "source.identity",
    "destination.identity",
    "node_name",
];

/// Responses on their way to the output.
#[derive(Debug, Default)]
struct Dedup {
    /// In the order of the stream.
    queue: VecDeque<Slot>,
    /// The number of the queue's first slot; each slot has the next number.
    first: u64,
    /// The slots that wait, by what they wait for, oldest first.
    waiting: HashMap<Key, VecDeque<u64>>,
    /// The newest time of a flow of the stream.
    newest_ns: i128,
}

/// A place in the stream.
#[derive(Debug)]
struct Slot {
    /// Nothing, once it has become a part of a later one.
    response: Option<GetFlowsResponse>,
    /// What it waits for.
    wait: Option<Wait>,
}

#[derive(Debug)]
struct Wait {
    key: Key,
    end: End,
    time_ns: i128,
    until: Instant,
}

impl Dedup {
    /// Takes the next response of the stream.
    fn push(&mut self, response: GetFlowsResponse, now: Instant) {
        let time_ns = response.time.as_ref().map(nanoseconds);
        let flow = match &response.response_types {
            Some(ResponseTypes::Flow(flow)) => {
                // Only flows move the stream on: a node's status or a loss has the time at which it was told, before
                // flows that are older.
                self.newest_ns = self.newest_ns.max(time_ns.unwrap_or_default());
                Some(flow)
            }
            _ => None,
        };
        let verdict = flow.and_then(Verdict::of).zip(time_ns);
        let Some((Verdict { key, end }, time_ns)) = verdict else {
            return self.append(response, None);
        };
        match self.take_counterpart(&key, end, time_ns) {
            Some(number) => self.fold(number, end, response),
            None => {
                let number = self.first + self.queue.len() as u64;
                self.waiting
                    .entry(key.clone())
                    .or_default()
                    .push_back(number);
                let until = now + WINDOW;
                let wait = Wait {
                    key,
                    end,
                    time_ns,
                    until,
                };
                self.append(response, Some(wait));
            }
        }
    }

    /// Gives the next response that need not wait any more.
    fn pop(&mut self, now: Instant) -> Option<GetFlowsResponse> {
        loop {
            let head = self.queue.front()?;
            let waits = head.wait.as_ref().is_some_and(|wait| {
                let is_past = self.newest_ns - wait.time_ns > as_nanoseconds(WINDOW);
                !is_past && now < wait.until
            });
            if waits && self.queue.len() <= MOST_WAITING {
                return None;
            }
            if let Some(response) = self.pop_head() {
                return Some(response);
            }
        }
    }

    /// Gives the next response, whatever it waits for.
    fn pop_at_end(&mut self) -> Option<GetFlowsResponse> {
        while !self.queue.is_empty() {
            if let Some(response) = self.pop_head() {
                return Some(response);
            }
        }
        None
    }

    /// When [`Self::pop`] gives more, even if nothing comes.
    fn until(&self) -> Option<Instant> {
        let wait = self.queue.front()?.wait.as_ref()?;
        Some(wait.until)
    }

    fn append(&mut self, response: GetFlowsResponse, wait: Option<Wait>) {
        self.queue.push_back(Slot {
            response: Some(response),
            wait,
        });
    }

    fn pop_head(&mut self) -> Option<GetFlowsResponse> {
        let slot = self.queue.pop_front()?;
        let number = self.first;
        self.first += 1;
        if let Some(wait) = slot.wait {
            self.forget(&wait.key, number);
        }
        slot.response
    }

    /// The oldest slot with the verdict of the other end, which waits no more.
    fn take_counterpart(&mut self, key: &Key, end: End, time_ns: i128) -> Option<u64> {
        let number = self.waiting.get(key)?.iter().copied().find(|number| {
            let wait = self.slot(*number).and_then(|slot| slot.wait.as_ref());
            wait.is_some_and(|wait| {
                let apart = (wait.time_ns - time_ns).abs();
                wait.end != end && apart <= as_nanoseconds(WINDOW)
            })
        })?;
        self.forget(key, number);
        Some(number)
    }

    /// Makes one response of the one in that slot and of this one, in the place of the one that stays.
    fn fold(&mut self, number: u64, end: End, response: GetFlowsResponse) {
        let Some(slot) = self.slot_mut(number) else {
            return self.append(response, None);
        };
        slot.wait = None;
        let Some(earlier) = slot.response.take() else {
            return self.append(response, None);
        };
        let (egress, ingress) = match end {
            End::Egress => (response, earlier),
            End::Ingress => (earlier, response),
        };
        let (stays, folded) = fold::both(egress, ingress);
        if stays == end {
            self.append(folded, None);
        } else if let Some(slot) = self.slot_mut(number) {
            slot.response = Some(folded);
        }
    }

    fn forget(&mut self, key: &Key, number: u64) {
        if let Some(numbers) = self.waiting.get_mut(key) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.waiting.remove(key);
            }
        }
    }

    fn slot(&self, number: u64) -> Option<&Slot> {
        let index = number.checked_sub(self.first)?;
        self.queue.get(usize::try_from(index).ok()?)
    }

    fn slot_mut(&mut self, number: u64) -> Option<&mut Slot> {
        let index = number.checked_sub(self.first)?;
        self.queue.get_mut(usize::try_from(index).ok()?)
    }
}

fn nanoseconds(time: &Timestamp) -> i128 {
    i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos)
}

fn as_nanoseconds(span: Duration) -> i128 {
    i128::try_from(span.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests;
