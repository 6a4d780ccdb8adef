//! `tycho.v1.Batches`: flows for a relay as rows, and the heartbeat.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use daemon::drain::Drain;
use flow::batch::BatchWriter;
use flow::store::{Loss, Segment};
use futures_util::Stream;
use proto::tycho::v1::batches_server::Batches;
use proto::tycho::v1::{Batch, GetBatchesRequest, HeartbeatRequest, HeartbeatResponse};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::query::Query;
use super::reading::{Reading, Sink, Turn};
use crate::node::Node;

/// Between two watermarks of a stream that has nothing else to say.
const WATERMARKS: Duration = Duration::from_millis(50);

/// The lane of the one node that an observer has.
const LANE: u16 = 0;

#[derive(Debug)]
pub(super) struct BatchesApi {
    node: Arc<Node>,
    stop: CancellationToken,
}

impl BatchesApi {
    pub(super) fn new(node: Arc<Node>, drain: &Drain) -> Self {
        Self {
            node,
            stop: drain.stopping(),
        }
    }
}

#[tonic::async_trait]
impl Batches for BatchesApi {
    type GetBatchesStream = BatchStream;

    async fn get_batches(
        &self,
        request: Request<GetBatchesRequest>,
    ) -> Result<Response<BatchStream>, Status> {
        let request = request.into_inner();
        let query = Query::compile(&request.flows.unwrap_or_default(), &self.node)?;
        let names = &self.node.names;
        let resume = request.resume.iter().find(|place| {
            place.node_name == names.node_name && place.epoch == names.epoch.number()
        });
        let stream = BatchStream::new(&self.node, query, self.stop.clone());
        Ok(Response::new(match resume {
            Some(place) => stream.resume(place.next_sequence),
            None => stream,
        }))
    }

    async fn heartbeat(
        &self,
        _request: Request<HeartbeatRequest>,
    ) -> Result<Response<HeartbeatResponse>, Status> {
        let node = &self.node;
        let seen_flows = node.counts.reading().stored;
        Ok(Response::new(HeartbeatResponse {
            node_name: node.names.node_name.clone(),
            wall_ns: node.wall_ns(),
            version: Node::version(),
            num_flows: node.store.held(),
            max_flows: node.store.capacity(),
            seen_flows,
            uptime_ns: node.uptime_ns(),
            flows_rate: node.rate.per_second(Instant::now(), seen_flows),
            is_relay: false,
            epoch: node.names.epoch.number(),
        }))
    }
}

/// The batches of one call.
pub(super) struct BatchStream {
    node: Arc<Node>,
    reading: Reading,
    rows: BatchRows,
    watermarks: Interval,
    /// The newest watermark that was told.
    told_ns: u64,
    expected_told: bool,
    ended: bool,
}

/// Rows as they travel.
struct BatchRows {
    writer: BatchWriter,
}

impl BatchStream {
    fn new(node: &Arc<Node>, query: Query, stop: CancellationToken) -> Self {
        let mut writer = BatchWriter::new();
        writer.set_lane(LANE, node.names.clone());
        let mut watermarks = tokio::time::interval(WATERMARKS);
        watermarks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            node: Arc::clone(node),
            reading: Reading::new(Arc::clone(node), query, stop),
            rows: BatchRows { writer },
            watermarks,
            told_ns: 0,
            expected_told: false,
            ended: false,
        }
    }

    fn resume(mut self, next_sequence: u64) -> Self {
        self.reading.resume(next_sequence);
        self
    }

    fn take(&mut self) -> Poll<Option<Result<Batch, Status>>> {
        let writer = &mut self.rows.writer;
        if !self.expected_told
            && let Some(found) = self.reading.found()
        {
            writer.set_expected(found);
            self.expected_told = true;
        }
        writer.set_next_sequence(self.reading.next_sequence());
        let (batch, flows) = writer.take();
        self.node.counts.add_delivered(flows);
        Poll::Ready(Some(Ok(batch)))
    }

    /// There is nothing more now: tells how far that goes, if it is time to.
    fn poll_wait(
        &mut self,
        promised_ns: u64,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Batch, Status>>> {
        let mut due = !self.rows.writer.is_empty();
        while self.watermarks.poll_tick(context).is_ready() {
            due |= promised_ns > self.told_ns;
        }
        if !due {
            return Poll::Pending;
        }
        if promised_ns > self.told_ns {
            self.told_ns = promised_ns;
            self.rows.writer.set_watermark(promised_ns);
        }
        self.take()
    }
}

impl Sink for BatchRows {
    fn is_full(&self) -> bool {
        self.writer.is_full()
    }

    fn refresh(&mut self) {
        self.writer.refresh(LANE);
    }

    fn row(&mut self, segment: &Segment, offset: usize) -> bool {
        let Some(words) = segment.words(offset) else {
            return false;
        };
        let is_flow = !flow::row::is_lost(&words);
        let sequence = segment.base() + offset as u64;
        self.writer.push(LANE, sequence, &words, is_flow);
        is_flow
    }

    fn loss(&mut self, next_sequence: u64, loss: &Loss) {
        self.writer.push_loss(LANE, next_sequence, loss);
    }
}

impl Stream for BatchStream {
    type Item = Result<Batch, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        while !this.ended {
            // Before the rows are read: what it promises holds for all that is read after.
            let promised_ns = this.node.store.promised_ns();
            let turn = this.reading.turn(&mut this.rows);
            match turn {
                Turn::Full => return this.take(),
                Turn::Yield => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Turn::Wait => {
                    let told = this.poll_wait(promised_ns, context);
                    if told.is_ready() {
                        return told;
                    }
                    if this.reading.poll_news(context).is_pending() {
                        return Poll::Pending;
                    }
                }
                Turn::End => {
                    this.ended = true;
                    return this.take();
                }
            }
        }
        Poll::Ready(None)
    }
}
