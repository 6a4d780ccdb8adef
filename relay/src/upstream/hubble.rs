//! A Hubble server as a peer. Its responses are passed on as their bytes; what its protocol lacks is made up for:
//! watermarks by a bound on how late it may be, the number of stored flows by counting them, the newest of a window by
//! reading all of it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use flow::batch::{BATCH_ROWS, BatchWriter};
use flow::imported::{ResponseKind, scan};
use flow::selection::timestamp;
use futures_util::{StreamExt as _, stream};
use prost::Message as _;
use proto::observer::get_flows_response::ResponseTypes;
use proto::observer::{GetFlowsRequest, GetFlowsResponse};
use proto::tycho::v1::Batch;
use tokio::time::Instant;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::raw;
use super::{Upstream, Wanted};
use crate::clock::{nanos, wall_ns};

/// A Hubble server's flows are this late at most: what is older will not come.
const LATENESS: Duration = Duration::from_secs(1);

/// Between two watermarks of a stream that has nothing else to say.
const WATERMARKS: Duration = Duration::from_millis(100);

/// The most flows that a Hubble server holds: no more can be asked for to count them.
const MOST_HELD: u64 = 65_535;

/// What the merge needs, whatever a client's mask says. Without these a Hubble server leaves the response's own fields
/// empty.
const NEEDED: [&str; 2] = ["time", "node_name"];

pub(super) fn open(channel: Channel, wanted: &Wanted) -> Upstream {
    let reader = Reader {
        channel,
        request: with_needed_fields(wanted.flows.clone()),
        writer: BatchWriter::new(),
        state: State::Begin,
        history: VecDeque::new(),
        newest: Newest::default(),
    };
    stream::try_unfold(reader, async |mut reader: Reader| {
        Ok(reader.next().await?.map(|batch| (batch, reader)))
    })
    .boxed()
}

fn with_needed_fields(mut request: GetFlowsRequest) -> GetFlowsRequest {
    if let Some(mask) = &mut request.field_mask
        && !mask.paths.is_empty()
    {
        for path in NEEDED {
            if !mask.paths.iter().any(|known| known == path) {
                mask.paths.push(path.to_owned());
            }
        }
    }
    request
}

struct Reader {
    channel: Channel,
    request: GetFlowsRequest,
    writer: BatchWriter,
    state: State,
    /// Stored flows that are counted and not passed on yet.
    history: VecDeque<Bytes>,
    newest: Newest,
}

enum State {
    /// Nothing was asked.
    Begin,
    /// The stored flows are in hand; then, if it follows, come those since.
    History,
    /// Responses come as they come.
    Reading(Box<Streaming<Bytes>>),
    Ended,
}

/// The newest flows that were passed on, so that the call that follows does not bring them again.
#[derive(Default)]
struct Newest {
    time_ns: u64,
    responses: Vec<Bytes>,
}

impl Newest {
    fn note(&mut self, time_ns: u64, response: &Bytes) {
        if time_ns > self.time_ns {
            self.time_ns = time_ns;
            self.responses.clear();
        }
        if time_ns == self.time_ns {
            self.responses.push(response.clone());
        }
    }

    fn has(&self, time_ns: u64, response: &Bytes) -> bool {
        time_ns < self.time_ns || time_ns == self.time_ns && self.responses.contains(response)
    }
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Batch>, Status> {
        loop {
            match &mut self.state {
                State::Begin => return self.begin().await.map(Some),
                State::History if self.history.is_empty() => self.follow().await?,
                State::History => {
                    let part = self.history.len().min(BATCH_ROWS);
                    for response in self.history.drain(..part) {
                        push(&mut self.writer, response);
                    }
                    return Ok(Some(self.writer.take().0));
                }
                State::Reading(_) => {
                    if let Some(batch) = self.read().await? {
                        return Ok(Some(batch));
                    }
                    self.state = State::Ended;
                }
                State::Ended => return Ok(None),
            }
        }
    }

    /// The first batch says how many stored flows there are, if only the newest are wanted.
    async fn begin(&mut self) -> Result<Batch, Status> {
        let newest_only = self.request.number > 0 && !self.request.first;
        if newest_only {
            self.read_history().await?;
            self.writer.set_expected(
                self.history
                    .iter()
                    .filter(|response| is_flow(response))
                    .count() as u64,
            );
            self.state = State::History;
        } else {
            let stream = raw::flows(self.channel.clone(), self.request.clone()).await?;
            self.state = State::Reading(Box::new(stream));
        }
        Ok(self.writer.take().0)
    }

    /// Reads the newest `number` stored flows. With a window the whole of it is read: of a window Hubble gives the
    /// first flows, or none.
    async fn read_history(&mut self) -> Result<(), Status> {
        let number = self.request.number.min(MOST_HELD);
        let mut request = GetFlowsRequest {
            follow: false,
            number,
            ..self.request.clone()
        };
        if request.since.is_some() || request.until.is_some() {
            request.number = 0;
        }
        let mut stream = raw::flows(self.channel.clone(), request).await?;
        let mut flows = 0;
        while let Some(response) = stream.message().await? {
            if let Some(response) = self.without_status(response) {
                flows += u64::from(is_flow(&response));
                self.history.push_back(response);
            }
            while flows > number {
                let oldest = self.history.pop_front();
                flows -= u64::from(oldest.is_some_and(|response| is_flow(&response)));
            }
        }
        for response in &self.history {
            self.newest
                .note(scan(response).time_ns.unwrap_or(0), response);
        }
        Ok(())
    }

    /// After the stored flows: those since the newest of them.
    async fn follow(&mut self) -> Result<(), Status> {
        if !self.request.follow {
            self.state = State::Ended;
            return Ok(());
        }
        let since_ns = match self.newest.time_ns {
            0 => wall_ns().saturating_sub(nanos(LATENESS)),
            newest_ns => newest_ns,
        };
        let request = GetFlowsRequest {
            number: 0,
            since: Some(timestamp(since_ns)),
            ..self.request.clone()
        };
        let stream = raw::flows(self.channel.clone(), request).await?;
        self.state = State::Reading(Box::new(stream));
        Ok(())
    }

    /// What has come by now, or a watermark if nothing has; `None` at the end.
    async fn read(&mut self) -> Result<Option<Batch>, Status> {
        let State::Reading(stream) = &mut self.state else {
            return Ok(None);
        };
        let deadline = Instant::now() + WATERMARKS;
        let mut responses = Vec::new();
        let mut ended = false;
        // Before anything is read: what has not come by now may still be as late as that.
        let read_ns = wall_ns();
        match tokio::time::timeout_at(deadline, stream.message()).await {
            Ok(Ok(Some(response))) => responses.push(response),
            Ok(Ok(None)) => ended = true,
            Ok(Err(status)) => return Err(status),
            Err(_elapsed) => {}
        }
        while !ended && !responses.is_empty() && responses.len() < BATCH_ROWS {
            match futures_util::poll!(std::pin::pin!(stream.message())) {
                std::task::Poll::Ready(Ok(Some(response))) => responses.push(response),
                std::task::Poll::Ready(Ok(None)) => ended = true,
                std::task::Poll::Ready(Err(status)) => return Err(status),
                std::task::Poll::Pending => break,
            }
        }
        if responses.is_empty() && ended {
            return Ok(None);
        }
        for response in responses {
            let Some(response) = self.without_status(response) else {
                continue;
            };
            let time_ns = scan(&response).time_ns.unwrap_or(0);
            if self.newest.time_ns == 0 || !self.newest.has(time_ns, &response) {
                push(&mut self.writer, response);
            }
        }
        if self.request.follow {
            self.writer
                .set_watermark(read_ns.saturating_sub(nanos(LATENESS)));
        }
        Ok(Some(self.writer.take().0))
    }

    /// Takes news of nodes out of the stream, if the server is a relay.
    fn without_status(&mut self, response: Bytes) -> Option<Bytes> {
        if scan(&response).kind != ResponseKind::NodeStatus {
            return Some(response);
        }
        if let Ok(GetFlowsResponse {
            response_types: Some(ResponseTypes::NodeStatus(status)),
            ..
        }) = GetFlowsResponse::decode(response)
        {
            self.writer.push_status(status);
        }
        None
    }
}

fn is_flow(response: &Bytes) -> bool {
    scan(response).kind == ResponseKind::Flow
}

fn push(writer: &mut BatchWriter, response: Bytes) {
    let scanned = scan(&response);
    let is_flow = scanned.kind == ResponseKind::Flow;
    writer.push_response(scanned.time_ns.unwrap_or(0), response, is_flow);
}
