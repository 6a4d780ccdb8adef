//! One page's stream: windows as they close, drops before that, some flows, and how everything is.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use proto::tycho::v1::watch_event::Event;
use proto::tycho::v1::{EarlyDrops, WatchEvent, WatchRequest};
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;

use super::counting::Counting;
use super::definitions::in_parts;
use super::past::in_buckets;
use super::status::status;
use super::tail::Tail;
use super::worker::wall_ms;
use crate::counts::StreamSlot;
use crate::dashboard::{ClosedWindow, Dashboard, DashboardCounts, locked};
use crate::service::answers::Relay;

/// Windows that a client gets one by one; if it is further behind they come as one.
const MOST_BEHIND: usize = 8;

/// Windows of the past that a client begins with.
const HISTORY_WINDOWS: u64 = 60;

/// The stream of one page.
pub(super) struct Watch {
    relay: Relay,
    dashboard: Arc<Dashboard>,
    counts: Arc<Mutex<DashboardCounts>>,
    /// Counts of its own.
    counting: Option<Counting>,
    tail: Option<Tail>,
    ticks: WatchStream<u64>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    queue: VecDeque<Event>,
    told_sequence: u64,
    told_revision: u64,
    early: Bytes,
    _slot: StreamSlot,
}

impl Watch {
    pub(super) fn new(
        relay: &Relay,
        dashboard: &Arc<Dashboard>,
        request: WatchRequest,
    ) -> Result<Self, Status> {
        let counting = match request.counted {
            Some(selection) => Some(Counting::live(relay, dashboard, selection)?),
            None => None,
        };
        let counts = match &counting {
            Some(counting) => Arc::clone(counting.counts()),
            None => Arc::clone(&dashboard.counts),
        };
        let flows = request.flows.unwrap_or_default();
        let mut watch = Self {
            tail: Tail::new(relay, flows, request.flows_per_second)?,
            ticks: WatchStream::new(dashboard.ticks()),
            stop: Box::pin(relay.drain.stopping().cancelled_owned()),
            queue: VecDeque::new(),
            told_sequence: 0,
            told_revision: 0,
            early: Bytes::new(),
            _slot: relay.slot()?,
            relay: relay.clone(),
            dashboard: Arc::clone(dashboard),
            counts,
            counting,
        };
        watch.begin(request.epoch, request.after, request.history_seconds);
        Ok(watch)
    }

    /// What comes first: the meaning of numbers, then the past, or what an earlier stream has left.
    fn begin(&mut self, epoch: u64, after: u64, history_seconds: u32) {
        let counts = Arc::clone(&self.counts);
        let counts = locked(&counts);
        self.tell_definitions(&counts);
        let goes_on = after > 0 && epoch == counts.epoch() && after <= counts.sequence();
        if goes_on {
            self.told_sequence = after;
            return;
        }
        self.told_sequence = counts.sequence();
        if history_seconds == 0 {
            return;
        }
        let now_ms = wall_ms();
        let since_ms = now_ms.saturating_sub(u64::from(history_seconds) * 1_000);
        let (resolution_ms, windows) = counts.within(since_ms, now_ms);
        drop(counts);
        for bucket in in_buckets(windows, resolution_ms, HISTORY_WINDOWS) {
            let window = ClosedWindow::merged(&bucket);
            self.queue.push_back(Event::Window(window.message()));
        }
    }

    fn tell_definitions(&mut self, counts: &DashboardCounts) {
        let revision = counts.tables.revision();
        if revision == self.told_revision {
            return;
        }
        let definitions = counts.definitions_since(self.told_revision);
        self.told_revision = revision;
        self.queue
            .extend(in_parts(definitions).map(Event::Definitions));
    }

    /// Tells what has changed since the last look.
    fn look(&mut self) {
        let counts = Arc::clone(&self.counts);
        let mut counts = locked(&counts);
        if self.counting.is_some() {
            counts.tick(wall_ms());
        }
        self.tell_definitions(&counts);
        let windows = counts.after(self.told_sequence);
        let early = counts.early_drops();
        let (extent, sequence) = (counts.extent(), counts.sequence());
        drop(counts);
        let is_new_second = !windows.is_empty();
        if let Some(last) = windows.last() {
            self.told_sequence = last.last_sequence;
        }
        if windows.len() > MOST_BEHIND {
            let window = ClosedWindow::merged(&windows);
            self.queue.push_back(Event::Window(window.message()));
        } else {
            let messages = windows.iter().map(|window| Event::Window(window.message()));
            self.queue.extend(messages);
        }
        // With a window what was told early is void.
        if (is_new_second && !early.is_empty()) || (!is_new_second && early != self.early) {
            let cells = early.clone();
            self.queue
                .push_back(Event::EarlyDrops(EarlyDrops { cells }));
        }
        self.early = early;
        let tail = self.tail.as_mut().and_then(Tail::take);
        self.queue.extend(tail.map(Event::Flows));
        if is_new_second {
            let status = status(&self.relay, &self.dashboard, &extent, sequence);
            self.queue.push_back(Event::Status(status));
        }
    }
}

impl Stream for Watch {
    type Item = Result<WatchEvent, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(event) = this.queue.pop_front() {
                return Poll::Ready(Some(Ok(WatchEvent { event: Some(event) })));
            }
            if this.stop.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            if let Some(counting) = &mut this.counting {
                counting.poll(context);
            }
            if let Some(tail) = &mut this.tail {
                tail.poll(context);
            }
            match Pin::new(&mut this.ticks).poll_next(context) {
                Poll::Ready(Some(_)) => this.look(),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
