//! What the server with canned answers says of other nodes.

use proto::observer::{GetNodesResponse, Namespace, Node, ServerStatusResponse, Tls};
use proto::peer::peer_server::Peer;
use proto::peer::{ChangeNotification, ChangeNotificationType, NotifyRequest};
use proto::relay::NodeState as State;
use proto::tycho::v1::nodes_server::Nodes;
use proto::tycho::v1::{ListNodesRequest, ListNodesResponse, NodeKind, NodeState};
use tonic::{Request, Response, Status};

use crate::fake::Answers;
use crate::fake_node::time;

/// A relay, or what is one only in part.
#[derive(Clone, Default)]
pub(crate) struct FakeRelay {
    /// Its nodes; without any it lists none.
    pub(crate) nodes: Vec<NodeState>,
    /// Namespaces that were seen.
    pub(crate) namespaces: Vec<Namespace>,
    /// What it tells of peers; without any it does not.
    pub(crate) peers: Vec<ChangeNotification>,
    /// What of its status only relays say.
    pub(crate) status: ServerStatusResponse,
}

impl FakeRelay {
    /// As Hubble's service lists them.
    pub(crate) fn nodes_as_hubble_has_them(&self) -> Result<Response<GetNodesResponse>, Status> {
        if self.nodes.is_empty() {
            return Err(Status::unimplemented("GetNodes not implemented"));
        }
        let nodes = self.nodes.iter().filter_map(|node| node.node.clone());
        Ok(Response::new(GetNodesResponse {
            nodes: nodes.collect(),
        }))
    }
}

#[tonic::async_trait]
impl Nodes for FakeRelay {
    async fn list_nodes(
        &self,
        _request: Request<ListNodesRequest>,
    ) -> Result<Response<ListNodesResponse>, Status> {
        Ok(Response::new(ListNodesResponse {
            nodes: self.nodes.clone(),
        }))
    }
}

#[tonic::async_trait]
impl Peer for FakeRelay {
    type NotifyStream = Answers<ChangeNotification>;

    async fn notify(
        &self,
        _request: Request<NotifyRequest>,
    ) -> Result<Response<Self::NotifyStream>, Status> {
        let changes = self.peers.clone().into_iter().map(Ok);
        Ok(Response::new(Box::pin(tokio_stream::iter(changes))))
    }
}

/// Three nodes: one that works, one whose clock is wrong, and one that is away.
pub(crate) fn three_nodes() -> Vec<NodeState> {
    let node = |name: &str, state: State, tls: Option<bool>| Node {
        name: name.to_owned(),
        address: format!("10.2.0.{}:4244", name.len()),
        state: state.into(),
        tls: tls.map(|enabled| Tls {
            enabled,
            ..Default::default()
        }),
        ..Default::default()
    };
    let works = Node {
        version: "1.19.4+tycho0.1.0".to_owned(),
        uptime_ns: 3_725_000_000_000,
        num_flows: 4_095,
        max_flows: 1_048_576,
        seen_flows: 37_250,
        ..node("b", State::NodeConnected, Some(true))
    };
    let skewed = Node {
        uptime_ns: 45_400_000_000,
        num_flows: 10,
        max_flows: 10,
        seen_flows: 450,
        ..node("a\x1b", State::NodeConnected, Some(false))
    };
    vec![
        NodeState {
            kind: NodeKind::Observer.into(),
            state: works.state,
            since: time(1),
            clock_offset_ns: Some(1_234_567),
            clock_error_ns: 400_000,
            flows_rate: 12.345,
            connects: 1,
            source: "registry".to_owned(),
            node: Some(works),
            ..Default::default()
        },
        NodeState {
            kind: NodeKind::Hubble.into(),
            state: skewed.state,
            since: time(2),
            problem: "its clock is 2m0s behind".to_owned(),
            clock_offset_ns: Some(-120_000_000_000),
            skewed: true,
            connects: 3,
            behind: "relay-1".to_owned(),
            source: "flag".to_owned(),
            node: Some(skewed),
            ..Default::default()
        },
        NodeState {
            kind: NodeKind::Observer.into(),
            state: State::NodeUnavailable.into(),
            since: time(3),
            problem: "connection refused".to_owned(),
            source: "file".to_owned(),
            node: Some(node("ccc", State::NodeUnavailable, None)),
            ..Default::default()
        },
    ]
}

/// Three nodes come and one goes.
pub(crate) fn peers() -> Vec<ChangeNotification> {
    let change = |kind: ChangeNotificationType, name: &str, tls: Option<&str>| ChangeNotification {
        name: name.to_owned(),
        address: "10.2.0.1:4244".to_owned(),
        r#type: kind.into(),
        tls: tls.map(|name| proto::peer::Tls {
            server_name: name.to_owned(),
        }),
    };
    vec![
        change(ChangeNotificationType::PeerAdded, "node-a", None),
        change(
            ChangeNotificationType::PeerUpdated,
            "other/node-b",
            Some("node-b.other.hubble-grpc.cilium.io"),
        ),
        change(ChangeNotificationType::PeerDeleted, "no\nde", None),
    ]
}
