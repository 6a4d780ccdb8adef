//! `tycho.v1.Edges`: exact totals, all of them or those that have changed, by identity or by label set.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use daemon::drain::Drain;
use flow::edges::{EdgeMerge, EdgeReading, MergedWriter, PartWriter, asked};
use futures_util::Stream;
use proto::tycho::v1::edges_server::Edges;
use proto::tycho::v1::{EdgesPart, GetEdgesRequest, StreamEdgesRequest};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::control::ask;
use super::query::invalid;
use crate::control::Command;
use crate::node::Node;

type Parts = Pin<Box<dyn Stream<Item = Result<EdgesPart, Status>> + Send>>;

#[derive(Debug)]
pub(super) struct EdgesApi {
    node: Arc<Node>,
    stop: CancellationToken,
}

impl EdgesApi {
    pub(super) fn new(node: Arc<Node>, drain: &Drain) -> Self {
        Self {
            node,
            stop: drain.stopping(),
        }
    }
}

#[tonic::async_trait]
impl Edges for EdgesApi {
    type GetEdgesStream = Parts;
    type StreamEdgesStream = Parts;

    async fn get_edges(
        &self,
        request: Request<GetEdgesRequest>,
    ) -> Result<Response<Parts>, Status> {
        let merged = asked::is_merged(request.get_ref().form).map_err(invalid)?;
        let mut teller = Teller::new(&self.node, merged);
        teller.begin(read(&self.node).await?)?;
        let parts = std::iter::from_fn(move || teller.next_part().map(Ok));
        Ok(Response::new(Box::pin(futures_util::stream::iter(parts))))
    }

    async fn stream_edges(
        &self,
        request: Request<StreamEdgesRequest>,
    ) -> Result<Response<Parts>, Status> {
        let request = request.get_ref();
        let merged = asked::is_merged(request.form).map_err(invalid)?;
        let mut teller = Teller::new(&self.node, merged);
        let interval = asked::interval(request.interval).map_err(invalid)?;
        // Before the first one is read, so that none is missed.
        let readings = self.node.edges.follow();
        teller.begin(read(&self.node).await?)?;
        let follower = Follower {
            teller,
            readings,
            interval,
            begun: Instant::now(),
        };
        let stop = self.stop.clone();
        let parts = futures_util::stream::unfold(follower, move |mut follower| {
            let stop = stop.clone();
            async move {
                let part = follower.next(&stop).await.transpose()?;
                Some((part, follower))
            }
        });
        Ok(Response::new(Box::pin(parts)))
    }
}

/// The newest counts of the kernel.
async fn read(node: &Node) -> Result<Arc<EdgeReading>, Status> {
    if node.board.mailbox().is_some() {
        return ask(node, Command::ReadEdges).await;
    }
    // Readings may come from elsewhere, as flows may.
    let newest = node.edges.newest();
    newest.ok_or_else(|| Status::unavailable("this node shows flows only: it counts no edges"))
}

/// What one client is told, in the form that it has asked for.
struct Teller {
    parts: PartWriter,
    merged: Option<Merged>,
}

struct Merged {
    server: String,
    merge: EdgeMerge,
    writer: MergedWriter,
}

impl Teller {
    fn new(node: &Node, merged: bool) -> Self {
        Self {
            parts: PartWriter::new(),
            merged: merged.then(|| Merged {
                server: node.names.node_name.clone(),
                merge: EdgeMerge::new(),
                writer: MergedWriter::new(),
            }),
        }
    }

    fn begin(&mut self, reading: Arc<EdgeReading>) -> Result<(), Status> {
        self.parts.begin(reading);
        let Some(merged) = &mut self.merged else {
            return Ok(());
        };
        while let Some(part) = self.parts.next_part() {
            let taken = merged.merge.take(&part);
            taken.map_err(|error| Status::internal(error.to_string()))?;
        }
        merged.writer.begin(Arc::new(merged.merge.reading()));
        Ok(())
    }

    fn next_part(&mut self) -> Option<EdgesPart> {
        match &mut self.merged {
            Some(merged) => merged.writer.next_part(&merged.server),
            None => self.parts.next_part(),
        }
    }
}

/// A client that follows.
struct Follower {
    teller: Teller,
    readings: watch::Receiver<Option<Arc<EdgeReading>>>,
    interval: Duration,
    begun: Instant,
}

impl Follower {
    /// The next part; none at the drain.
    async fn next(&mut self, stop: &CancellationToken) -> Result<Option<EdgesPart>, Status> {
        loop {
            if let Some(part) = self.teller.next_part() {
                return Ok(Some(part));
            }
            let reading = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(None),
                reading = self.due() => reading,
            };
            let Some(reading) = reading else {
                return Ok(None);
            };
            self.begun = Instant::now();
            self.teller.begin(reading)?;
        }
    }

    /// The newest reading, when there is another one and it is time for it.
    async fn due(&mut self) -> Option<Arc<EdgeReading>> {
        self.readings.changed().await.ok()?;
        sleep_until(self.begun + asked::pause(self.interval)).await;
        self.readings.borrow_and_update().clone()
    }
}
