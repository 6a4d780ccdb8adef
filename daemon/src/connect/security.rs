//! What a client does to know its server, and to be known by it.

use std::path::PathBuf;

use crate::tls::CertificateFiles;

/// How a connection over TCP is protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientSecurity {
    /// Not at all.
    #[default]
    Plaintext,
    /// By TLS.
    Tls(ClientTls),
}

/// What TLS needs on the client's side. The files are read at each connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// Files with the CAs that are trusted; with none, those that the machine trusts.
    pub authorities: Vec<PathBuf>,
    /// The client's own certificate, if it has one.
    pub certificate: Option<CertificateFiles>,
    /// The name that the server's certificate must have, in place of the host of the address.
    pub server_name: Option<String>,
    /// Take any certificate: encrypted, but nobody knows to whom.
    pub allow_insecure: bool,
}
