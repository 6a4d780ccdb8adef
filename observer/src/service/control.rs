//! The way to the control thread: what is asked, and what its answers are called on the wire.

use std::sync::Arc;
use std::time::Duration;

use tonic::Status;

use crate::control::{Answer, Command, CommandError, NotTaken, Snapshot};
use crate::node::Node;

/// Nothing takes that long, unless the kernel does not answer.
const PATIENCE: Duration = Duration::from_secs(30);

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
