//! A node that speaks as a Hubble server does, as fast as can be: its responses are encoded before anybody asks.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use daemon::grpc::Chunk;
use daemon::tasks::Tasks;
use flow::encode::{Pen, ResponseEncoder, ResponseForm};
use flow::mask::Mask;
use futures_util::future::{Ready, ready};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use observer::Node;
use prost::Message as _;
use proto::observer::ServerStatusResponse;
use tonic::body::Body;
use tonic::server::NamedService;

#[derive(Clone)]
struct Hubble {
    chunks: Arc<Vec<Bytes>>,
}

impl NamedService for Hubble {
    const NAME: &'static str = "observer.Observer";
}

impl tower::Service<Request<Body>> for Hubble {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let chunks = if request.uri().path().ends_with("/GetFlows") {
            Arc::clone(&self.chunks)
        } else {
            let status = ServerStatusResponse {
                version: "1.18.0".to_owned(),
                ..ServerStatusResponse::default()
            };
            let mut chunk = Chunk::default();
            chunk.push(0, |out| out.extend_from_slice(&status.encode_to_vec()));
            Arc::new(vec![chunk.take().0])
        };
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        let frames = (0..chunks.len()).map(move |index| Frame::data(chunks[index].clone()));
        let frames = frames
            .chain([Frame::trailers(trailers)])
            .map(Ok::<_, Infallible>);
        let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
        let mut response = Response::new(Body::new(body));
        response.headers_mut().insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/grpc"),
        );
        ready(Ok(response))
    }
}

/// All flows of a node, encoded.
pub(crate) fn encoded(node: &Node) -> Vec<Bytes> {
    let form = ResponseForm::new(Mask::default(), false);
    let mut encoder = ResponseEncoder::new(node.names.clone(), &form);
    let (mut pen, mut chunk, mut chunks) = (Pen::default(), Chunk::default(), Vec::new());
    for segment in node.store.segments() {
        for offset in 0..segment.len() {
            let row = segment.row(offset).expect("it is published");
            let sequence = segment.base() + offset as u64;
            chunk.push(1, |out| encoder.encode(&mut pen, sequence, &row, out));
            if chunk.is_full() {
                chunks.push(chunk.take().0);
            }
        }
    }
    chunks.push(chunk.take().0);
    chunks
}

/// As many chunks as a node's flows take, all of them the first: it stays in the processor's caches.
pub(crate) fn repeated(node: &Node) -> Vec<Bytes> {
    let chunks = encoded(node);
    vec![chunks[0].clone(); chunks.len()]
}

/// Serves chunks of flows.
pub(crate) async fn serve(chunks: Vec<Bytes>, tasks: &Tasks) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let served = tonic::transport::Server::builder()
        .add_service(Hubble {
            chunks: Arc::new(chunks),
        })
        .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
    tasks.spawn("hubble", served);
    port
}
