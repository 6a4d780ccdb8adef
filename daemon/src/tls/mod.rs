//! TLS as servers and clients share it: version 1.3 only, certificates and keys from PEM files, what a certificate says.

mod certificate;
mod files;
mod name;
mod server;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use certificate::{ADMIN_ROLE, CertificateFacts};
pub use files::{CertificateFiles, TlsFileError};
pub(crate) use files::{Identity, read_authorities};
pub use name::{SERVER_NAME_SUFFIX, server_name};
pub use server::{ServerFiles, ServerTls, TlsState};

/// HTTP/2, as TLS names it when both sides agree on what they will speak.
pub(crate) const ALPN_HTTP2: &[u8] = b"h2";
pub(crate) const ALPN_HTTP1: &[u8] = b"http/1.1";

/// What encrypts and signs, for all of a process.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
