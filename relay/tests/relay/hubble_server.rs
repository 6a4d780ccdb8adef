//! A server that behaves as Hubble's observer does on the wire: no batches, no heartbeat, `number` and `since` as there.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use daemon::tasks::Tasks;
use futures_util::Stream;
use proto::flow::{Flow, Layer4, Udp};
use proto::observer::get_flows_response::ResponseTypes;
use proto::observer::observer_server::{Observer, ObserverServer};
use proto::observer::*;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use crate::serve::serve;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What it holds; appended to while it runs.
#[derive(Clone, Debug)]
pub(crate) struct HubbleServer {
    flows: Arc<Mutex<Vec<GetFlowsResponse>>>,
    changes: watch::Sender<usize>,
}

impl HubbleServer {
    /// Serves at a port of its own.
    pub(crate) async fn start(tasks: &Tasks) -> (Self, u16) {
        let server = Self {
            flows: Arc::default(),
            changes: watch::Sender::new(0),
        };
        let port = serve("hubble", ObserverServer::new(server.clone()), tasks).await;
        (server, port)
    }

    pub(crate) fn push(&self, port: u16, time_ns: u64) {
        let time = Some(flow::selection::timestamp(time_ns));
        let udp = Udp {
            source_port: port.into(),
            destination_port: 53,
        };
        let flow = Flow {
            time,
            node_name: "default/h".to_owned(),
            uuid: format!("flow-{port}"),
            l4: Some(Layer4 {
                protocol: Some(proto::flow::layer4::Protocol::Udp(udp)),
            }),
            ..Flow::default()
        };
        let response = GetFlowsResponse {
            response_types: Some(ResponseTypes::Flow(flow)),
            node_name: "default/h".to_owned(),
            time,
        };
        self.flows.lock().unwrap().push(response);
        self.changes.send_modify(|change| *change += 1);
    }
}

fn at(time: &Option<prost_types::Timestamp>) -> Option<(i64, i32)> {
    time.map(|time| (time.seconds, time.nanos))
}

#[tonic::async_trait]
impl Observer for HubbleServer {
    type GetFlowsStream = Answers<GetFlowsResponse>;
    type GetAgentEventsStream = Answers<GetAgentEventsResponse>;
    type GetDebugEventsStream = Answers<GetDebugEventsResponse>;

    async fn get_flows(
        &self,
        request: Request<GetFlowsRequest>,
    ) -> Result<Response<Self::GetFlowsStream>, Status> {
        let request = request.into_inner();
        // It leaves the response's own fields empty if the mask does not have them.
        let paths = request.field_mask.clone().unwrap_or_default().paths;
        let masked = move |mut response: GetFlowsResponse| {
            if !paths.is_empty() && !paths.iter().any(|path| path == "time") {
                response.time = None;
            }
            if !paths.is_empty() && !paths.iter().any(|path| path == "node_name") {
                response.node_name = String::new();
            }
            response
        };
        let stored = self.flows.lock().unwrap().clone();
        let since = at(&request.since);
        let until = at(&request.until);
        let inside = |response: &&GetFlowsResponse| {
            let time = at(&response.time);
            since.is_none_or(|since| time >= Some(since))
                && until.is_none_or(|until| time <= Some(until))
        };
        let mut answer: Vec<GetFlowsResponse> = match (request.number, request.first, since) {
            (0, _, None) if request.follow => Vec::new(),
            (0, _, _) => stored.iter().filter(inside).cloned().collect(),
            // Of a window it gives the first.
            (number, first, since) if first || since.is_some() => stored
                .iter()
                .filter(inside)
                .take(number as usize)
                .cloned()
                .collect(),
            (number, _, _) => {
                let skip = stored.len().saturating_sub(number as usize);
                stored.iter().skip(skip).filter(inside).cloned().collect()
            }
        };
        answer = answer.into_iter().map(&masked).collect();
        let history = futures_util::stream::iter(answer.into_iter().map(Ok));
        if !request.follow {
            return Ok(Response::new(Box::pin(history)));
        }
        let (flows, changes, next) = (
            Arc::clone(&self.flows),
            self.changes.subscribe(),
            stored.len(),
        );
        let live = futures_util::stream::unfold(
            (flows, changes, next),
            move |(flows, mut changes, next)| {
                let masked = masked.clone();
                async move {
                    loop {
                        let found = flows.lock().unwrap().get(next).cloned();
                        if let Some(response) = found {
                            return Some((Ok(masked(response)), (flows, changes, next + 1)));
                        }
                        changes.changed().await.ok()?;
                    }
                }
            },
        );
        Ok(Response::new(Box::pin(futures_util::StreamExt::chain(
            history, live,
        ))))
    }

    async fn get_agent_events(
        &self,
        _request: Request<GetAgentEventsRequest>,
    ) -> Result<Response<Self::GetAgentEventsStream>, Status> {
        let event = GetAgentEventsResponse {
            agent_event: Some(proto::flow::AgentEvent::default()),
            node_name: "default/h".to_owned(),
            time: Some(prost_types::Timestamp {
                seconds: 2,
                nanos: 0,
            }),
        };
        let events = futures_util::stream::iter([Ok(event)]);
        Ok(Response::new(Box::pin(events)))
    }

    async fn get_debug_events(
        &self,
        _request: Request<GetDebugEventsRequest>,
    ) -> Result<Response<Self::GetDebugEventsStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_nodes(
        &self,
        _request: Request<GetNodesRequest>,
    ) -> Result<Response<GetNodesResponse>, Status> {
        Err(Status::unimplemented("GetNodes not implemented"))
    }

    async fn get_namespaces(
        &self,
        _request: Request<GetNamespacesRequest>,
    ) -> Result<Response<GetNamespacesResponse>, Status> {
        let system = Namespace {
            cluster: "default".to_owned(),
            namespace: "kube-system".to_owned(),
        };
        Ok(Response::new(GetNamespacesResponse {
            namespaces: vec![system],
        }))
    }

    async fn server_status(
        &self,
        _request: Request<ServerStatusRequest>,
    ) -> Result<Response<ServerStatusResponse>, Status> {
        let num_flows = self.flows.lock().unwrap().len() as u64;
        Ok(Response::new(ServerStatusResponse {
            num_flows,
            max_flows: 4_095,
            seen_flows: num_flows,
            version: "1.18.0".to_owned(),
            ..ServerStatusResponse::default()
        }))
    }
}
