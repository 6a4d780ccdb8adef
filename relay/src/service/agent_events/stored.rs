//! What the nodes hold, merged: the oldest of what each node sends next goes first.

use std::collections::VecDeque;

use flow::selection::timestamp;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetAgentEventsRequest, GetAgentEventsResponse};
use proto::relay::{NodeState, NodeStatusEvent};

use super::{Wanted, time_ns};
use crate::merge::{about, named_once};
use crate::service::everybody::{PATIENCE, no_answer, passed_on, refusal, why_not};
use crate::service::sources::{FromNode, asked_for};

/// The streams of all nodes.
pub(super) struct Stored {
    nodes: Vec<OfNode>,
    /// Nodes that have no part in it, or not all of theirs.
    pub(super) missing: Vec<NodeStatusEvent>,
}

/// That of one node.
struct OfNode {
    name: String,
    clock_offset_ns: i64,
    stream: Option<FromNode<GetAgentEventsResponse>>,
    /// What comes next, and when it happened.
    head: Option<(u64, GetAgentEventsResponse)>,
}

impl Stored {
    /// Asks every node that is connected. A follower is told here what is older than his request.
    pub(super) fn open(wanted: &Wanted) -> Self {
        let (mut nodes, mut absent) = (Vec::new(), Vec::new());
        for (peer, view) in named_once(&wanted.relay.board.peers()) {
            let name = view.short_name().to_owned();
            let Some(connection) = view.connection() else {
                absent.push(about(NodeState::NodeUnavailable, &name, &why_not(&view)));
                continue;
            };
            let mut request = GetAgentEventsRequest {
                follow: false,
                ..wanted.request
            };
            if wanted.selection.follow {
                let before_ns = peer.its_time_ns(wanted.began_ns).saturating_sub(1);
                let until_ns = before_ns.min(wanted.selection.window.until_ns);
                request.until = Some(timestamp(until_ns));
            }
            let mut client = ObserverClient::new(connection.channel.clone());
            let request = passed_on(&wanted.path, request);
            let skew = peer.skew(wanted.relay.bounds.skew);
            nodes.push(OfNode {
                name,
                clock_offset_ns: skew.map_or(0, |skew| skew.offset_ns),
                stream: Some(asked_for(
                    async move { client.get_agent_events(request).await },
                )),
                head: None,
            });
        }
        Self {
            nodes,
            missing: absent,
        }
    }

    /// The oldest event that was not given yet.
    pub(super) async fn next(&mut self) -> Option<GetAgentEventsResponse> {
        let failed = join_all(self.nodes.iter_mut().map(OfNode::fill)).await;
        self.missing.extend(failed.into_iter().flatten());
        let heads = self.nodes.iter_mut();
        let heads = heads.filter_map(|node| Some((node.head.as_ref()?.0, node)));
        let (_, node) = heads.min_by_key(|(time_ns, _)| *time_ns)?;
        Some(node.head.take()?.1)
    }

    /// The last events, oldest first.
    pub(super) async fn last(&mut self, number: u64) -> VecDeque<GetAgentEventsResponse> {
        let mut last = VecDeque::new();
        while let Some(event) = self.next().await {
            last.push_back(event);
            if last.len() as u64 > number {
                last.pop_front();
            }
        }
        last
    }
}

impl OfNode {
    /// Waits until it is known what comes next. A node that does not say is not waited for any more.
    async fn fill(&mut self) -> Option<NodeStatusEvent> {
        if self.head.is_some() {
            return None;
        }
        let next = tokio::time::timeout(PATIENCE, self.stream.as_mut()?.next()).await;
        let failure = match next {
            Ok(Some(Ok(event))) => {
                self.head = Some((time_ns(&event, self.clock_offset_ns), event));
                return None;
            }
            Ok(None) => None,
            Ok(Some(Err(status))) => Some((NodeState::NodeError, refusal(&status))),
            Err(_elapsed) => Some((NodeState::NodeUnavailable, no_answer())),
        };
        self.stream = None;
        let (state, why) = failure?;
        Some(about(state, &self.name, &why))
    }
}
