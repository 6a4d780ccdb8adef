//! The stream of one GetFlows call: merged and encoded whenever the client has room.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use flow::encode::ResponseForm;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};

use super::responses::Responses;
use crate::counts::Counts;
use crate::merge::{Merge, Turn};

/// The stream of one call.
pub(super) struct FlowBody {
    merge: Merge,
    responses: Responses,
    counts: Arc<Counts>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Merging,
    /// Everything is in the chunk; the trailers follow it.
    Ending,
    Ended,
}

impl FlowBody {
    pub(super) fn new(
        merge: Merge,
        form: Arc<ResponseForm>,
        relay_name: Arc<str>,
        counts: Arc<Counts>,
    ) -> Self {
        Self {
            merge,
            responses: Responses::new(relay_name, form),
            counts,
            state: State::Merging,
        }
    }

    fn take_chunk(&mut self) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (bytes, flows) = self.responses.take();
        Counts::add(&self.counts.delivered, flows);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Drop for FlowBody {
    fn drop(&mut self) {
        let (_, flows) = self.responses.take();
        Counts::add(&self.counts.abandoned, flows);
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
        if this.state == State::Merging {
            let turn = this.merge.turn(context, &mut this.responses);
            let is_empty = this.responses.is_empty();
            match turn {
                Turn::End => this.state = State::Ending,
                _ if !is_empty => {
                    return this.take_chunk();
                }
                Turn::Wait => return Poll::Pending,
                Turn::Full | Turn::Yield => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
        if !this.responses.is_empty() {
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
