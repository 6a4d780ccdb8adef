//! `tycho.v1.Nodes`: every node and how it stands with it.

use std::time::Duration;

use flow::selection::timestamp;
use proto::observer::{Node, Tls};
use proto::relay::NodeState as State;
use proto::tycho::v1::nodes_server::Nodes;
use proto::tycho::v1::{ListNodesRequest, ListNodesResponse, NodeState};
use tonic::{Request, Response, Status};

use super::answers::Relay;
use crate::peers::{PeerState, PeerView};

#[derive(Debug)]
pub(super) struct NodesApi {
    relay: Relay,
}

impl NodesApi {
    pub(super) fn new(relay: Relay) -> Self {
        Self { relay }
    }
}

#[tonic::async_trait]
impl Nodes for NodesApi {
    async fn list_nodes(
        &self,
        _request: Request<ListNodesRequest>,
    ) -> Result<Response<ListNodesResponse>, Status> {
        let bound = self.relay.bounds.skew;
        let peers = self.relay.board.peers();
        let nodes = peers.iter().map(|peer| node_state(&peer.view(), bound));
        Ok(Response::new(ListNodesResponse {
            nodes: nodes.collect(),
        }))
    }
}

/// A node as the relay sees it; clocks beyond the bound are named.
pub(super) fn node_state(view: &PeerView, bound: Duration) -> NodeState {
    NodeState {
        kind: view.kind.into(),
        state: state(view).into(),
        since: Some(timestamp(view.since_ns)),
        problem: match &view.state {
            PeerState::Unavailable { reason } => reason.clone(),
            _ => String::new(),
        },
        clock_offset_ns: view.clock.map(|clock| clock.offset_ns),
        clock_error_ns: view.clock.map_or(0, |clock| clock.error_ns),
        skewed: view.clock.is_some_and(|clock| clock.is_beyond(bound)),
        flows_rate: view.heartbeat.flows_rate,
        behind: String::new(),
        connects: view.connects,
        source: view.spec.origin.to_string(),
        node: Some(hubble_node(view)),
    }
}

/// A node as Hubble's clients see it.
pub(super) fn hubble_node(view: &PeerView) -> Node {
    let heartbeat = &view.heartbeat;
    Node {
        name: view.short_name().to_owned(),
        version: heartbeat.version.clone(),
        address: view.spec.address.target.to_string(),
        state: state(view).into(),
        tls: Some(Tls {
            enabled: view.spec.tls,
            server_name: view.spec.server_name.clone().unwrap_or_default(),
        }),
        uptime_ns: heartbeat.uptime_ns,
        num_flows: heartbeat.num_flows,
        max_flows: heartbeat.max_flows,
        seen_flows: heartbeat.seen_flows,
    }
}

fn state(view: &PeerView) -> State {
    match view.state {
        PeerState::Connected(_) => State::NodeConnected,
        PeerState::Unavailable { .. } => State::NodeUnavailable,
        PeerState::Gone => State::NodeGone,
    }
}
