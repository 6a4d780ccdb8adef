//! A service of a test, behind a port of its own.

use std::convert::Infallible;

use daemon::tasks::Tasks;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};
use tonic::server::NamedService;
use tonic::transport::Server;

/// Serves until the tasks are cancelled.
pub(crate) async fn serve<S>(name: &'static str, service: S, tasks: &Tasks) -> u16
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = Server::builder()
        .add_service(service)
        .serve_with_incoming_shutdown(
            TcpListenerStream::new(listener),
            tasks.cancellation().cancelled_owned(),
        );
    tasks.spawn(name, served);
    port
}
