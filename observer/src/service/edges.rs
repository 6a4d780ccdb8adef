//! `tycho.v1.Edges`: exact totals, all of them or those that have changed, by identity or by label set.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use daemon::drain::Drain;
use flow::edges::{EdgeMerge, EdgeReading, MergedWriter, PartWriter};
use futures_util::Stream;
use proto::tycho::v1::edges_server::Edges;
use proto::tycho::v1::{EdgeForm, EdgesPart, GetEdgesRequest, StreamEdgesRequest};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::control::ask;
use crate::control::Command;
use crate::node::Node;

/// The shortest time between two readings, which is that between two looks of the control thread.
const SHORTEST: Duration = Duration::from_secs(1);

/// The longest that means anything; a longer one is this.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// A reading comes about when it is due: so much earlier it is taken for it.
const EARLY: Duration = Duration::from_millis(200);

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
        let form = form(request.get_ref().form)?;
        let mut teller = Teller::new(&self.node, form);
        teller.begin(read(&self.node).await?)?;
        let parts = std::iter::from_fn(move || teller.next_part().map(Ok));
        Ok(Response::new(Box::pin(futures_util::stream::iter(parts))))
    }

    async fn stream_edges(
        &self,
        request: Request<StreamEdgesRequest>,
    ) -> Result<Response<Parts>, Status> {
        let request = request.get_ref();
        let mut teller = Teller::new(&self.node, form(request.form)?);
        let interval = interval(request.interval.as_ref())?;
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

fn form(number: i32) -> Result<EdgeForm, Status> {
    EdgeForm::try_from(number).map_err(|_unknown| {
        Status::invalid_argument(format!(
            "form: {number} is none that this version knows; it knows BY_NODE (1) and MERGED (2)"
        ))
    })
}

fn interval(asked: Option<&prost_types::Duration>) -> Result<Duration, Status> {
    let Some(asked) = asked else {
        return Ok(SHORTEST);
    };
    let interval = Duration::try_from(*asked).map_err(|error| {
        Status::invalid_argument(format!(
            "interval: is no time between two readings: {error}"
        ))
    })?;
    Ok(interval.clamp(SHORTEST, LONGEST))
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
    fn new(node: &Node, form: EdgeForm) -> Self {
        Self {
            parts: PartWriter::new(),
            merged: (form == EdgeForm::Merged).then(|| Merged {
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
        sleep_until(self.begun + self.interval.saturating_sub(EARLY)).await;
        self.readings.borrow_and_update().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_second_at_least() {
        let check = |seconds, nanos, expect: Option<u64>| {
            let asked = prost_types::Duration { seconds, nanos };
            let found = interval(Some(&asked)).ok();
            assert_eq!(found, expect.map(Duration::from_secs), "{asked:?}");
        };
        check(0, 5, Some(1));
        check(7, 0, Some(7));
        check(i64::MAX, 0, Some(24 * 3_600));
        check(-1, 0, None);
        assert_eq!(interval(None).unwrap(), SHORTEST);
        assert!(form(3).is_err());
    }
}
