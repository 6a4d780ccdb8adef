//! What comes from the nodes, in the order of time as far as a short wait can tell.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flow::selection::timestamp;
use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetAgentEventsRequest, GetAgentEventsResponse};
use proto::relay::NodeState;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Wanted, time_ns};
use crate::clock::wall_ns;
use crate::service::everybody::passed_on;
use crate::service::sources::{News, Open, Sources, asked_for};

/// An event is held for so long, in case that an older one of another node is still on its way.
const HOLD: Duration = Duration::from_millis(250);

/// Events that are held; then the oldest go at once.
const HELD: usize = 16_384;

/// How long after `until` an event of before may still come.
const UNTIL_SLACK: Duration = Duration::from_secs(1);

/// The newest time of each node's events, by the node's own clock: a stream that breaks goes on behind it.
type Seen = Arc<Mutex<BTreeMap<String, u64>>>;

/// What a follower waits for.
pub(super) struct Live {
    wanted: Wanted,
    sources: Sources<GetAgentEventsResponse>,
    seen: Seen,
    /// By time, then by arrival.
    held: BTreeMap<(u64, u64), (Instant, GetAgentEventsResponse)>,
    arrived: u64,
    ready: VecDeque<GetAgentEventsResponse>,
    stop: CancellationToken,
    deadline: Option<Instant>,
    told_connected: bool,
    ended: bool,
}

impl Live {
    pub(super) fn open(wanted: &Wanted) -> Self {
        let until_ns = wanted.selection.window.until_ns;
        let deadline = (until_ns != u64::MAX).then(|| {
            let rest = Duration::from_nanos(until_ns.saturating_sub(wall_ns()));
            let now = Instant::now();
            let end = now.checked_add(rest.saturating_add(UNTIL_SLACK));
            end.unwrap_or_else(|| now + Duration::from_secs(u32::MAX.into()))
        });
        let seen = Seen::default();
        Self {
            sources: Sources::new(&wanted.relay, true, opener(wanted, Arc::clone(&seen))),
            stop: wanted.relay.drain.stopping(),
            wanted: wanted.clone(),
            seen,
            held: BTreeMap::new(),
            arrived: 0,
            ready: VecDeque::new(),
            deadline,
            told_connected: false,
            ended: false,
        }
    }

    /// The next event; none at the drain, or after `until`.
    pub(super) async fn next(&mut self) -> Option<GetAgentEventsResponse> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            if self.ended {
                return None;
            }
            self.release();
            if !self.ready.is_empty() {
                continue;
            }
            let first = self.held.values().map(|(arrived, _)| *arrived + HOLD).min();
            let deadline = self.deadline;
            tokio::select! {
                biased;
                () = self.stop.cancelled() => self.end(),
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => self.end(),
                () = sleep_until(first.unwrap_or_else(Instant::now)), if first.is_some() => {}
                news = self.sources.next() => match news {
                    Some(News::Said(name, event)) => self.take(&name, event),
                    Some(News::Status(status)) => {
                        // That nodes are there at the start is no news.
                        let is_start = status.state_change() == NodeState::NodeConnected
                            && !std::mem::replace(&mut self.told_connected, true);
                        if !is_start {
                            self.ready.push_back(self.wanted.status(&status));
                        }
                    }
                    Some(News::Gone(_)) => {}
                    None => self.end(),
                }
            }
        }
    }

    fn take(&mut self, name: &str, event: GetAgentEventsResponse) {
        let own_ns = time_ns(&event, 0);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = seen.entry(name.to_owned()).or_default();
        *newest = own_ns.max(*newest);
        drop(seen);
        let offset_ns = self.clock_offset_ns(name);
        self.arrived += 1;
        let place = (time_ns(&event, offset_ns), self.arrived);
        self.held.insert(place, (Instant::now(), event));
    }

    /// How far a node's clock is ahead, if it is beyond the bound.
    fn clock_offset_ns(&self, name: &str) -> i64 {
        let peers = self.wanted.relay.board.peers();
        let peer = peers.iter().find(|peer| peer.view().short_name() == name);
        let skew = peer.and_then(|peer| peer.skew(self.wanted.relay.bounds.skew));
        skew.map_or(0, |skew| skew.offset_ns)
    }

    /// Lets go what was held long enough, and what is older than that.
    fn release(&mut self) {
        let now = Instant::now();
        let is_due = |arrived: Instant| arrived + HOLD <= now;
        let mut due = self.held.iter().rev();
        let mut last = due
            .find(|(_, (arrived, _))| is_due(*arrived))
            .map(|(place, _)| *place);
        if self.held.len() > HELD {
            let first = self.held.keys().nth(self.held.len() - HELD - 1).copied();
            last = last.max(first);
        }
        let Some(last) = last else {
            return;
        };
        let rest = self.held.split_off(&(last.0, last.1 + 1));
        let released = std::mem::replace(&mut self.held, rest);
        let released = released.into_values();
        self.ready.extend(released.map(|(_, event)| event));
    }

    fn end(&mut self) {
        self.ended = true;
        let rest = std::mem::take(&mut self.held);
        self.ready
            .extend(rest.into_values().map(|(_, event)| event));
    }
}

/// Asks a node for what has come since the request, or since it was last heard.
fn opener(wanted: &Wanted, seen: Seen) -> Open<GetAgentEventsResponse> {
    let wanted = wanted.clone();
    Box::new(move |peer, view, connection| {
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let began_ns = peer.its_time_ns(wanted.began_ns);
        let since_ns = match seen.get(view.short_name()) {
            Some(newest_ns) => newest_ns + 1,
            None => began_ns.max(wanted.selection.window.since_ns),
        };
        let request = GetAgentEventsRequest {
            follow: true,
            since: Some(timestamp(since_ns)),
            until: wanted.request.until,
            ..GetAgentEventsRequest::default()
        };
        let request = passed_on(&wanted.path, request);
        let mut client = ObserverClient::new(connection.channel.clone());
        asked_for(async move { client.get_agent_events(request).await })
    })
}
