//! The page's listener, as a browser and a proxy see it: the document and its headers, addresses within the page, names,
//! the services as gRPC-web, and the end of a stream.

use std::collections::HashSet;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HOST};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use proto::observer::ServerStatusRequest;
use proto::observer::observer_client::ObserverClient;
use relay::Config;
use relay::page::{PageConfig, PageListen};
use tonic_web::{GrpcWebCall, GrpcWebClientLayer, GrpcWebClientService};
use tower::Layer as _;

use crate::fixture::{LONG, TestNode, TestRelay, channel, follow};
use crate::shown::show;

type Web =
    ObserverClient<GrpcWebClientService<Client<HttpConnector, GrpcWebCall<tonic::body::Body>>>>;

/// A relay without nodes that serves a page.
async fn start(page: PageConfig) -> TestRelay {
    let nobody = "127.0.0.1:1".parse().unwrap();
    TestRelay::with(Config {
        peers: vec![nobody],
        page,
        ..Config::default()
    })
    .await
}

/// Asks over HTTP/1.1, as a browser does without TLS.
async fn ask(relay: &TestRelay, request: Request<String>) -> Response<String> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.to_string();
    parts.uri = format!("http://{}{path}", relay.page).parse().unwrap();
    let request = Request::from_parts(parts, Full::new(Bytes::from(body)));
    let asked = tokio::time::timeout(LONG, client.request(request)).await;
    let (parts, body) = asked.expect("it answers").unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(parts, String::from_utf8_lossy(&body).into_owned())
}

async fn get(relay: &TestRelay, path: &str) -> Response<String> {
    ask(relay, Request::get(path).body(String::new()).unwrap()).await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// What stands between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).expect(before);
    rest.split_once(after).expect(after).0
}

fn web(relay: &TestRelay, prefix: &str) -> Web {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let origin = format!("http://{}{prefix}", relay.page).parse().unwrap();
    ObserverClient::with_origin(GrpcWebClientLayer::new().layer(client), origin)
}

#[tokio::test]
async fn the_document_runs_nothing_but_its_own() {
    let relay = start(PageConfig::default()).await;
    let mut nonces = HashSet::new();
    for _ in 0..3 {
        let response = get(&relay, "/").await;
        let headers = response.headers();
        assert_eq!(response.status(), StatusCode::OK);
        for (name, expect) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-cache"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(header(headers, name), expect, "{name}");
        }
        let policy = header(headers, "content-security-policy");
        let nonce = between(policy, "script-src 'self' 'nonce-", "'").to_owned();
        assert_eq!(
            policy.replace(&nonce, "NONCE"),
            "default-src 'none'; script-src 'self' 'nonce-NONCE'; style-src 'self' 'nonce-NONCE'; \
             img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
             base-uri 'self'; frame-ancestors 'none'; form-action 'none'"
        );
        let document = response.body();
        assert!(document.contains(&nonce), "{document}");
        assert!(!document.contains("__NONCE__") && !document.contains("__BASE__"));
        assert_eq!(between(document, "<base href=\"", "\""), "/");
        assert!(nonces.insert(nonce), "a nonce came twice");
    }
    relay.end().await;
}

#[tokio::test]
async fn addresses_of_the_page_are_the_document_and_files_are_files() {
    let relay = start(PageConfig::default()).await;
    let check = async |path: &str, status: u16, part: &str| {
        let response = get(&relay, path).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert!(
            response.body().contains(part),
            "{path}: {}",
            response.body()
        );
    };
    check("/", 200, "<base").await;
    check("/index.html", 200, "<base").await;
    check("/flows?verdict=DROPPED", 200, "<base").await;
    check("/edge/12/flows", 200, "<base").await;
    check("/healthz", 200, "ok").await;
    check("/assets/none-00000000.js", 404, "no such file").await;
    check("/robots.txt", 404, "no such file").await;
    check("/../etc/passwd", 200, "<base").await;
    check("/..%2fCargo.toml", 404, "no such file").await;

    let post = |path: &str, content_type: &str| {
        let request = Request::post(path).header(CONTENT_TYPE, content_type);
        ask(&relay, request.body(String::new()).unwrap())
    };
    assert_eq!(post("/", "text/plain").await.status(), 405);
    // A form of another site, which needs no leave from this one.
    let status = "/observer.Observer/ServerStatus";
    assert_eq!(post(status, "text/plain").await.status(), 400);
    let unknown = post("/tycho.v1.Nothing/Ask", "application/grpc-web+proto").await;
    assert_eq!(header(unknown.headers(), "grpc-status"), "12");

    // What the document asks for is there, and stays for good.
    let document = get(&relay, "/").await.into_body();
    for path in document.split("\"./assets/").skip(1) {
        let path = format!("/assets/{}", path.split('"').next().unwrap());
        for (accepted, encoding) in [("identity", ""), ("gzip, br", "gzip")] {
            let request = Request::get(&path).header(ACCEPT_ENCODING, accepted);
            let response = ask(&relay, request.body(String::new()).unwrap()).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let headers = response.headers();
            let kept = header(headers, "cache-control");
            assert_eq!(kept, "public, max-age=31536000, immutable");
            let found = header(headers, "content-encoding");
            assert!(found == encoding || found.is_empty(), "{path}: {found}");
        }
    }
    relay.end().await;
}

#[tokio::test]
async fn names_that_nobody_gave_are_refused() {
    let relay = start(PageConfig {
        names: vec!["tycho.example.org".parse().unwrap()],
        ..PageConfig::default()
    })
    .await;
    let check = async |path: &str, host: &str, status: u16| {
        let request = Request::get(path)
            .header(HOST, host)
            .header("x-forwarded-host", "localhost");
        let response = ask(&relay, request.body(String::new()).unwrap()).await;
        assert_eq!(response.status().as_u16(), status, "{host}{path}");
        response.into_body()
    };
    check("/", "localhost:12000", 200).await;
    check("/flows", "tycho.example.org", 200).await;
    let refused = check("/", "evil.example:12000", 403).await;
    assert!(refused.contains("`--page-name evil.example`"), "{refused}");
    check("/observer.Observer/ServerStatus", "evil.example", 403).await;
    check("/healthz", "10-0-0-7.pod.cluster", 200).await;
    relay.end().await;
}

#[tokio::test]
async fn a_proxy_may_take_the_prefix_off_or_leave_it() {
    let relay = start(PageConfig {
        prefix: "/tools/tycho".parse().unwrap(),
        ..PageConfig::default()
    })
    .await;
    for path in [
        "/",
        "/flows",
        "/tools/tycho",
        "/tools/tycho/",
        "/tools/tycho/flows?x=1",
    ] {
        let response = get(&relay, path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let base = between(response.body(), "<base href=\"", "\"");
        assert_eq!(base, "/tools/tycho/", "{path}");
    }
    assert_eq!(get(&relay, "/tools/tycho/x.js").await.status(), 404);
    for prefix in ["", "/tools/tycho"] {
        let mut web = web(&relay, prefix);
        let status = web.server_status(ServerStatusRequest {}).await;
        let status = status.unwrap().into_inner();
        assert_eq!(status.num_unavailable_nodes, Some(1), "{prefix}");
    }
    relay.end().await;
}

#[tokio::test]
async fn services_answer_as_grpc_web_and_a_stream_ends_with_the_relay() {
    let mut nodes = vec![TestNode::start("a", 1_000).await];
    let relay = TestRelay::start(&nodes).await;
    let mut web = web(&relay, "");
    let status = web.server_status(ServerStatusRequest {}).await.unwrap();
    assert!(status.metadata().contains_key("hubble-relay-version"));
    assert_eq!(status.into_inner().num_connected_nodes, Some(1));

    // Whoever speaks HTTP/2 is served as well.
    let mut plain = ObserverClient::new(channel(relay.page.port()).await);
    let status = plain.server_status(ServerStatusRequest {}).await.unwrap();
    assert_eq!(status.into_inner().num_connected_nodes, Some(1));
    drop(plain);

    let mut stream = web.get_flows(follow()).await.unwrap().into_inner();
    let mut next = async || {
        let next = tokio::time::timeout(LONG, stream.message()).await;
        next.expect("something comes, or it ends")
            .map(|answer| answer.map(|answer| show(&answer)))
    };
    assert_eq!(next().await.unwrap().as_deref(), Some("connected a"));
    nodes[0].live(7);
    assert_eq!(next().await.unwrap().as_deref(), Some("a:7"));
    // It ends with a status, not with a broken connection, and does not hold up the relay.
    let (last, ()) = tokio::join!(next(), relay.end());
    assert_eq!(last.unwrap(), None);
}

#[tokio::test]
async fn an_address_that_was_asked_for_must_be_free() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let bind = async |listen: PageListen| {
        relay::bind(&Config {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            page: PageConfig {
                listen,
                ..PageConfig::default()
            },
            ..Config::default()
        })
        .await
    };
    let error = bind(PageListen::At(vec![address.parse().unwrap()]))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("is occupied"), "{error}");
    let error = bind(PageListen::At(vec!["0.0.0.0:0".parse().unwrap()]))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("other machines"), "{error}");
    assert!(
        bind(PageListen::At(Vec::new()))
            .await
            .unwrap()
            .page
            .is_empty()
    );
    // Two of them: the second goes on without a page, or both do if somebody else has the address.
    let first = bind(PageListen::DefaultIfFree).await.unwrap();
    let second = bind(PageListen::DefaultIfFree).await.unwrap();
    assert!(first.page.len() <= 1);
    assert!(second.page.is_empty());
}
