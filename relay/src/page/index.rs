//! The one document of the page, made for each request: a fresh nonce, and the path that its addresses are relative to.

use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

/// What stands in the document for the two.
const NONCE: &str = "__NONCE__";
const BASE: &str = "__BASE__";

/// Random bytes of a nonce.
const NONCE_BYTES: usize = 16;

/// The document with the base filled in.
#[derive(Clone, Debug)]
pub(super) struct Index(String);

impl Index {
    pub(super) fn new(document: &[u8], base: &str) -> Self {
        Self(String::from_utf8_lossy(document).replace(BASE, base))
    }

    /// An answer with a nonce of its own.
    pub(super) fn response(&self) -> Response {
        let mut bytes = [0; NONCE_BYTES];
        if let Err(error) = getrandom::fill(&mut bytes) {
            // A nonce that could be guessed protects nothing.
            tracing::error!(%error, "the kernel gives no random bytes");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let nonce = STANDARD.encode(bytes);
        let policy = HeaderValue::try_from(policy(&nonce)).expect("base64 is printable ASCII");
        let headers = [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            // A copy would have an old nonce.
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (CONTENT_SECURITY_POLICY, policy),
        ];
        (headers, self.0.replace(NONCE, &nonce)).into_response()
    }
}

/// Nothing but what this server has; scripts and styles in the document only with the nonce.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'self'; \
         frame-ancestors 'none'; form-action 'none'"
    )
}
