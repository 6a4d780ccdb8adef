//! The gRPC server: every service of the node behind every listener.

use std::sync::Arc;

use daemon::drain::Drain;
use daemon::health::Health;
use daemon::listen::{Bound, Listen};
use daemon::tasks::Tasks;
use http::HeaderValue;
use proto::observer::observer_server::ObserverServer;
use proto::peer::peer_server::PeerServer;
use proto::tycho::v1::batches_server::BatchesServer;
use proto::tycho::v1::edges_server::EdgesServer;
use proto::tycho::v1::endpoints_server::EndpointsServer;
use proto::tycho::v1::identities_server::IdentitiesServer;
use proto::tycho::v1::journal_server::JournalServer;
use proto::tycho::v1::ledger_server::LedgerServer;
use proto::tycho::v1::policies_server::PoliciesServer;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::service::Routes;
use tower::util::MapResponseLayer;

use super::batches::BatchesApi;
use super::edges::EdgesApi;
use super::endpoints::EndpointsApi;
use super::flows::{FlowsService, ObserverService};
use super::identities::IdentitiesApi;
use super::journal::JournalApi;
use super::ledger::LedgerApi;
use super::observer::ObserverApi;
use super::peers::PeerApi;
use super::policies::PoliciesApi;
use crate::node::Node;

/// The response header by which clients learn the version.
const VERSION_HEADER: &str = "hubble-server-version";

/// Why the services could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The contract's descriptors are not usable for reflection.
    #[error("cannot set up server reflection")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// The services of one node, ready to be put behind listeners.
#[derive(Clone, Debug)]
pub struct Server {
    routes: Routes,
    drain: Drain,
}

impl Server {
    /// The services of `node`. Streams that follow end when `drain` begins.
    ///
    /// # Errors
    /// When reflection cannot be set up.
    pub fn new(
        node: &Arc<Node>,
        health: &Health,
        drain: &Drain,
        tasks: &Tasks,
    ) -> Result<Self, ServeError> {
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let observer =
            ObserverServer::new(ObserverApi::new(Arc::clone(node), tasks.clone(), drain));
        let ledger = LedgerServer::new(LedgerApi::new(Arc::clone(node)));
        let policies = PoliciesApi::new(Arc::clone(node), tasks.clone());
        let routes = Routes::new(ObserverService::new(observer, Arc::clone(node), drain))
            .add_service(FlowsService::new(Arc::clone(node), drain))
            .add_service(PeerServer::new(PeerApi::new(Arc::clone(node), drain)))
            .add_service(BatchesServer::new(BatchesApi::new(Arc::clone(node), drain)))
            .add_service(ledger)
            .add_service(JournalServer::new(JournalApi::new(
                Arc::clone(node),
                tasks.clone(),
            )))
            .add_service(EdgesServer::new(EdgesApi::new(Arc::clone(node), drain)))
            .add_service(EndpointsServer::new(EndpointsApi::new(Arc::clone(node))))
            .add_service(IdentitiesServer::new(IdentitiesApi::new(Arc::clone(node))))
            .add_service(PoliciesServer::new(policies))
            .add_service(health.service())
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?);
        Ok(Self {
            routes: routes.prepare(),
            drain: drain.clone(),
        })
    }

    /// Serves a listener until the drain begins and its connections have ended; a task of its own.
    pub fn serve(
        &self,
        bound: Bound,
        tasks: &Tasks,
    ) -> (Listen, JoinHandle<Result<(), tonic::transport::Error>>) {
        let address = bound.address().clone();
        let version =
            HeaderValue::from_str(&Node::version()).expect("a version is printable ASCII");
        let served = tonic::transport::Server::builder()
            .layer(MapResponseLayer::new(
                move |mut response: http::Response<Body>| {
                    response
                        .headers_mut()
                        .insert(VERSION_HEADER, version.clone());
                    response
                },
            ))
            .add_routes(self.routes.clone())
            .serve_with_incoming_shutdown(bound.connections(&self.drain), self.drain.begun());
        let task = tasks.spawn(format!("grpc {address}"), served);
        (address, task)
    }
}
