//! The stream of one GetFlows call, as an HTTP body that reads the store whenever the client has room.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use daemon::grpc::Chunk;
use flow::encode::{Pen, ResponseEncoder, ResponseForm};
use flow::store::{Loss, Segment};
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};
use tokio_util::sync::CancellationToken;

use super::query::Query;
use super::reading::{Reading, Sink, Turn};
use crate::node::Node;

/// The stream of one call.
pub(super) struct FlowBody {
    node: Arc<Node>,
    reading: Reading,
    responses: Responses,
    state: State,
}

/// Rows as the bytes of their responses.
struct Responses {
    encoder: ResponseEncoder,
    pen: Pen,
    chunk: Chunk,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    /// Everything is in the chunk; the trailers follow it.
    Ending,
    Ended,
}

impl FlowBody {
    pub(super) fn new(
        node: Arc<Node>,
        query: Query,
        stop: CancellationToken,
        with_details: bool,
    ) -> Self {
        let form = ResponseForm::new(query.mask.clone(), with_details);
        Self {
            responses: Responses {
                encoder: ResponseEncoder::new(node.names.clone(), &form),
                pen: Pen::default(),
                chunk: Chunk::default(),
            },
            reading: Reading::new(Arc::clone(&node), query, stop),
            state: State::Reading,
            node,
        }
    }

    fn take_chunk(&mut self) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (bytes, flows) = self.responses.chunk.take();
        self.node.counts.add_delivered(flows);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Sink for Responses {
    fn is_full(&self) -> bool {
        self.chunk.is_full()
    }

    fn refresh(&mut self) {
        self.encoder.refresh();
    }

    fn row(&mut self, segment: &Segment, offset: usize) -> bool {
        let Some(row) = segment.row(offset) else {
            return false;
        };
        let sequence = segment.base() + offset as u64;
        let (encoder, pen) = (&mut self.encoder, &mut self.pen);
        let is_flow = !row.is_lost();
        self.chunk.push(u64::from(is_flow), |out| {
            encoder.encode(pen, sequence, &row, out);
        });
        is_flow
    }

    fn loss(&mut self, _next_sequence: u64, loss: &Loss) {
        let encoder = &self.encoder;
        self.chunk.push(0, |out| encoder.encode_loss(loss, out));
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
            let turn = this.reading.turn(&mut this.responses);
            let is_empty = this.responses.chunk.is_empty();
            match turn {
                Turn::Full => return this.take_chunk(),
                Turn::Yield if is_empty => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Turn::Yield => return this.take_chunk(),
                Turn::Wait if is_empty => {
                    if this.reading.poll_news(context).is_pending() {
                        return Poll::Pending;
                    }
                }
                Turn::Wait => return this.take_chunk(),
                Turn::End => this.state = State::Ending,
            }
        }
        if !this.responses.chunk.is_empty() {
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
