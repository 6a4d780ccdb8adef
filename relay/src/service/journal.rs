//! `tycho.v1.Journal` of a relay: one node after the other, by name.

use flow::selection::page_size;
use proto::relay::NodeState;
use proto::tycho::v1::journal_client::JournalClient;
use proto::tycho::v1::journal_server::Journal;
use proto::tycho::v1::{GetJournalRequest, GetJournalResponse};
use tonic::{Code, Request, Response, Status};

use super::answers::Relay;
use super::everybody::{PATIENCE, no_answer, passed_on, path, refusal, why_not};
use crate::merge::{about, named_once};
use crate::peers::PeerView;
use crate::upstream::RelayPath;

/// The largest page that is taken: one of policies with many long rules.
const MOST_BYTES: usize = 64 << 20;

/// Between a node's name and its own token. No name has it.
const SEPARATOR: char = '\n';

#[derive(Debug)]
pub(super) struct JournalApi {
    relay: Relay,
}

impl JournalApi {
    pub(super) fn new(relay: Relay) -> Self {
        Self { relay }
    }

    /// The peers from a name on.
    fn peers(&self, from: &str) -> Vec<PeerView> {
        let peers = named_once(&self.relay.board.peers()).into_iter();
        let peers = peers.map(|(_, view)| view);
        let mut peers: Vec<PeerView> = peers.filter(|peer| peer.short_name() >= from).collect();
        peers.sort_by(|a, b| a.short_name().cmp(b.short_name()));
        peers
    }
}

#[tonic::async_trait]
impl Journal for JournalApi {
    async fn get_journal(
        &self,
        request: Request<GetJournalRequest>,
    ) -> Result<Response<GetJournalResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let path = path(&self.relay, &metadata.into_headers())?;
        let (from, token) = read_token(&request.page_token)?;
        let mut left = page_size(request.page_size);
        let mut page = GetJournalResponse::default();
        let mut has_answer = false;
        for peer in self.peers(from) {
            let name = peer.short_name();
            if left == 0 {
                page.next_page_token = format!("{name}{SEPARATOR}");
                break;
            }
            // If the node of the token is gone, the next one begins at its own beginning.
            let page_token = if name == from { token } else { "" };
            let of_node = GetJournalRequest {
                page_size: left,
                page_token: page_token.to_owned(),
                ..request.clone()
            };
            match ask(&peer, of_node, &path).await {
                Ok(answer) => {
                    has_answer = true;
                    let entries = u32::try_from(answer.entries.len()).unwrap_or(u32::MAX);
                    left = left.saturating_sub(entries);
                    page.entries.extend(answer.entries);
                    page.extents.extend(answer.extents);
                    page.node_status.extend(answer.node_status);
                    if !answer.next_page_token.is_empty() {
                        page.next_page_token =
                            format!("{name}{SEPARATOR}{}", answer.next_page_token);
                        break;
                    }
                }
                Err(Refused::Request(status)) => return Err(status),
                Err(Refused::Node(state, why)) => page.node_status.push(about(state, name, &why)),
            }
        }
        match page.node_status.first() {
            Some(first) if !has_answer && from.is_empty() => Err(Status::unavailable(format!(
                "no node has answered; {}: {}",
                first.node_names.join(","),
                first.message
            ))),
            _ => Ok(Response::new(page)),
        }
    }
}

/// The node and its token in a page's token.
fn read_token(token: &str) -> Result<(&str, &str), Status> {
    match token.split_once(SEPARATOR) {
        Some(parts) => Ok(parts),
        None if token.is_empty() => Ok(("", "")),
        None => Err(Status::invalid_argument(
            "page_token: is none that this server has given",
        )),
    }
}

/// Why there is no answer.
enum Refused {
    /// It would be the same at every node.
    Request(Status),
    /// It is something about this node.
    Node(NodeState, String),
}

async fn ask(
    peer: &PeerView,
    request: GetJournalRequest,
    path: &RelayPath,
) -> Result<GetJournalResponse, Refused> {
    let Some(connection) = peer.connection() else {
        return Err(Refused::Node(NodeState::NodeUnavailable, why_not(peer)));
    };
    let client = JournalClient::new(connection.channel.clone());
    let mut client = client.max_decoding_message_size(MOST_BYTES);
    let answer = client.get_journal(passed_on(path, request));
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) if status.code() == Code::InvalidArgument => Err(Refused::Request(status)),
        Ok(Err(status)) => Err(Refused::Node(NodeState::NodeError, refusal(&status))),
        Err(_elapsed) => Err(Refused::Node(NodeState::NodeUnavailable, no_answer())),
    }
}
