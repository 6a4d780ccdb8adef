//! `observer.Observer` but for GetFlows: the nodes, their status in sum, their namespaces and agent events.

use std::pin::Pin;

use futures_util::Stream;
use proto::observer::observer_server::Observer;
use proto::observer::{
    GetAgentEventsRequest, GetAgentEventsResponse, GetDebugEventsRequest, GetDebugEventsResponse,
    GetFlowsRequest, GetFlowsResponse, GetNamespacesRequest, GetNamespacesResponse,
    GetNodesRequest, GetNodesResponse, ServerStatusRequest, ServerStatusResponse,
};
use tonic::{Request, Response, Status};

use super::answers::Relay;
use super::nodes::hubble_node;
use super::{agent_events, namespaces};
use crate::clock::nanos;
use crate::peers::PeerState;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Unavailable nodes that are named.
const NAMED: usize = 10;

#[derive(Debug)]
pub(super) struct ObserverApi {
    relay: Relay,
}

impl ObserverApi {
    pub(super) fn new(relay: Relay) -> Self {
        Self { relay }
    }
}

/// What the nodes say of themselves, in sum. One that is not connected counts as it last said.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) num_flows: u64,
    pub(super) max_flows: u64,
    pub(super) seen_flows: u64,
    pub(super) uptime_ns: u64,
    pub(super) flows_rate: f64,
    connected: u32,
    unavailable: Vec<String>,
}

pub(super) fn totals(relay: &Relay) -> Totals {
    let mut totals = Totals::default();
    for peer in relay.board.peers().iter() {
        let view = peer.view();
        match view.state {
            PeerState::Connected(_) => {
                let heartbeat = &view.heartbeat;
                totals.connected += 1;
                totals.num_flows += heartbeat.num_flows;
                totals.max_flows += heartbeat.max_flows;
                totals.seen_flows += heartbeat.seen_flows;
                totals.uptime_ns = totals.uptime_ns.max(heartbeat.uptime_ns);
                totals.flows_rate += heartbeat.flows_rate;
            }
            PeerState::Unavailable { .. } => totals.unavailable.push(view.short_name().to_owned()),
            PeerState::Gone => {}
        }
    }
    totals
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
        let (metadata, _, request) = request.into_parts();
        let events = agent_events::answer(&self.relay, &metadata.into_headers(), request)?;
        Ok(Response::new(Box::pin(events)))
    }

    async fn get_debug_events(
        &self,
        _request: Request<GetDebugEventsRequest>,
    ) -> Result<Response<Self::GetDebugEventsStream>, Status> {
        Err(Status::unimplemented(
            "Tycho's programs write no debug messages: there is nothing to stream; for what the nodes' agents do ask GetAgentEvents",
        ))
    }

    async fn get_nodes(
        &self,
        _request: Request<GetNodesRequest>,
    ) -> Result<Response<GetNodesResponse>, Status> {
        let peers = self.relay.board.peers();
        let nodes = peers.iter().map(|peer| hubble_node(&peer.view()));
        Ok(Response::new(GetNodesResponse {
            nodes: nodes.collect(),
        }))
    }

    async fn get_namespaces(
        &self,
        request: Request<GetNamespacesRequest>,
    ) -> Result<Response<GetNamespacesResponse>, Status> {
        let headers = request.into_parts().0.into_headers();
        namespaces::namespaces(&self.relay, &headers).await
    }

    async fn server_status(
        &self,
        _request: Request<ServerStatusRequest>,
    ) -> Result<Response<ServerStatusResponse>, Status> {
        let mut totals = totals(&self.relay);
        let unavailable = u32::try_from(totals.unavailable.len()).unwrap_or(u32::MAX);
        totals.unavailable.truncate(NAMED);
        Ok(Response::new(ServerStatusResponse {
            num_flows: totals.num_flows,
            max_flows: totals.max_flows,
            seen_flows: totals.seen_flows,
            uptime_ns: totals.uptime_ns.max(nanos(self.relay.started.elapsed())),
            num_connected_nodes: Some(totals.connected),
            num_unavailable_nodes: Some(unavailable),
            unavailable_nodes: totals.unavailable,
            version: Relay::version(),
            flows_rate: totals.flows_rate,
        }))
    }
}
