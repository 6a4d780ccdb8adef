//! Who may change something, and who did.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use daemon::listen::Peer;
use daemon::tls::{ADMIN_ROLE, CertificateFacts};
use tonic::{Request, Status};

/// Who asks for a change.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// A process that may open the Unix socket.
    Process { uid: Option<u32>, pid: Option<i32> },
    /// The owner of a certificate with the admin role.
    Admin {
        remote: Option<SocketAddr>,
        certificate: Arc<CertificateFacts>,
    },
}

impl Caller {
    /// The caller of a request that changes something.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let why = match request.extensions().get() {
            Some(Peer::Unix { uid, pid }) => {
                return Ok(Self::Process {
                    uid: *uid,
                    pid: *pid,
                });
            }
            Some(Peer::Tls {
                remote,
                certificate: Some(certificate),
            }) => match not_an_admin(certificate) {
                None => {
                    return Ok(Self::Admin {
                        remote: *remote,
                        certificate: Arc::clone(certificate),
                    });
                }
                Some(why) => why,
            },
            Some(Peer::Tls {
                certificate: None, ..
            }) => "this listener asks for no client certificate".to_owned(),
            Some(Peer::Tcp { .. }) | None => "this listener has no TLS".to_owned(),
        };
        Err(Status::permission_denied(format!(
            "{why}; calls that change something are served on the observer's Unix socket (on its node, use \
             `--server unix:///run/tycho/observer.sock`), and to client certificates with the role {ADMIN_ROLE} \
             (`tycho certs --admin NAME` makes one)"
        )))
    }

    /// Writes down who has changed what, or tried to.
    pub(super) fn log<T>(self, call: &str, what: &str, result: &Result<T, Status>) {
        let (mut uid, mut pid, mut remote, mut certificate) = (None, None, None, None);
        match &self {
            Self::Process { uid: of, pid: by } => (uid, pid) = (*of, *by),
            Self::Admin {
                remote: from,
                certificate: shown,
            } => {
                remote = from.map(tracing::field::display);
                certificate = Some(tracing::field::debug(name(shown)));
            }
        }
        match result {
            Ok(_) => tracing::info!(uid, pid, certificate, remote, "{call} {what}"),
            Err(status) => tracing::warn!(
                uid,
                pid,
                certificate,
                remote,
                error = status.message(),
                "{call} {what} was refused"
            ),
        }
    }
}

/// Why the owner of a certificate may not change anything. Connections outlive certificates, so the time counts, too.
fn not_an_admin(certificate: &CertificateFacts) -> Option<String> {
    if !certificate.is_admin() {
        let name = name(certificate);
        return Some(format!("the client certificate of {name:?} lacks a role"));
    }
    (!certificate.holds_at(SystemTime::now())).then(|| {
        format!(
            "the client certificate of {:?} expired {}",
            name(certificate),
            certificate.expires()
        )
    })
}

fn name(certificate: &CertificateFacts) -> &str {
    let first = certificate.names.first();
    let name = certificate.common_name.as_ref().or(first);
    name.map_or("nobody", String::as_str)
}
