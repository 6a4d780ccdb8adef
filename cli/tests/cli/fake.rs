//! A server with canned answers, which remembers what it was asked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use proto::observer::observer_server::{Observer, ObserverServer};
use proto::observer::{
    GetAgentEventsRequest, GetAgentEventsResponse, GetDebugEventsRequest, GetDebugEventsResponse,
    GetFlowsRequest, GetFlowsResponse, GetNamespacesRequest, GetNamespacesResponse,
    GetNodesRequest, GetNodesResponse, ServerStatusRequest, ServerStatusResponse,
};
use proto::peer::peer_server::PeerServer;
use proto::tycho::v1::endpoints_server::EndpointsServer;
use proto::tycho::v1::flows_server::{Flows, FlowsServer};
use proto::tycho::v1::identities_server::IdentitiesServer;
use proto::tycho::v1::ledger_server::{Ledger, LedgerServer};
use proto::tycho::v1::nodes_server::NodesServer;
use proto::tycho::v1::policies_server::PoliciesServer;
use proto::tycho::v1::{
    CounterRow, FlowDetails, GetLedgerRequest, GetLedgerResponse, LedgerRow, MapRow,
};
use tokio::sync::oneshot;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

use crate::fake_node::FakeNode;
use crate::fake_relay::FakeRelay;

pub(crate) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What the server does.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    /// The flows it streams.
    pub(crate) flows: Vec<GetFlowsResponse>,
    /// Whether the stream stays open behind the last flow.
    pub(crate) stays_open: bool,
    /// How the stream ends.
    pub(crate) error: Option<Status>,
    /// Whether it has Tycho's services.
    pub(crate) is_tycho: bool,
    /// What it says of endpoints, identities and policies, if it is Tycho's.
    pub(crate) node: FakeNode,
    /// What it is as a relay.
    pub(crate) relay: FakeRelay,
    /// The agent events it streams; without any it has none to stream.
    pub(crate) agent_events: Vec<GetAgentEventsResponse>,
}

/// A running server; it stops when dropped.
pub(crate) struct Fake {
    /// Its address, for `--server`.
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<(&'static str, GetFlowsRequest)>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone)]
struct Service {
    plan: Plan,
    requests: Arc<Mutex<Vec<(&'static str, GetFlowsRequest)>>>,
}

impl Fake {
    /// Starts on a free port, or on a socket.
    pub(crate) fn start(plan: Plan, socket: Option<PathBuf>) -> Self {
        let requests = Arc::default();
        let service = Service {
            plan,
            requests: Arc::clone(&requests),
        };
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(serve(service, socket, tell, stopped));
        });
        Self {
            address: told.recv().expect("the server starts"),
            requests,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The requests for flows so far, with the service that got each.
    pub(crate) fn requests(&self) -> Vec<(&'static str, GetFlowsRequest)> {
        self.requests
            .lock()
            .expect("no test panics with it")
            .clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

async fn serve(
    service: Service,
    socket: Option<PathBuf>,
    tell: std::sync::mpsc::SyncSender<String>,
    stopped: oneshot::Receiver<()>,
) {
    let (health, health_server) = tonic_health::server::health_reporter();
    health
        .set_service_status(
            "hubble.server.Observer",
            tonic_health::ServingStatus::Serving,
        )
        .await;
    let is_tycho = service.plan.is_tycho;
    let node = is_tycho.then(|| service.plan.node.clone());
    let relay = service.plan.relay.clone();
    let has_nodes = is_tycho && !relay.nodes.is_empty();
    let has_peers = !relay.peers.is_empty();
    let router = tonic::transport::Server::builder()
        .add_service(health_server)
        .add_service(ObserverServer::new(service.clone()))
        .add_optional_service(is_tycho.then(|| FlowsServer::new(service.clone())))
        .add_optional_service(is_tycho.then(|| LedgerServer::new(service)))
        .add_optional_service(node.clone().map(EndpointsServer::new))
        .add_optional_service(node.clone().map(IdentitiesServer::new))
        .add_optional_service(node.map(PoliciesServer::new))
        .add_optional_service(has_nodes.then(|| NodesServer::new(relay.clone())))
        .add_optional_service(has_peers.then(|| PeerServer::new(relay)));
    let stopped = async {
        stopped.await.ok();
    };
    // Dropping the server at the signal also ends streams that stay open.
    let served = async {
        match socket {
            Some(path) => {
                let listener = tokio::net::UnixListener::bind(&path).expect("the socket is free");
                tell.send(format!("unix://{}", path.display()))
                    .expect("the test waits");
                let incoming = tokio_stream::wrappers::UnixListenerStream::new(listener);
                router.serve_with_incoming(incoming).await
            }
            None => {
                let any = SocketAddr::from(([127, 0, 0, 1], 0));
                let listener = tokio::net::TcpListener::bind(any).await.expect("a port");
                let address = listener.local_addr().expect("its address");
                tell.send(address.to_string()).expect("the test waits");
                let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
                router.serve_with_incoming(incoming).await
            }
        }
        .expect("the server serves");
    };
    tokio::select! {
        () = served => {}
        () = stopped => {}
    }
}

impl Service {
    fn answers(&self) -> Answers<GetFlowsResponse> {
        let flows = self.plan.flows.clone().into_iter().map(Ok);
        let end = self.plan.error.clone().into_iter().map(Err);
        let answers = tokio_stream::iter(flows.chain(end).collect::<Vec<_>>());
        if self.plan.stays_open {
            Box::pin(answers.chain(tokio_stream::pending()))
        } else {
            Box::pin(answers)
        }
    }

    fn remember(&self, service: &'static str, request: GetFlowsRequest) {
        self.requests
            .lock()
            .expect("no test panics with it")
            .push((service, request));
    }
}

#[tonic::async_trait]
impl Flows for Service {
    type GetFlowsStream = Answers<proto::tycho::v1::GetFlowsResponse>;

    async fn get_flows(
        &self,
        request: Request<GetFlowsRequest>,
    ) -> Result<Response<Self::GetFlowsStream>, Status> {
        use prost::Message as _;
        self.remember("tycho.v1.Flows", request.into_inner());
        let answers = self.answers().map(|answer| {
            answer.map(|plain| {
                let bytes = plain.encode_to_vec();
                let mut detailed = proto::tycho::v1::GetFlowsResponse::decode(bytes.as_slice())
                    .expect("the messages share their numbers");
                detailed.tycho = Some(FlowDetails {
                    packets: 3,
                    rule: 7,
                    ..Default::default()
                });
                detailed
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

#[tonic::async_trait]
impl Ledger for Service {
    async fn get_ledger(
        &self,
        _request: Request<GetLedgerRequest>,
    ) -> Result<Response<GetLedgerResponse>, Status> {
        let row = |stage: &str, count, meaning: &str| LedgerRow {
            stage: stage.to_owned(),
            count,
            meaning: meaning.to_owned(),
        };
        let map = |name: &str, entries| MapRow {
            name: name.to_owned(),
            entries,
            capacity: 10_000,
            meaning: "who talks".to_owned(),
        };
        Ok(Response::new(GetLedgerResponse {
            node_name: "default/node-a".to_owned(),
            started: Some(prost_types::Timestamp {
                seconds: 1_763_805_600,
                nanos: 0,
            }),
            rows: vec![
                row("emitted", 1_234_567, "events the kernel wrote"),
                row("stored", 1_234_567, "flows in the ring"),
            ],
            closed: true,
            kernel: vec![CounterRow {
                name: "forwarded".to_owned(),
                packets: 12,
                bytes: 3_456,
                meaning: "packets let through".to_owned(),
            }],
            maps: vec![map("conntrack", 9_000), map("policies", 12)],
            warnings: vec!["conntrack is 90 % full".to_owned()],
        }))
    }
}

#[tonic::async_trait]
impl Observer for Service {
    type GetFlowsStream = Answers<GetFlowsResponse>;
    type GetAgentEventsStream = Answers<GetAgentEventsResponse>;
    type GetDebugEventsStream = Answers<GetDebugEventsResponse>;

    async fn get_flows(
        &self,
        request: Request<GetFlowsRequest>,
    ) -> Result<Response<Self::GetFlowsStream>, Status> {
        self.remember("observer.Observer", request.into_inner());
        Ok(Response::new(self.answers()))
    }

    async fn server_status(
        &self,
        _request: Request<ServerStatusRequest>,
    ) -> Result<Response<ServerStatusResponse>, Status> {
        Ok(Response::new(ServerStatusResponse {
            num_flows: 4_095,
            max_flows: 8_190,
            seen_flows: 5_000,
            uptime_ns: 10_000_000_000,
            version: "1.19.4+tycho0.1.0".to_owned(),
            ..self.plan.relay.status.clone()
        }))
    }

    async fn get_agent_events(
        &self,
        request: Request<GetAgentEventsRequest>,
    ) -> Result<Response<Self::GetAgentEventsStream>, Status> {
        if self.plan.agent_events.is_empty() {
            return Err(Status::unimplemented("no agent events"));
        }
        let request = request.into_inner();
        // The request in the terms of the other one, which is what is remembered.
        self.remember(
            "agent events",
            GetFlowsRequest {
                number: request.number,
                first: request.first,
                follow: request.follow,
                since: request.since,
                until: request.until,
                ..Default::default()
            },
        );
        let events = self.plan.agent_events.clone().into_iter().map(Ok);
        Ok(Response::new(Box::pin(tokio_stream::iter(events))))
    }

    async fn get_debug_events(
        &self,
        _request: Request<GetDebugEventsRequest>,
    ) -> Result<Response<Self::GetDebugEventsStream>, Status> {
        Err(Status::unimplemented("no debug events"))
    }

    async fn get_nodes(
        &self,
        _request: Request<GetNodesRequest>,
    ) -> Result<Response<GetNodesResponse>, Status> {
        self.plan.relay.nodes_as_hubble_has_them()
    }

    async fn get_namespaces(
        &self,
        _request: Request<GetNamespacesRequest>,
    ) -> Result<Response<GetNamespacesResponse>, Status> {
        Ok(Response::new(GetNamespacesResponse {
            namespaces: self.plan.relay.namespaces.clone(),
        }))
    }
}
