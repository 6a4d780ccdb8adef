//! One question to every node at once, for answers that are put together.

use std::time::Duration;

use futures_util::future::join_all;
use http::HeaderMap;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use super::answers::Relay;
use crate::merge::named_once;
use crate::peers::{PeerState, PeerView};
use crate::upstream::RelayPath;

/// How long one node is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// The response header that names nodes which could not be asked, where the answer has no room for them.
const MISSING_HEADER: &str = "tycho-missing-nodes";

/// What the nodes have answered.
pub(super) struct Answers<T> {
    /// By the name of the node.
    pub(super) given: Vec<(String, T)>,
    /// Nodes that have given none, and why.
    pub(super) missing: Vec<(String, String)>,
}

/// The path of a request that has come with these headers.
pub(super) fn path(relay: &Relay, headers: &HeaderMap) -> Result<RelayPath, Status> {
    RelayPath::of(headers, relay.epoch)
        .map_err(|error| Status::failed_precondition(error.to_string()))
}

/// A request that says which relays it has passed.
pub(super) fn passed_on<T>(path: &RelayPath, message: T) -> Request<T> {
    let mut request = Request::new(message);
    path.put(request.metadata_mut());
    request
}

/// Puts a question to every node that is connected.
pub(super) async fn ask<T, F>(relay: &Relay, question: impl Fn(Channel) -> F) -> Answers<T>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let mut answers = Answers {
        given: Vec::new(),
        missing: Vec::new(),
    };
    let mut asked = Vec::new();
    for (_, view) in named_once(&relay.board.peers()) {
        let name = view.short_name().to_owned();
        match view.connection() {
            Some(connection) => {
                let answer = question(connection.channel.clone());
                asked.push(async { (name, tokio::time::timeout(PATIENCE, answer).await) });
            }
            None => answers.missing.push((name, why_not(&view))),
        }
    }
    for (name, answer) in join_all(asked).await {
        match answer {
            Ok(Ok(answer)) => answers.given.push((name, answer.into_inner())),
            Ok(Err(status)) => answers.missing.push((name, refusal(&status))),
            Err(_elapsed) => answers.missing.push((name, no_answer())),
        }
    }
    answers.given.sort_by(|a, b| a.0.cmp(&b.0));
    answers.missing.sort();
    answers
}

impl<T> Answers<T> {
    /// That nobody has answered is no answer.
    pub(super) fn or_nobody(self) -> Result<Self, Status> {
        match self.missing.first() {
            Some((name, why)) if self.given.is_empty() => Err(Status::unavailable(format!(
                "none of {} nodes has answered; {name}: {why}",
                self.missing.len()
            ))),
            _ => Ok(self),
        }
    }

    /// Says in the headers of a response who is missing.
    pub(super) fn name_missing(&self, headers: &mut MetadataMap) {
        let names: Vec<&str> = self.missing.iter().map(|(name, _)| name.as_str()).collect();
        if !names.is_empty()
            && let Ok(value) = names.join(",").parse()
        {
            headers.insert(MISSING_HEADER, value);
        }
    }
}

/// Why a peer cannot be asked.
pub(super) fn why_not(view: &PeerView) -> String {
    match &view.state {
        PeerState::Unavailable { reason } => reason.clone(),
        PeerState::Connected(_) | PeerState::Gone => "it is gone".to_owned(),
    }
}

/// Why a node that can be asked has given no answer.
pub(super) fn no_answer() -> String {
    format!("no answer within {PATIENCE:?}")
}

/// What a node has said instead of an answer.
pub(super) fn refusal(status: &Status) -> String {
    if status.code() == Code::Unimplemented {
        return "its version does not have this call".to_owned();
    }
    match status.message() {
        "" => status.code().to_string(),
        message => message.to_owned(),
    }
}
