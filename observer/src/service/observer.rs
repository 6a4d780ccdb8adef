//! `observer.Observer` but for GetFlows: status, nodes, namespaces, agent events.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use daemon::drain::Drain;
use daemon::tasks::Tasks;
use futures_util::Stream;
use proto::observer::observer_server::Observer;
use proto::observer::{
    GetAgentEventsRequest, GetAgentEventsResponse, GetDebugEventsRequest, GetDebugEventsResponse,
    GetFlowsRequest, GetFlowsResponse, GetNamespacesRequest, GetNamespacesResponse,
    GetNodesRequest, GetNodesResponse, Namespace, Node as NodeMessage, ServerStatusRequest,
    ServerStatusResponse, Tls,
};
use proto::relay::NodeState;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::{agent_events, namespaces};
use crate::node::Node;
use crate::pipeline::wall_ns;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Debug)]
pub(super) struct ObserverApi {
    node: Arc<Node>,
    tasks: Tasks,
    stop: CancellationToken,
}

impl ObserverApi {
    pub(super) fn new(node: Arc<Node>, tasks: Tasks, drain: &Drain) -> Self {
        Self {
            node,
            tasks,
            stop: drain.stopping(),
        }
    }

    fn seen_flows(&self) -> u64 {
        self.node.counts.reading().stored
    }
}

#[tonic::async_trait]
impl Observer for ObserverApi {
    type GetFlowsStream = Answers<GetFlowsResponse>;
    type GetAgentEventsStream = Answers<GetAgentEventsResponse>;
    type GetDebugEventsStream = Answers<GetDebugEventsResponse>;

    async fn get_flows(
        &self,
        _request: Request<GetFlowsRequest>,
    ) -> Result<Response<Self::GetFlowsStream>, Status> {
        Err(Status::internal(
            "GetFlows is answered before it comes here; please report this",
        ))
    }

    async fn get_agent_events(
        &self,
        request: Request<GetAgentEventsRequest>,
    ) -> Result<Response<Self::GetAgentEventsStream>, Status> {
        let events = agent_events::answer(&self.node, request.get_ref(), &self.stop)?;
        Ok(Response::new(Box::pin(events)))
    }

    async fn get_debug_events(
        &self,
        _request: Request<GetDebugEventsRequest>,
    ) -> Result<Response<Self::GetDebugEventsStream>, Status> {
        Err(Status::unimplemented(
            "Tycho's programs write no debug messages: there is nothing to stream; for what the agent does ask GetAgentEvents",
        ))
    }

    async fn get_nodes(
        &self,
        _request: Request<GetNodesRequest>,
    ) -> Result<Response<GetNodesResponse>, Status> {
        let own = self.node.peers.own();
        let node = NodeMessage {
            name: self.node.names.node_name.clone(),
            version: Node::version(),
            state: NodeState::NodeConnected.into(),
            tls: own.as_ref().map(|own| Tls {
                enabled: own.tls_server_name.is_some(),
                server_name: own.tls_server_name.clone().unwrap_or_default(),
            }),
            address: own.map(|own| own.address).unwrap_or_default(),
            uptime_ns: self.node.uptime_ns(),
            num_flows: self.node.store.held(),
            max_flows: self.node.store.capacity(),
            seen_flows: self.seen_flows(),
        };
        Ok(Response::new(GetNodesResponse { nodes: vec![node] }))
    }

    async fn get_namespaces(
        &self,
        _request: Request<GetNamespacesRequest>,
    ) -> Result<Response<GetNamespacesResponse>, Status> {
        let node = Arc::clone(&self.node);
        let window_ns = u64::try_from(namespaces::SEEN.as_nanos()).unwrap_or(u64::MAX);
        // Reads the whole store at worst, which is too long for a thread that serves others.
        let seen = self.tasks.spawn_blocking("namespaces", move || {
            let since_ns = wall_ns().saturating_sub(window_ns);
            namespaces::seen(&node.store, &node.names.metadata, since_ns)
        });
        let seen = seen
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        let namespaces = seen
            .into_iter()
            .map(|(cluster, namespace)| Namespace { cluster, namespace })
            .collect();
        Ok(Response::new(GetNamespacesResponse { namespaces }))
    }

    async fn server_status(
        &self,
        _request: Request<ServerStatusRequest>,
    ) -> Result<Response<ServerStatusResponse>, Status> {
        let seen_flows = self.seen_flows();
        Ok(Response::new(ServerStatusResponse {
            num_flows: self.node.store.held(),
            max_flows: self.node.store.capacity(),
            seen_flows,
            uptime_ns: self.node.uptime_ns(),
            version: Node::version(),
            flows_rate: self.node.rate.per_second(Instant::now(), seen_flows),
            ..ServerStatusResponse::default()
        }))
    }
}
