//! The way to the control thread: who may go it, what is asked, and what its answers are called on the wire.

use std::sync::Arc;
use std::time::Duration;

use daemon::listen::Peer;
use tonic::{Request, Status};

use crate::control::{Answer, Command, CommandError, NotTaken, Snapshot};
use crate::node::Node;

/// Nothing takes that long, unless the kernel does not answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who asks for a change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    uid: Option<u32>,
    pid: Option<i32>,
}

impl Caller {
    /// The caller of a request that changes something: only a process that may open the Unix socket.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        match request.extensions().get() {
            Some(Peer::Unix { uid, pid }) => Ok(Self {
                uid: *uid,
                pid: *pid,
            }),
            Some(Peer::Tcp { .. } | Peer::Tls { .. }) | None => Err(Status::permission_denied(
                "calls that change something are served on the observer's Unix socket only: on its node, use `--server unix:///run/tycho/observer.sock`",
            )),
        }
    }

    /// Writes down who has changed what, or tried to.
    pub(super) fn log<T>(self, call: &str, what: &str, result: &Result<T, Status>) {
        let Self { uid, pid } = self;
        match result {
            Ok(_) => tracing::info!(uid, pid, "{call} {what}"),
            Err(status) => {
                tracing::warn!(
                    uid,
                    pid,
                    error = status.message(),
                    "{call} {what} was refused"
                );
            }
        }
    }
}

/// The newest state of a node that enforces.
pub(super) fn snapshot(node: &Node) -> Result<Arc<Snapshot>, Status> {
    node.board.snapshot().ok_or_else(|| {
        Status::unavailable("this node shows flows only: it has no endpoints and no policies")
    })
}

/// Leaves a command and waits for its answer.
pub(super) async fn ask<T>(
    node: &Node,
    command: impl FnOnce(Answer<T>) -> Command,
) -> Result<T, Status> {
    let mailbox = node
        .board
        .mailbox()
        .ok_or_else(|| Status::unavailable("this node shows flows only: nothing can be changed"))?;
    let (answer, answered) = tokio::sync::oneshot::channel();
    mailbox
        .command(command(answer))
        .map_err(|refused| match refused {
            NotTaken::Full => Status::resource_exhausted("too many changes are waiting: try again"),
            NotTaken::Stopped => stopped(),
        })?;
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok(result)) => result.map_err(status),
        Ok(Err(_dropped)) => Err(stopped()),
        Err(_elapsed) => Err(Status::deadline_exceeded(
            "the kernel's maps take long; the change may still come: look before you try again",
        )),
    }
}

fn stopped() -> Status {
    Status::unavailable("the observer ends: try again when it runs")
}

fn status(error: CommandError) -> Status {
    let text = error.to_string();
    match error {
        CommandError::NotFound(_) => Status::not_found(text),
        CommandError::Taken(_) => Status::already_exists(text),
        CommandError::OfFile(_) => Status::failed_precondition(text),
        CommandError::Invalid(_) => Status::invalid_argument(text),
        CommandError::Failed(_) => Status::internal(text),
    }
}
