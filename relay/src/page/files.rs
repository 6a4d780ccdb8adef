//! The files of the page, as the build script has left them.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};

/// One file.
#[derive(Debug)]
struct PageFile {
    path: &'static str,
    plain: &'static [u8],
    /// The same compressed, if that is smaller.
    gzip: Option<&'static [u8]>,
}

const FILES: &[PageFile] = include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// Names of files in it have a hash of what is in them: they never change.
const HASHED: &str = "assets/";

/// The document that all addresses of the page show.
pub(super) fn index() -> &'static [u8] {
    let index = FILES.iter().find(|file| file.path == "index.html");
    index
        .expect("the build script takes no page without it")
        .plain
}

/// A file by its path, without the first slash.
pub(super) fn response(path: &str, request: &HeaderMap) -> Option<Response> {
    let file = FILES.iter().find(|file| file.path == path)?;
    let gzip = file.gzip.filter(|_| takes_gzip(request));
    let mut response = Body::from(gzip.unwrap_or(file.plain)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static(match path.starts_with(HASHED) {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        }),
    );
    if file.gzip.is_some() {
        headers.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
    }
    if gzip.is_some() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Some(response)
}

/// Whether the last part of a path looks like a file's name: then it is not an address within the page.
pub(super) fn names_a_file(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'))
}

/// What is said of a file that there is not.
pub(super) fn missing() -> Response {
    (StatusCode::NOT_FOUND, "There is no such file.\n").into_response()
}

fn takes_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(ACCEPT_ENCODING).into_iter();
    let mut codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = |part: &str| {
            let weight = part
                .strip_prefix("q=")
                .and_then(|weight| weight.parse().ok());
            weight.is_some_and(|weight: f32| weight <= 0.0)
        };
        is_gzip && !parts.any(refused)
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" | "webmanifest" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        let check = |accepted: &str, expect: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, accepted.parse().unwrap());
            assert_eq!(takes_gzip(&headers), expect, "{accepted}");
        };
        check("gzip, deflate, br, zstd", true);
        check("br;q=1, GZIP;q=0.5", true);
        check("br", false);
        check("gzip;q=0", false);
        check("", false);
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn addresses_of_the_page_and_files() {
        let check = |path: &str, expect: bool| assert_eq!(names_a_file(path), expect, "{path}");
        check("", false);
        check("flows", false);
        check("a.b/flows", false);
        check("assets/index-1.js", true);
        check("favicon.ico", true);
    }

    #[test]
    fn every_file_of_the_page_has_a_type() {
        for file in FILES {
            assert_ne!(
                content_type(file.path),
                "application/octet-stream",
                "{}",
                file.path
            );
        }
        let document = String::from_utf8_lossy(index());
        for part in ["__NONCE__", "__BASE__"] {
            assert!(document.contains(part), "{part}");
        }
    }
}
