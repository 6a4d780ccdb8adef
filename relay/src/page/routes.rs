//! Where each request goes: to a service, to a file, or to the document that all addresses of the page show.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower::Layer as _;
use tower::util::{MapRequestLayer, MapResponseLayer};

use super::index::Index;
use super::names::Names;
use super::{PageConfig, files, headers};

/// Tells that the server runs, to whoever watches it, under any name.
const HEALTH: &str = "/healthz";

/// gRPC's number for a method that there is not.
const UNIMPLEMENTED: &str = "12";

/// The page and the services. They are called as gRPC-web, over HTTP/1.1 too, and as gRPC.
pub(crate) fn routes(services: Routes, page: &PageConfig, encrypted: bool) -> Routes {
    let index = Arc::new(Index::new(files::index(), &page.prefix.base()));
    let names = Arc::new(Names::new(page.names.clone(), encrypted));
    let services = services.into_axum_router().layer(GrpcWebLayer::new());
    // The services' own fallback, which this one replaces, knows nothing but gRPC.
    let inside = services
        .fallback(move |request| anything_else(Arc::clone(&index), request))
        .layer(middleware::from_fn_with_state(names, known_names_only))
        .route(HEALTH, get(|| async { "ok\n" }))
        .layer(MapResponseLayer::new(headers::add::<Body>));
    let prefix = page.prefix.clone();
    // Routes are chosen by what is left of the path.
    let inside = MapRequestLayer::new(move |mut request: Request| {
        if let Some(uri) = prefix.strip(request.uri()) {
            *request.uri_mut() = uri;
        }
        request
    })
    .layer(inside);
    Routes::from(Router::new().fallback_service(inside))
}

async fn known_names_only(
    State(names): State<Arc<Names>>,
    request: Request,
    next: Next,
) -> Response {
    match names.refuse(request.uri(), request.headers()) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

async fn anything_else(index: Arc<Index>, request: Request) -> Response {
    if let Some(response) = no_such_method(request.headers()) {
        return response;
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let allow = [(ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    if path.is_empty() || path == "index.html" || !files::names_a_file(path) {
        return index.response();
    }
    files::response(path, request.headers()).unwrap_or_else(files::missing)
}

/// The answer to a call of a method that no service has, in the caller's own protocol.
fn no_such_method(request: &HeaderMap) -> Option<Response> {
    let content_type = request.get(CONTENT_TYPE)?;
    if !content_type.as_bytes().starts_with(b"application/grpc") {
        return None;
    }
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type.clone());
    headers.insert("grpc-status", HeaderValue::from_static(UNIMPLEMENTED));
    Some(response)
}
