//! What to do about a connection that was not made, in the options of whoever made it.

use super::ConnectError;
use crate::causes::in_full;

/// Whose options are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A command of a user.
    Command,
    /// A relay, of its peers.
    Relay,
}

impl Asker {
    /// One text for each.
    fn choose(self, command: &'static str, relay: &'static str) -> &'static str {
        match self {
            Self::Command => command,
            Self::Relay => relay,
        }
    }
}

impl ConnectError {
    /// What to do, if TLS or its absence is the cause.
    #[must_use]
    pub fn next_step(&self, asker: Asker) -> Option<&'static str> {
        Some(match self {
            Self::NoSocket
            | Self::SocketForbidden
            | Self::Refused
            | Self::Resolve { .. }
            | Self::Open(_)
            | Self::Closed { encrypted: true }
            | Self::NotHttp2 { .. } => return None,
            Self::Files(_) => "correct the file, or the option that names it",
            Self::ServerName { .. } | Self::WrongName { .. } => asker.choose(
                "correct the address, or say the name with `--tls-server-name`",
                "correct the address, or the name of the peer: CLUSTER/NODE=ADDRESS expects NODE.CLUSTER.tycho",
            ),
            Self::Expired { .. } => {
                "give the server a new one (`tycho certs --force` makes one); it takes it without a restart"
            }
            Self::NotYetValid { .. } => "compare the clocks of both machines",
            Self::UnknownAuthority { .. } | Self::Untrusted(_) => asker.choose(
                "name the CA's file with `--tls-ca-cert-files`",
                "name the CA's file with the relay's `--peer-tls-ca-cert-files`",
            ),
            Self::OwnCertificate { .. } => "make a new one (`tycho certs --force`)",
            Self::ClientCertificateRequired | Self::ClientCertificateRefused(_) => asker.choose(
                "give one that the server's CA has signed with `--tls-client-cert-file` and `--tls-client-key-file` \
                 (`tycho certs` makes them)",
                "give the relay one that the peer's CA has signed with `--peer-tls-cert-file` and \
                 `--peer-tls-key-file` (`tycho certs --relay` makes them)",
            ),
            Self::ServerSpeaksPlaintext => asker.choose(
                "leave `--tls` (and `tls://`) away, or give the server a certificate",
                "leave `tls://` away, or give the peer a certificate",
            ),
            Self::ServerSpeaksTls => asker.choose(
                "use `--tls`, with `--tls-ca-cert-files` for a CA of your own",
                "write `tls://` before the address, and name its CA with `--peer-tls-ca-cert-files`",
            ),
            Self::Closed { encrypted: false } => asker.choose(
                "it may want TLS: try `--tls`",
                "it may want TLS: try `tls://` before the address",
            ),
            Self::Handshake(_) | Self::ClosedInHandshake => "does it speak TLS 1.3?",
        })
    }

    /// What is wrong, why, and what to do, in one line.
    #[must_use]
    pub fn told(&self, asker: Asker) -> String {
        let problem = in_full(self);
        match self.next_step(asker) {
            Some(next_step) => format!("{problem}; {next_step}"),
            None => problem,
        }
    }
}
