//! `tycho.v1.Batches` of a relay: what its peers send, merged, for a relay above.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flow::batch::BatchWriter;
use flow::encode::Names;
use futures_util::Stream;
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::batches_server::Batches;
use proto::tycho::v1::{Batch, GetBatchesRequest, HeartbeatRequest, HeartbeatResponse};
use tonic::{Request, Response, Status};

use super::answers::Relay;
use super::observer::totals;
use crate::clock::{nanos, wall_ns};
use crate::counts::Counts;
use crate::merge::{Merge, Row, Sink, Turn};

/// Between two watermarks of a stream that has nothing else to say.
const WATERMARKS: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct BatchesApi {
    relay: Relay,
}

impl BatchesApi {
    pub(super) fn new(relay: Relay) -> Self {
        Self { relay }
    }
}

#[tonic::async_trait]
impl Batches for BatchesApi {
    type GetBatchesStream = BatchStream;

    async fn get_batches(
        &self,
        request: Request<GetBatchesRequest>,
    ) -> Result<Response<BatchStream>, Status> {
        let (metadata, _, request) = request.into_parts();
        let headers = metadata.into_headers();
        let mut merge = self
            .relay
            .merge(request.flows.unwrap_or_default(), &headers)?;
        merge.resume(request.resume);
        Ok(Response::new(BatchStream {
            merge,
            rows: BatchRows {
                writer: BatchWriter::new(),
                lanes: Vec::new(),
                watermark_ns: 0,
                told_ns: 0,
            },
            counts: Arc::clone(&self.relay.counts),
            told: Instant::now(),
            ended: false,
        }))
    }

    async fn heartbeat(
        &self,
        _request: Request<HeartbeatRequest>,
    ) -> Result<Response<HeartbeatResponse>, Status> {
        let totals = totals(&self.relay);
        Ok(Response::new(HeartbeatResponse {
            node_name: self.relay.name.to_string(),
            wall_ns: wall_ns(),
            version: Relay::version(),
            num_flows: totals.num_flows,
            max_flows: totals.max_flows,
            seen_flows: totals.seen_flows,
            uptime_ns: nanos(self.relay.started.elapsed()),
            flows_rate: totals.flows_rate,
            is_relay: true,
            epoch: self.relay.epoch,
        }))
    }
}

/// The batches of one call.
pub(super) struct BatchStream {
    merge: Merge,
    rows: BatchRows,
    counts: Arc<Counts>,
    /// When the last batch went out.
    told: Instant,
    ended: bool,
}

/// Rows as they travel on.
struct BatchRows {
    writer: BatchWriter,
    /// The lane that a source's lane has here.
    lanes: Vec<Vec<u16>>,
    watermark_ns: u64,
    told_ns: u64,
}

impl Sink for BatchRows {
    fn is_full(&self) -> bool {
        self.writer.is_full()
    }

    fn lane(&mut self, source: usize, lane: u16, names: &Names) {
        if self.lanes.len() <= source {
            self.lanes.resize_with(source + 1, Vec::new);
        }
        let next =
            u16::try_from(self.lanes.iter().map(Vec::len).sum::<usize>()).unwrap_or(u16::MAX);
        let lanes = &mut self.lanes[source];
        let here = match lanes.get(usize::from(lane)) {
            Some(here) => *here,
            None => {
                lanes.push(next);
                next
            }
        };
        self.writer.set_lane(here, names.clone());
    }

    fn defined(&mut self, source: usize, lane: u16) {
        if let Some(here) = self.here(source, lane) {
            self.writer.refresh(here);
        }
    }

    fn row(&mut self, row: Row<'_>) {
        if let Some(here) = self.here(row.source, row.lane) {
            self.writer.push(here, row.sequence, row.words, row.is_flow);
        }
    }

    fn response(&mut self, time_ns: u64, response: Bytes, is_flow: bool) {
        self.writer.push_response(time_ns, response, is_flow);
    }

    fn status(&mut self, status: NodeStatusEvent) {
        self.writer.push_status(status);
    }

    fn expected(&mut self, flows: u64) {
        self.writer.set_expected(flows);
    }

    fn watermark(&mut self, watermark_ns: u64) {
        self.watermark_ns = watermark_ns;
    }
}

impl BatchRows {
    fn here(&self, source: usize, lane: u16) -> Option<u16> {
        self.lanes.get(source)?.get(usize::from(lane)).copied()
    }
}

impl BatchStream {
    fn take(&mut self) -> Poll<Option<Result<Batch, Status>>> {
        self.told = Instant::now();
        let (batch, flows) = self.rows.writer.take();
        Counts::add(&self.counts.delivered, flows);
        Poll::Ready(Some(Ok(batch)))
    }
}

impl Drop for BatchStream {
    fn drop(&mut self) {
        let (_, flows) = self.rows.writer.take();
        Counts::add(&self.counts.abandoned, flows);
    }
}

impl Stream for BatchStream {
    type Item = Result<Batch, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let turn = this.merge.turn(context, &mut this.rows);
        let rows = &mut this.rows;
        if turn == Turn::Wait && rows.watermark_ns > rows.told_ns {
            // The peers' watermarks wake the merge often enough to pass theirs on.
            if !rows.writer.is_empty() || this.told.elapsed() >= WATERMARKS {
                rows.told_ns = rows.watermark_ns;
                rows.writer.set_watermark(rows.told_ns);
            }
        }
        match turn {
            Turn::End => {
                this.ended = true;
                this.take()
            }
            _ if !rows.writer.is_empty() => this.take(),
            Turn::Wait => Poll::Pending,
            Turn::Full | Turn::Yield => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
