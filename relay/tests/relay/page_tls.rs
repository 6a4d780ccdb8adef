//! The page's port with TLS: who speaks HTTP/1.1 there gets the page and the services, and who can speak HTTP/2 is given that.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use certificates::{Authority, Leaf, Validity};
use daemon::listen::Exposure;
use daemon::tasks::Tasks;
use daemon::tls::{CertificateFiles, ServerFiles, ServerTls};
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use prost::Message as _;
use proto::observer::ServerStatusResponse;
use relay::Config;
use relay::page::PageListen;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::fixture::LONG;

const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// A relay without nodes whose page has TLS.
struct TlsRelay {
    page: SocketAddr,
    authority: Authority,
    tasks: Tasks,
}

impl TlsRelay {
    async fn start(files: &Path) -> Self {
        let validity = Validity::lasting(Duration::from_secs(86_400));
        let authority = Authority::new("page", validity).unwrap();
        let leaf = Leaf::relay("page", "default", &["127.0.0.1".to_owned()]).unwrap();
        let issued = authority.issue(&leaf, validity).unwrap();
        let certificate = CertificateFiles {
            certificate: files.join("page.crt"),
            key: files.join("page.key"),
        };
        std::fs::write(&certificate.certificate, issued.certificate_pem).unwrap();
        std::fs::write(&certificate.key, issued.key_pem).unwrap();
        let mut config = Config {
            peers: vec!["127.0.0.1:1".parse().unwrap()],
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            exposure: Exposure::Tls(
                ServerTls::load(ServerFiles {
                    certificate,
                    client_authorities: Vec::new(),
                })
                .unwrap(),
            ),
            ..Config::default()
        };
        config.page.listen = PageListen::At(config.listen.clone());
        let tasks = Tasks::new();
        let bound = relay::bind(&config).await.unwrap();
        let page = bound.page[0].tcp_address().unwrap();
        tasks.spawn("relay", relay::serve(config, bound, tasks.clone()));
        Self {
            page,
            authority,
            tasks,
        }
    }

    /// A connection of somebody who trusts its CA and speaks these protocols.
    async fn connect(&self, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        let pem = self.authority.certificate_pem().as_bytes();
        let mut trusted = RootCertStore::empty();
        trusted
            .add(CertificateDer::from_pem_slice(pem).unwrap())
            .unwrap();
        let mut config = ClientConfig::builder()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::from(self.page.ip());
        let socket = TcpStream::connect(self.page).await.unwrap();
        let shaken = TlsConnector::from(Arc::new(config)).connect(name, socket);
        tokio::time::timeout(LONG, shaken)
            .await
            .expect("it answers")
            .unwrap()
    }

    /// Asks over HTTP/1.1.
    async fn ask(&self, request: http::request::Builder, body: &'static [u8]) -> Response<Bytes> {
        let stream = self.connect(&[HTTP1]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(HTTP1));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let request = request
            .version(Version::HTTP_11)
            .header("host", self.page.to_string());
        let request: Request<Full<Bytes>> =
            request.body(Full::new(Bytes::from_static(body))).unwrap();
        let asked = async {
            let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
            Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
        };
        let both = async {
            tokio::select! {
                answer = asked => answer,
                ended = connection => panic!("it ended before its answer: {ended:?}"),
            }
        };
        tokio::time::timeout(LONG, both).await.expect("it answers")
    }
}

/// The frames of a gRPC-web answer: what kind each is, and what is in it.
fn frames(mut rest: &[u8]) -> Vec<(u8, &[u8])> {
    let mut frames = Vec::new();
    while let [kind, a, b, c, d, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (content, after) = after.split_at(length);
        frames.push((*kind, content));
        rest = after;
    }
    frames
}

#[tokio::test]
async fn the_page_and_the_services_over_http1() {
    let files = tempfile::tempdir().unwrap();
    let relay = TlsRelay::start(files.path()).await;

    let document = relay.ask(Request::get("/flows?verdict=DROPPED"), b"").await;
    assert_eq!(document.status(), StatusCode::OK);
    assert_eq!(document.version(), Version::HTTP_11);
    assert_eq!(
        document.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    assert!(document.headers().contains_key("content-security-policy"));
    assert!(String::from_utf8_lossy(document.body()).contains("<base href=\"/\""));

    // As the page's script asks: one message, which is empty.
    let call = Request::post("/observer.Observer/ServerStatus")
        .header("content-type", "application/grpc-web+proto")
        .header("x-grpc-web", "1");
    let answer = relay.ask(call, &[0; 5]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.version(), Version::HTTP_11);
    assert_eq!(
        answer.headers()["content-type"],
        "application/grpc-web+proto"
    );
    let frames = frames(answer.body());
    let [(0, message), (0x80, trailers)] = frames[..] else {
        panic!("a message and trailers: {frames:?}");
    };
    let status = ServerStatusResponse::decode(message).unwrap();
    assert_eq!(status.num_unavailable_nodes, Some(1));
    let trailers = String::from_utf8_lossy(trailers).replace(' ', "");
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
    relay.tasks.shutdown(LONG).await.unwrap();
}

/// Browsers do; over HTTP/1.1 they would open six connections at most, and each tab keeps one.
#[tokio::test]
async fn who_can_speak_http2_is_given_that() {
    let files = tempfile::tempdir().unwrap();
    let relay = TlsRelay::start(files.path()).await;
    let stream = relay.connect(&[HTTP1, HTTP2]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(HTTP2));
    drop(stream);
    relay.tasks.shutdown(LONG).await.unwrap();
}
