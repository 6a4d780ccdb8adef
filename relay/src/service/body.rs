//! The stream of one GetFlows call: merged and encoded whenever the client has room.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use daemon::grpc::Chunk;
use flow::encode::{Names, Pen, ResponseEncoder, ResponseForm};
use flow::imported;
use flow::row::FlowRow;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};
use prost::Message as _;
use proto::observer::GetFlowsResponse;
use proto::observer::get_flows_response::ResponseTypes;
use proto::relay::NodeStatusEvent;

use crate::clock::wall_ns;
use crate::counts::Counts;
use crate::merge::{Merge, Row, Sink, Turn};

/// The stream of one call.
pub(super) struct FlowBody {
    merge: Merge,
    responses: Responses,
    counts: Arc<Counts>,
    state: State,
}

/// Rows as the bytes of their responses.
struct Responses {
    relay_name: Arc<str>,
    form: Arc<ResponseForm>,
    /// By source and lane.
    encoders: Vec<Vec<ResponseEncoder>>,
    pen: Pen,
    chunk: Chunk,
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
            responses: Responses {
                relay_name,
                form,
                encoders: Vec::new(),
                pen: Pen::default(),
                chunk: Chunk::default(),
            },
            counts,
            state: State::Merging,
        }
    }

    fn take_chunk(&mut self) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (bytes, flows) = self.responses.chunk.take();
        Counts::add(&self.counts.delivered, flows);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Sink for Responses {
    fn is_full(&self) -> bool {
        self.chunk.is_full()
    }

    fn lane(&mut self, source: usize, lane: u16, names: &Names) {
        if self.encoders.len() <= source {
            self.encoders.resize_with(source + 1, Vec::new);
        }
        let encoder = ResponseEncoder::new(names.clone(), &self.form);
        let lanes = &mut self.encoders[source];
        match lanes.get_mut(usize::from(lane)) {
            Some(known) => *known = encoder,
            // Lanes come by number.
            None => lanes.push(encoder),
        }
    }

    fn defined(&mut self, source: usize, lane: u16) {
        let lanes = self.encoders.get_mut(source);
        if let Some(encoder) = lanes.and_then(|lanes| lanes.get_mut(usize::from(lane))) {
            encoder.refresh();
        }
    }

    #[inline]
    fn row(&mut self, row: Row<'_>) {
        let lanes = self.encoders.get_mut(row.source);
        let Some(encoder) = lanes.and_then(|lanes| lanes.get_mut(usize::from(row.lane))) else {
            return;
        };
        let pen = &mut self.pen;
        let unpacked = FlowRow::unpack(row.words);
        self.chunk.push(u64::from(row.is_flow), |out| {
            encoder.encode(pen, row.sequence, &unpacked, out);
        });
    }

    fn response(&mut self, _time_ns: u64, response: Bytes, is_flow: bool) {
        let mask = self.form.mask();
        self.chunk.push(u64::from(is_flow), |out| {
            if mask.is_everything() {
                out.extend_from_slice(&response);
            } else {
                imported::prune(&response, mask, out);
            }
        });
    }

    fn status(&mut self, status: NodeStatusEvent) {
        let response = GetFlowsResponse {
            response_types: Some(ResponseTypes::NodeStatus(status)),
            node_name: self.relay_name.to_string(),
            time: Some(flow::selection::timestamp(wall_ns())),
        };
        self.chunk
            .push(0, |out| out.extend_from_slice(&response.encode_to_vec()));
    }

    fn expected(&mut self, _flows: u64) {}

    fn watermark(&mut self, _watermark_ns: u64) {}
}

impl Drop for FlowBody {
    fn drop(&mut self) {
        let (_, flows) = self.responses.chunk.take();
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
            let is_empty = this.responses.chunk.is_empty();
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
