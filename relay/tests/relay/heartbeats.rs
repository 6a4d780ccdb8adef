//! Stands before a node and changes what its heartbeats say of its clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use daemon::tasks::Tasks;
use proto::tycho::v1::batches_client::BatchesClient;
use proto::tycho::v1::batches_server::{Batches, BatchesServer};
use proto::tycho::v1::{Batch, GetBatchesRequest, HeartbeatRequest, HeartbeatResponse};
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

use crate::fixture::{TestNode, channel};
use crate::serve::serve;

/// What becomes of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heartbeats {
    /// The node reads its clock at once, and its first answer is under way for so long.
    pub(crate) first_delay: Duration,
    /// The clock seems to be ahead by so much.
    pub(crate) ahead_ns: Arc<AtomicI64>,
}

struct Server {
    node: BatchesClient<Channel>,
    heartbeats: Heartbeats,
    answered: AtomicBool,
}

impl Heartbeats {
    /// Serves at a port of its own.
    pub(crate) async fn of(self, node: &TestNode, tasks: &Tasks) -> u16 {
        let server = BatchesServer::new(Server {
            node: BatchesClient::new(channel(node.port).await),
            heartbeats: self,
            answered: AtomicBool::new(false),
        });
        serve("heartbeats", server, tasks).await
    }
}

#[tonic::async_trait]
impl Batches for Server {
    type GetBatchesStream = Streaming<Batch>;

    async fn get_batches(
        &self,
        request: Request<GetBatchesRequest>,
    ) -> Result<Response<Self::GetBatchesStream>, Status> {
        self.node.clone().get_batches(request).await
    }

    async fn heartbeat(
        &self,
        request: Request<HeartbeatRequest>,
    ) -> Result<Response<HeartbeatResponse>, Status> {
        let mut answer = self.node.clone().heartbeat(request).await?;
        let wall_ns = &mut answer.get_mut().wall_ns;
        let ahead_ns = self.heartbeats.ahead_ns.load(Ordering::Relaxed);
        *wall_ns = wall_ns.saturating_add_signed(ahead_ns);
        if !self.answered.swap(true, Ordering::Relaxed) {
            tokio::time::sleep(self.heartbeats.first_delay).await;
        }
        Ok(answer)
    }
}
