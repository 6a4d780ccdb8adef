//! The stream of one GetFlows call, as an HTTP body that reads the store whenever the client has room.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use event_listener::EventListener;
use flow::encode::ResponseEncoder;
use flow::filter::CompiledFilter;
use flow::store::{Cursor, Read, Segment};
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::backward::Backward;
use super::frame::Chunk;
use super::query::{Extent, Query};
use crate::node::Node;
use crate::pipeline::wall_ns;

/// Segments looked at before other streams get their turn.
const SEGMENTS_PER_TURN: u32 = 32;

/// How long after `until` a flow of before may still come.
const UNTIL_SLACK: Duration = Duration::from_millis(300);

/// The stream of one call.
pub(super) struct FlowBody {
    node: Arc<Node>,
    filter: CompiledFilter,
    encoder: ResponseEncoder,
    search: Option<Backward>,
    cursor: Cursor,
    /// Where a stream that does not follow ends.
    end: Option<u64>,
    /// Flows still to be sent, if that is limited.
    left: Option<u64>,
    /// Whether a row was read: before that, what is gone was never promised.
    begun: bool,
    matches: Matches,
    chunk: Chunk,
    wake: Option<Pin<Box<EventListener>>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    deadline: Option<Pin<Box<Sleep>>>,
    state: State,
}

/// Rows that match and are not encoded yet.
#[derive(Default)]
struct Matches {
    segment: Option<Arc<Segment>>,
    offsets: Vec<u16>,
    next: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    /// Everything is in the chunk; the trailers follow it.
    Ending,
    Ended,
}

/// What a turn of reading came to.
enum Turn {
    /// The chunk should go out.
    Chunk,
    /// Others get their turn first.
    Yield,
    /// There is nothing more now.
    Wait,
    /// There is nothing more at all.
    End,
}

impl FlowBody {
    pub(super) fn new(
        node: Arc<Node>,
        query: Query,
        stop: CancellationToken,
        with_details: bool,
    ) -> Self {
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
            let rest = Duration::from_nanos(window.until_ns.saturating_sub(wall_ns()));
            Box::pin(tokio::time::sleep(rest.saturating_add(UNTIL_SLACK)))
        });
        Self {
            encoder: ResponseEncoder::new(node.names.clone(), &query.mask, with_details),
            filter: query.filter,
            search,
            cursor: Cursor::at(start),
            end: (!query.follow).then_some(end),
            left,
            begun: false,
            matches: Matches::default(),
            chunk: Chunk::default(),
            wake: None,
            stop: Box::pin(stop.cancelled_owned()),
            deadline,
            state: State::Reading,
            node,
        }
    }

    /// Reads and encodes until something is to be done about it.
    fn turn(&mut self) -> Turn {
        for _ in 0..SEGMENTS_PER_TURN {
            if let Some(search) = &mut self.search {
                if let Some(start) = search.step(&mut self.filter) {
                    self.cursor = Cursor::at(start);
                    self.search = None;
                }
                continue;
            }
            self.encode_matches();
            if self.chunk.is_full() {
                return Turn::Chunk;
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
            if !self.read() {
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
    fn read(&mut self) -> bool {
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
                    self.encoder.refresh();
                }
                true
            }
            Read::Lost(loss) => {
                if self.begun {
                    let encoder = &self.encoder;
                    self.chunk.push(0, |out| encoder.encode_loss(&loss, out));
                }
                true
            }
            Read::Empty => false,
        }
    }

    fn encode_matches(&mut self) {
        let Some(segment) = &self.matches.segment else {
            return;
        };
        while let Some(&offset) = self.matches.offsets.get(self.matches.next) {
            if self.chunk.is_full() || self.left == Some(0) {
                return;
            }
            self.matches.next += 1;
            let Some(row) = segment.row(offset.into()) else {
                continue;
            };
            let sequence = segment.base() + u64::from(offset);
            let encoder = &mut self.encoder;
            let is_flow = !row.is_lost();
            self.chunk.push(u64::from(is_flow), |out| {
                encoder.encode(sequence, &row, out);
            });
            if is_flow && let Some(left) = &mut self.left {
                *left -= 1;
            }
        }
        self.matches.segment = None;
    }

    /// Registers for whatever comes next; ready if something has come already.
    fn poll_news(&mut self, context: &mut Context<'_>) -> Poll<()> {
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

    fn take_chunk(&mut self) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (bytes, flows) = self.chunk.take();
        self.node.counts.add_delivered(flows);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Body for FlowBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        while this.state == State::Reading {
            match this.turn() {
                Turn::Chunk => return this.take_chunk(),
                Turn::Yield if this.chunk.is_empty() => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Turn::Yield => return this.take_chunk(),
                Turn::Wait if this.chunk.is_empty() => {
                    if this.poll_news(context).is_pending() {
                        return Poll::Pending;
                    }
                }
                Turn::Wait => return this.take_chunk(),
                Turn::End => this.state = State::Ending,
            }
        }
        if !this.chunk.is_empty() {
            return this.take_chunk();
        }
        if this.state == State::Ended {
            return Poll::Ready(None);
        }
        this.state = State::Ended;
        let mut trailers = HeaderMap::with_capacity(1);
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Ended
    }
}
