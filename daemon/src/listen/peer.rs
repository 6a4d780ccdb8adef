//! Who is at the other end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::tls::CertificateFacts;

/// Who is at the other end; a request carries it in its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A process of this machine, through the Unix socket.
    Unix {
        /// Its user, if the kernel says so.
        uid: Option<u32>,
        /// Its process number, if the kernel says so.
        pid: Option<i32>,
    },
    /// A TCP client, of which nothing more is known.
    Tcp {
        /// Its address.
        remote: Option<SocketAddr>,
    },
    /// A TCP client that speaks TLS.
    Tls {
        /// Its address.
        remote: Option<SocketAddr>,
        /// Its certificate, verified against the CAs that the server trusts; `None` if the server wants none.
        certificate: Option<Arc<CertificateFacts>>,
    },
}
