//! The gRPC server: every service of the relay behind every listener.

use daemon::health::Health;
use daemon::listen::{Bound, Listen};
use daemon::tasks::Tasks;
use http::HeaderValue;
use proto::tycho::v1::batches_server::BatchesServer;
use proto::tycho::v1::dashboard_server::DashboardServer;
use proto::tycho::v1::edges_server::EdgesServer;
use proto::tycho::v1::journal_server::JournalServer;
use proto::tycho::v1::ledger_server::LedgerServer;
use proto::tycho::v1::nodes_server::NodesServer;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::service::Routes;
use tower::util::MapResponseLayer;

use super::answers::Relay;
use super::batches::BatchesApi;
use super::dashboard::DashboardApi;
use super::edges::EdgesApi;
use super::flows::{FlowsService, ObserverService};
use super::journal::JournalApi;
use super::ledger::LedgerApi;
use super::nodes::NodesApi;
use crate::page::{self, PageConfig};

/// The response headers by which clients learn the version.
const VERSION_HEADERS: [&str; 2] = ["hubble-server-version", "hubble-relay-version"];

/// How the service of a listener ended.
pub(crate) type Served = Result<(), tonic::transport::Error>;

/// The services of a relay, ready to be put behind listeners.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    routes: Routes,
    relay: Relay,
}

impl Server {
    /// The services of `relay`. Streams that follow end when its drain begins.
    pub(crate) fn new(
        relay: Relay,
        health: &Health,
    ) -> Result<Self, tonic_reflection::server::Error> {
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let routes = Routes::new(ObserverService::new(relay.clone()))
            .add_service(FlowsService::new(relay.clone()))
            .add_service(BatchesServer::new(BatchesApi::new(relay.clone())))
            .add_service(DashboardServer::new(DashboardApi::new(relay.clone())))
            .add_service(EdgesServer::new(EdgesApi::new(relay.clone())))
            .add_service(JournalServer::new(JournalApi::new(relay.clone())))
            .add_service(LedgerServer::new(LedgerApi::new(relay.clone())))
            .add_service(NodesServer::new(NodesApi::new(relay.clone())))
            .add_service(health.service())
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?);
        Ok(Self {
            routes: routes.prepare(),
            relay,
        })
    }

    /// Serves a listener until the drain begins and its connections have ended; a task of its own.
    pub(crate) fn serve(&self, bound: Bound, tasks: &Tasks) -> (Listen, JoinHandle<Served>) {
        let builder = tonic::transport::Server::builder();
        self.serve_by(builder, self.routes.clone(), bound, tasks)
    }

    /// The same with the page, as browsers speak.
    pub(crate) fn serve_page(
        &self,
        page: &PageConfig,
        bound: Bound,
        tasks: &Tasks,
    ) -> (Listen, JoinHandle<Served>) {
        let bound = bound.for_browsers();
        let routes = page::routes(self.routes.clone(), page, bound.has_tls());
        let builder = tonic::transport::Server::builder().accept_http1(true);
        self.serve_by(builder, routes, bound, tasks)
    }

    fn serve_by(
        &self,
        builder: tonic::transport::Server,
        routes: Routes,
        bound: Bound,
        tasks: &Tasks,
    ) -> (Listen, JoinHandle<Served>) {
        let address = bound.address().clone();
        let version =
            HeaderValue::from_str(&Relay::version()).expect("a version is printable ASCII");
        let drain = &self.relay.drain;
        let served = builder
            .layer(MapResponseLayer::new(
                move |mut response: http::Response<Body>| {
                    for header in VERSION_HEADERS {
                        response.headers_mut().insert(header, version.clone());
                    }
                    response
                },
            ))
            .add_routes(routes)
            .serve_with_incoming_shutdown(bound.connections(drain), drain.begun());
        let task = tasks.spawn(format!("grpc {address}"), served);
        (address, task)
    }
}
