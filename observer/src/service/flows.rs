//! GetFlows of both services, in front of the generated code: no message and no task per flow.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use daemon::drain::Drain;
use daemon::grpc::read_message;
use http::{HeaderValue, Request, Response};
use proto::observer::GetFlowsRequest;
use proto::observer::observer_server::ObserverServer;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Code, Status};
use tower::Service;

use super::body::FlowBody;
use super::observer::ObserverApi;
use super::query::Query;
use crate::node::Node;

type ResponseFuture =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send + 'static>>;

/// What a stream of flows needs.
#[derive(Clone, Debug)]
struct Source {
    node: Arc<Node>,
    stop: CancellationToken,
    with_details: bool,
}

impl Source {
    async fn answer(self, request: Request<Body>) -> Response<Body> {
        match self.stream(request).await {
            Ok(body) => {
                let mut response = Response::new(Body::new(body));
                response.headers_mut().insert(
                    http::header::CONTENT_TYPE,
                    HeaderValue::from_static("application/grpc"),
                );
                response
            }
            Err(status) => status.into_http(),
        }
    }

    async fn stream(self, request: Request<Body>) -> Result<FlowBody, Status> {
        let message: GetFlowsRequest = read_message(request.into_body()).await?;
        let query = Query::compile(&message, &self.node)?;
        Ok(FlowBody::new(
            self.node,
            query,
            self.stop,
            self.with_details,
        ))
    }
}

/// `observer.Observer`: GetFlows is ours, the other methods are the generated server's.
#[derive(Clone, Debug)]
pub(super) struct ObserverService {
    source: Source,
    others: ObserverServer<ObserverApi>,
}

impl ObserverService {
    pub(super) fn new(others: ObserverServer<ObserverApi>, node: Arc<Node>, drain: &Drain) -> Self {
        Self {
            source: Source {
                node,
                stop: drain.stopping(),
                with_details: false,
            },
            others,
        }
    }
}

impl NamedService for ObserverService {
    const NAME: &'static str = <ObserverServer<ObserverApi> as NamedService>::NAME;
}

impl Service<Request<Body>> for ObserverService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.others, context)
    }

    fn call(&mut self, request: Request<Body>) -> ResponseFuture {
        if request.uri().path() == "/observer.Observer/GetFlows" {
            let source = self.source.clone();
            return Box::pin(async move { Ok(source.answer(request).await) });
        }
        Box::pin(self.others.call(request))
    }
}

/// `tycho.v1.Flows`: the same flows with Tycho's own details.
#[derive(Clone, Debug)]
pub(super) struct FlowsService {
    source: Source,
}

impl FlowsService {
    pub(super) fn new(node: Arc<Node>, drain: &Drain) -> Self {
        Self {
            source: Source {
                node,
                stop: drain.stopping(),
                with_details: true,
            },
        }
    }
}

impl NamedService for FlowsService {
    const NAME: &'static str = "tycho.v1.Flows";
}

impl Service<Request<Body>> for FlowsService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> ResponseFuture {
        let source = self.source.clone();
        Box::pin(async move {
            if request.uri().path() == "/tycho.v1.Flows/GetFlows" {
                return Ok(source.answer(request).await);
            }
            Ok(Status::new(Code::Unimplemented, "tycho.v1.Flows has no such method").into_http())
        })
    }
}
