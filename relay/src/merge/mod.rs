//! The streams of all peers as one, in the order of time.
//!
//! A row leaves when no peer can send an earlier one: each source has a *bound*, which its rows and its watermarks raise,
//! and a source with nothing in hand holds back whatever is later than its bound. Nobody is held back for longer than the
//! configured time: a source that is waited for so long is *late*, its rows come when they come, and the stream says so.

mod drive;
mod lanes;
mod late;
mod members;
mod sink;
mod source;
mod status;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use flow::batch::{Entry, Told};
use flow::row::ROW_WORDS;
use flow::selection::{Extent, Selection};
use futures_util::Stream as _;
use tokio::time::{Instant, Sleep};
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::clock::wall_ns;
use crate::counts::{Counts, StreamSlot};
use crate::peers::Board;
use crate::upstream::Wanted;
pub(crate) use lanes::Lanes;
pub(crate) use members::{RETRY, is_transport, named_once};
pub(crate) use sink::{Row, Sink, Turn};
use source::{Polled, Source};
pub(crate) use status::{Statuses, about};

/// Rows before other streams get their turn.
const ROWS_PER_TURN: usize = 8_192;

/// How long, and for whom, a stream waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Peers whose clocks are further off are merged by corrected times.
    pub(crate) skew: Duration,
    /// How long one peer may keep the others back.
    pub(crate) late: Duration,
}

/// What every stream needs.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// The relay's own name.
    pub(crate) name: Arc<str>,
    pub(crate) board: Arc<Board>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) bounds: Bounds,
    pub(crate) stop: CancellationToken,
}

/// The place of a source's next row, and the source; the earliest is the greatest.
type Head = Reverse<(u64, usize)>;

/// One merged stream.
pub(crate) struct Merge {
    shared: Shared,
    wanted: Wanted,
    selection: Selection,
    sources: Vec<Source>,
    /// The sources that have rows, by the place of their next one.
    heads: BinaryHeap<Head>,
    statuses: Statuses,
    changes: WatchStream<u64>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    stopping: bool,
    timer: Option<Pin<Box<Sleep>>>,
    /// Flows still to be sent, if that is limited.
    left: Option<u64>,
    /// Stored flows to leave out so that the newest remain; `None` until all sources have said how many they have.
    skip: Option<u64>,
    /// When the stream began: a node that comes later is asked for what it has seen since.
    began_ns: u64,
    /// The place of the last row that left.
    sent_ns: u64,
    tally: Tally,
    /// The row that is on its way.
    words: [u64; ROW_WORDS],
    /// Its place among the streams, if it has one of its own.
    slot: Option<StreamSlot>,
}

/// What was counted and not added up yet: one addition a turn, not one a flow.
#[derive(Debug, Default)]
struct Tally {
    received: u64,
    left_out: u64,
    late: u64,
}

impl Merge {
    pub(crate) fn new(shared: Shared, wanted: Wanted, selection: Selection) -> Self {
        let changes = WatchStream::new(shared.board.changes());
        let (left, skip) = match selection.extent {
            Extent::First(number) => (number, Some(0)),
            Extent::New => (None, Some(0)),
            Extent::Last(_) => (None, None),
        };
        Self {
            stop: Box::pin(shared.stop.clone().cancelled_owned()),
            shared,
            wanted,
            selection,
            sources: Vec::new(),
            heads: BinaryHeap::new(),
            statuses: Statuses::default(),
            changes,
            stopping: false,
            timer: None,
            left,
            skip,
            began_ns: wall_ns(),
            sent_ns: 0,
            tally: Tally::default(),
            words: [0; ROW_WORDS],
            slot: None,
        }
    }

    /// How far behind each node is, in milliseconds: what is younger than that may still come.
    pub(crate) fn lags(&self) -> impl Iterator<Item = (&str, u64)> {
        let now_ns = wall_ns();
        let open = self.sources.iter().filter(|source| source.is_open());
        let told = open.filter(|source| source.bound_ns() > 0);
        told.map(move |source| {
            let behind_ns = now_ns.saturating_sub(source.bound_ns());
            (source.name.as_str(), behind_ns / 1_000_000)
        })
    }

    /// Takes a place among the streams.
    pub(crate) fn occupy(&mut self, slot: StreamSlot) {
        self.slot = Some(slot);
    }

    /// Goes on where an earlier stream ended.
    pub(crate) fn resume(&mut self, places: Vec<proto::tycho::v1::Place>) {
        self.wanted.resume = places;
    }

    /// Merges until something is to be done about it.
    pub(crate) fn turn(&mut self, context: &mut Context<'_>, sink: &mut impl Sink) -> Turn {
        let mut rows = ROWS_PER_TURN;
        self.look_at_stop(context);
        loop {
            self.look_at_peers(context);
            self.fill(context, sink);
            while let Some(status) = self.statuses.next() {
                sink.status(status);
            }
            if sink.is_full() {
                return Turn::Full;
            }
            if self.left == Some(0) {
                return Turn::End;
            }
            let sent = self.count(sink) && self.send(&mut rows, sink);
            self.count_up();
            if rows == 0 {
                return Turn::Yield;
            }
            if sent {
                continue;
            }
            if self.is_over() {
                return Turn::End;
            }
            if !self.wait(context) {
                self.tell_watermark(sink);
                return Turn::Wait;
            }
        }
    }

    /// Polls every source that has no rows, so that it has some or wakes us.
    fn fill(&mut self, context: &mut Context<'_>, sink: &mut impl Sink) {
        for index in 0..self.sources.len() {
            while self.sources[index].is_open() && !self.sources[index].has_rows() {
                match self.sources[index].poll(context) {
                    Polled::Batch(told) => self.take_told(index, told, sink),
                    Polled::Pending => break,
                    Polled::Ended(error) => self.source_ended(index, error),
                }
            }
        }
    }

    fn take_told(&mut self, index: usize, told: Told, sink: &mut impl Sink) {
        let source = &self.sources[index];
        for &lane in &told.lanes {
            if let Some(named) = source.reader().lanes().get(usize::from(lane)) {
                sink.lane(index, lane, named.names());
            }
        }
        for &lane in &told.defined {
            sink.defined(index, lane);
        }
        for status in told.node_status {
            self.statuses.forward(status);
        }
        if let Some(head_ns) = source.head_ns() {
            self.heads.push(Reverse((head_ns, index)));
        }
    }

    /// Whether it is known how many stored flows are to be left out.
    fn count(&mut self, sink: &mut impl Sink) -> bool {
        let Extent::Last(number) = self.selection.extent else {
            return true;
        };
        if self.skip.is_none() {
            let unknown = |source: &Source| {
                source.is_open() && !source.waiting.late && source.expected.is_none()
            };
            if self.sources.iter().any(unknown) {
                return false;
            }
            let expected = self.sources.iter().filter_map(|source| source.expected);
            let all: u64 = expected.sum();
            self.skip = Some(all.saturating_sub(number));
            sink.expected(all.min(number));
        }
        true
    }

    /// Sends what nobody can precede any more; says whether there was anything.
    fn send(&mut self, rows: &mut usize, sink: &mut impl Sink) -> bool {
        let mut barrier_ns = self.barrier_ns();
        let mut sent = false;
        let mut first = self.heads.pop();
        while let Some(Reverse((head_ns, index))) = first {
            let next = self.heads.peek();
            let next_ns = next.map_or(u64::MAX, |Reverse((next_ns, _))| *next_ns);
            let limit_ns = next_ns.min(barrier_ns);
            let mut head_ns = Some(head_ns);
            while let Some(place_ns) = head_ns.filter(|place_ns| *place_ns <= limit_ns) {
                if *rows == 0 || self.left == Some(0) || sink.is_full() {
                    break;
                }
                *rows -= 1;
                sent = true;
                self.send_head(index, place_ns, sink);
                head_ns = self.sources[index].head_ns();
            }
            first = match head_ns {
                Some(head_ns) => self.exchange(Reverse((head_ns, index))),
                None => {
                    barrier_ns = barrier_ns.min(self.bound_of(index));
                    self.heads.pop()
                }
            };
        }
        sent
    }

    /// Puts a source back, in place of the one that comes before it if there is such a one.
    fn exchange(&mut self, mut head: Head) -> Option<Head> {
        if let Some(mut first) = self.heads.peek_mut()
            && *first > head
        {
            std::mem::swap(&mut *first, &mut head);
            return Some(head);
        }
        self.heads.push(head);
        None
    }

    fn send_head(&mut self, index: usize, place_ns: u64, sink: &mut impl Sink) {
        let Some((entry, is_flow)) = self.sources[index].pop(&mut self.words) else {
            return;
        };
        if is_flow {
            self.tally.received += 1;
            self.tally.late += u64::from(place_ns < self.sent_ns);
            if let Some(skip @ 1..) = &mut self.skip {
                *skip -= 1;
                self.tally.left_out += 1;
                return;
            }
            if let Some(left) = &mut self.left {
                *left -= 1;
            }
            self.sent_ns = self.sent_ns.max(place_ns);
        }
        match entry {
            Entry::Row { lane, sequence } => sink.row(Row {
                source: index,
                lane,
                sequence,
                words: &self.words,
                is_flow,
            }),
            Entry::Response(response) => sink.response(place_ns, response, is_flow),
        }
    }

    /// Adds what was counted since the last time.
    fn count_up(&mut self) {
        let tally = std::mem::take(&mut self.tally);
        let counts = &self.shared.counts;
        Counts::add(&counts.received, tally.received);
        Counts::add(&counts.left_out, tally.left_out);
        Counts::add(&counts.late, tally.late);
    }

    /// What is later than this may not leave yet.
    fn barrier_ns(&self) -> u64 {
        let bounds = (0..self.sources.len()).map(|index| self.bound_of(index));
        bounds.min().unwrap_or(u64::MAX)
    }

    /// Up to where a source lets others pass.
    fn bound_of(&self, index: usize) -> u64 {
        let source = &self.sources[index];
        if !source.is_open() || source.has_rows() || source.waiting.late {
            u64::MAX
        } else {
            source.bound_ns()
        }
    }

    fn tell_watermark(&self, sink: &mut impl Sink) {
        let head_ns = self
            .heads
            .peek()
            .map_or(u64::MAX, |Reverse((head_ns, _))| *head_ns);
        let watermark_ns = self.barrier_ns().min(head_ns);
        if watermark_ns != u64::MAX {
            sink.watermark(watermark_ns);
        }
    }

    fn is_over(&self) -> bool {
        let is_done = |source: &Source| !source.is_open() && !source.has_rows();
        let follows = self.selection.follow && !self.stopping && !self.is_past_until();
        !follows && self.sources.iter().all(is_done)
    }

    /// Whether a stream that follows has come to its `until`.
    fn is_past_until(&self) -> bool {
        wall_ns() > self.selection.window.until_ns
    }

    /// The relay ends: the peers go on, and what is in hand is still sent.
    fn look_at_stop(&mut self, context: &mut Context<'_>) {
        if !self.stopping && self.stop.as_mut().poll(context).is_ready() {
            self.stopping = true;
            self.sources.iter_mut().for_each(Source::close);
        }
    }

    /// Registers for whatever comes next; true if something has come already.
    fn wait(&mut self, context: &mut Context<'_>) -> bool {
        let Some(due) = self.next_deadline() else {
            self.timer = None;
            return false;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        let elapsed = timer.as_mut().poll(context).is_ready();
        if elapsed {
            self.timer = None;
            self.deadline_passed(Instant::now());
        }
        elapsed
    }
}

/// Whether the list of peers has changed since the last look.
fn has_changed(changes: &mut WatchStream<u64>, context: &mut Context<'_>) -> bool {
    let mut changed = false;
    while let Poll::Ready(Some(_)) = Pin::new(&mut *changes).poll_next(context) {
        changed = true;
    }
    changed
}
