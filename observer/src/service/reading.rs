//! Reading the store for one stream: where to begin, what matches, when there is more, when it ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use event_listener::EventListener;
use flow::filter::CompiledFilter;
use flow::selection::Extent;
use flow::store::{Cursor, Loss, Read, Segment};
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::backward::Backward;
use super::query::Query;
use crate::node::Node;

/// Segments looked at before other streams get their turn.
const SEGMENTS_PER_TURN: u32 = 32;

/// How long after `until` a flow of before may still come.
pub(super) const UNTIL_SLACK: Duration = Duration::from_millis(300);

/// What a stream makes of the rows that match.
pub(super) trait Sink {
    /// Whether what was made should go out before more is added.
    fn is_full(&self) -> bool;
    /// Rows follow that may be younger than the names known so far.
    fn refresh(&mut self);
    /// Takes a row; true if it is a flow, false if it tells of a loss.
    fn row(&mut self, segment: &Segment, offset: usize) -> bool;
    /// Takes what the reader missed.
    fn loss(&mut self, next_sequence: u64, loss: &Loss);
}

/// One stream's reading of the store.
pub(super) struct Reading {
    node: Arc<Node>,
    filter: CompiledFilter,
    search: Option<Backward>,
    /// How many flows the search has found.
    found: Option<u64>,
    cursor: Cursor,
    /// Where a stream that does not follow ends.
    end: Option<u64>,
    /// Flows still to be sent, if that is limited.
    left: Option<u64>,
    /// Whether a row was read: before that, what is gone was never promised.
    begun: bool,
    matches: Matches,
    wake: Option<Pin<Box<EventListener>>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    deadline: Option<Pin<Box<Sleep>>>,
}

/// Rows that match and are not taken yet.
#[derive(Default)]
struct Matches {
    segment: Option<Arc<Segment>>,
    offsets: Vec<u16>,
    next: usize,
}

/// What a turn of reading came to.
pub(super) enum Turn {
    /// What was made should go out.
    Full,
    /// Others get their turn first.
    Yield,
    /// There is nothing more now.
    Wait,
    /// There is nothing more at all.
    End,
}

impl Reading {
    /// The flows of a query; streams that follow end with `stop`.
    pub(super) fn new(node: Arc<Node>, query: Query, stop: CancellationToken) -> Self {
        let window = query.filter.window();
        let (oldest, next) = node.store.range();
        let (start, left, search) = match query.extent {
            Extent::New => (next, None, None),
            Extent::First(number) => {
                let start = node.store.first_at(window.since_ns).clamp(oldest, next);
                (start, number, None)
            }
            Extent::Last(number) => {
                let search = Backward::new(&node.store, window.since_ns, number);
                (next, None, Some(search))
            }
        };
        let end = search.as_ref().map_or(next, Backward::end);
        let deadline = (query.follow && window.until_ns != u64::MAX).then(|| {
            let rest = Duration::from_nanos(window.until_ns.saturating_sub(node.wall_ns()));
            Box::pin(tokio::time::sleep(rest.saturating_add(UNTIL_SLACK)))
        });
        Self {
            filter: query.filter,
            search,
            found: None,
            cursor: Cursor::at(start),
            end: (!query.follow).then_some(end),
            left,
            begun: false,
            matches: Matches::default(),
            wake: None,
            stop: Box::pin(stop.cancelled_owned()),
            deadline,
            node,
        }
    }

    /// Goes on where an earlier stream of the same query ended: what was overwritten since is lost, and told.
    pub(super) fn resume(&mut self, next_sequence: u64) {
        self.search = None;
        // A place that this store has not come to yet was never given.
        let next = self.node.store.range().1;
        self.cursor = Cursor::at(next_sequence.min(next));
        self.begun = true;
    }

    /// How many flows come before those that follow, once the search for the newest ones has ended.
    pub(super) fn found(&self) -> Option<u64> {
        self.found
    }

    /// The first row that was not taken or passed over yet.
    pub(super) fn next_sequence(&self) -> u64 {
        let waiting = self.matches.segment.as_ref().and_then(|segment| {
            let offset = self.matches.offsets.get(self.matches.next)?;
            Some(segment.base() + u64::from(*offset))
        });
        waiting.unwrap_or_else(|| self.cursor.next_sequence())
    }

    /// Reads until something is to be done about it.
    pub(super) fn turn(&mut self, sink: &mut impl Sink) -> Turn {
        for _ in 0..SEGMENTS_PER_TURN {
            if let Some(search) = &mut self.search {
                if let Some(start) = search.step(&mut self.filter) {
                    self.found = Some(search.found());
                    self.cursor = Cursor::at(start);
                    self.search = None;
                }
                continue;
            }
            self.hand_over(sink);
            if sink.is_full() {
                return Turn::Full;
            }
            if self.left == Some(0) {
                return Turn::End;
            }
            if self
                .end
                .is_some_and(|end| self.cursor.next_sequence() >= end)
            {
                return Turn::End;
            }
            if !self.read(sink) {
                return if self.end.is_some() {
                    Turn::End
                } else {
                    Turn::Wait
                };
            }
        }
        Turn::Yield
    }

    /// Finds the matches of the next rows; false if there are none to look at.
    fn read(&mut self, sink: &mut impl Sink) -> bool {
        match self.node.store.read(&mut self.cursor) {
            Read::Rows(segment, range) => {
                self.begun = true;
                let mut range = range;
                if let Some(end) = self.end {
                    let length = usize::try_from(end.saturating_sub(segment.base()));
                    range.end = range.end.min(length.unwrap_or(usize::MAX));
                }
                let window = self.filter.window();
                let outside = segment.oldest_ns() > window.until_ns
                    || segment.youngest_ns() < window.since_ns;
                if !outside {
                    self.matches.offsets.clear();
                    self.matches.next = 0;
                    self.filter.scan(&segment, range, &mut self.matches.offsets);
                    self.matches.segment = Some(segment);
                    sink.refresh();
                }
                true
            }
            Read::Lost(loss) => {
                if self.begun {
                    sink.loss(self.cursor.next_sequence(), &loss);
                }
                true
            }
            Read::Empty => false,
        }
    }

    fn hand_over(&mut self, sink: &mut impl Sink) {
        let Some(segment) = &self.matches.segment else {
            return;
        };
        while let Some(&offset) = self.matches.offsets.get(self.matches.next) {
            if sink.is_full() || self.left == Some(0) {
                return;
            }
            self.matches.next += 1;
            let is_flow = sink.row(segment, offset.into());
            if is_flow && let Some(left) = &mut self.left {
                *left -= 1;
            }
        }
        self.matches.segment = None;
    }

    /// Registers for whatever comes next; ready if something has come already.
    pub(super) fn poll_news(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let over = self.stop.as_mut().poll(context).is_ready()
            || self
                .deadline
                .as_mut()
                .is_some_and(|deadline| deadline.as_mut().poll(context).is_ready());
        if over {
            // What is there by now is still sent.
            self.end = Some(self.node.store.range().1);
            return Poll::Ready(());
        }
        match &mut self.wake {
            // Rows that came before the subscription are found by reading once more.
            None => {
                self.wake = Some(Box::pin(self.node.store.subscribe()));
                Poll::Ready(())
            }
            Some(wake) => {
                let woken = wake.as_mut().poll(context);
                if woken.is_ready() {
                    self.wake = None;
                }
                woken
            }
        }
    }
}
