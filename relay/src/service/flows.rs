//! GetFlows of both services, in front of the generated code: no message and no task per flow.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use daemon::grpc::read_message;
use http::{HeaderValue, Request, Response};
use proto::observer::GetFlowsRequest;
use proto::observer::observer_server::ObserverServer;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Code, Status};
use tower::Service;

use super::answers::{Relay, form};
use super::body::FlowBody;
use super::observer::ObserverApi;

type ResponseFuture =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send + 'static>>;

/// Answers a call of GetFlows.
async fn answer(relay: Relay, with_details: bool, request: Request<Body>) -> Response<Body> {
    match stream(relay, with_details, request).await {
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

async fn stream(
    relay: Relay,
    with_details: bool,
    request: Request<Body>,
) -> Result<FlowBody, Status> {
    let (parts, body) = request.into_parts();
    let message: GetFlowsRequest = read_message(body).await?;
    let form = form(&message, with_details)?;
    let merge = relay.merge(message, &parts.headers)?;
    Ok(FlowBody::new(
        merge,
        form,
        Arc::clone(&relay.name),
        Arc::clone(&relay.counts),
    ))
}

/// `observer.Observer`: GetFlows is ours, the other methods are the generated server's.
#[derive(Clone, Debug)]
pub(super) struct ObserverService {
    relay: Relay,
    others: ObserverServer<ObserverApi>,
}

impl ObserverService {
    pub(super) fn new(relay: Relay) -> Self {
        Self {
            others: ObserverServer::new(ObserverApi::new(relay.clone())),
            relay,
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
            let relay = self.relay.clone();
            return Box::pin(async move { Ok(answer(relay, false, request).await) });
        }
        Box::pin(self.others.call(request))
    }
}

/// `tycho.v1.Flows`: the same flows with Tycho's own details.
#[derive(Clone, Debug)]
pub(super) struct FlowsService {
    relay: Relay,
}

impl FlowsService {
    pub(super) fn new(relay: Relay) -> Self {
        Self { relay }
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
        let relay = self.relay.clone();
        Box::pin(async move {
            if request.uri().path() == "/tycho.v1.Flows/GetFlows" {
                return Ok(answer(relay, true, request).await);
            }
            Ok(Status::new(Code::Unimplemented, "tycho.v1.Flows has no such method").into_http())
        })
    }
}
