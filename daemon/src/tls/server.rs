//! The server's side of TLS: certificate, key and CAs from files, taken anew when these change.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::files::{FileBytes, look};
use super::{
    ALPN_HTTP1, ALPN_HTTP2, CertificateFacts, CertificateFiles, Identity, TlsFileError, provider,
    read_authorities,
};
use crate::causes::in_full;

/// How often the files are looked at, and for how long they must stay as they are before they are used: certificate and
/// key are written one after the other.
const POLL: Duration = Duration::from_secs(1);
const SETTLE: Duration = Duration::from_millis(100);

/// What a server needs for TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFiles {
    /// The server's certificate and key.
    pub certificate: CertificateFiles,
    /// CAs whose clients are served. With none, clients show no certificate: they are not known.
    pub client_authorities: Vec<PathBuf>,
}

impl ServerFiles {
    fn paths(&self) -> Vec<PathBuf> {
        let own = [&self.certificate.certificate, &self.certificate.key];
        own.into_iter()
            .chain(&self.client_authorities)
            .cloned()
            .collect()
    }
}

/// TLS of one server, shared by its listeners. Clones share it.
#[derive(Clone, Debug)]
pub struct ServerTls {
    shared: Arc<Shared>,
    /// Clients may speak HTTP/1.1 as well.
    http1: bool,
}

#[derive(Debug)]
struct Shared {
    files: ServerFiles,
    current: Mutex<Current>,
}

/// What new connections get.
#[derive(Clone, Debug)]
struct Current {
    config: Arc<ServerConfig>,
    certificate: CertificateFacts,
    problem: Option<String>,
    seen: Vec<FileBytes>,
}

/// What is in use, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsState {
    /// What the server's certificate says.
    pub certificate: CertificateFacts,
    /// Why the newest files are not in use, if they are not.
    pub problem: Option<String>,
}

impl ServerTls {
    /// Reads the files. An expired certificate is taken, with a warning: clients are told by their own side, and a server
    /// that does not start would serve its Unix socket no longer.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn load(files: ServerFiles) -> Result<Self, TlsFileError> {
        let seen = look(&files.paths());
        let (config, certificate) = configure(&files)?;
        if !certificate.holds_at(SystemTime::now()) {
            tracing::error!(
                "the certificate in {} is valid from {} to {}: clients will refuse it",
                files.certificate.certificate.display(),
                certificate.begins(),
                certificate.expires()
            );
        }
        let current = Current {
            config: Arc::new(config),
            certificate,
            problem: None,
            seen,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                files,
                current: Mutex::new(current),
            }),
            http1: false,
        })
    }

    /// The same for clients that may speak HTTP/1.1 as well as HTTP/2.
    #[must_use]
    pub(crate) fn with_http1(self) -> Self {
        Self {
            http1: true,
            ..self
        }
    }

    /// What is in use now.
    #[must_use]
    pub fn state(&self) -> TlsState {
        let Current {
            certificate,
            problem,
            ..
        } = self.current();
        TlsState {
            certificate,
            problem,
        }
    }

    /// What a new connection is accepted with.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let mut config = self.current().config;
        if self.http1 {
            // What it shares with the original, sessions above all, it goes on sharing.
            let mut own = ServerConfig::clone(&config);
            own.alpn_protocols.push(ALPN_HTTP1.to_vec());
            config = Arc::new(own);
        }
        TlsAcceptor::from(config)
    }

    /// Follows the files until `cancel`: new connections get what is new and good, those that run go on. What is bad is
    /// reported, and the last good state stays. The future is to be run as a task.
    pub fn follow(&self, cancel: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move {
            cancel.run_until_cancelled(follow(shared)).await;
        }
    }

    fn current(&self) -> Current {
        self.shared.current().clone()
    }
}

impl Shared {
    fn current(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the files say now, if it is good.
    fn reload(&self, seen: Vec<FileBytes>) {
        let path = self.files.certificate.certificate.display();
        let read = configure(&self.files)
            .map_err(|error| in_full(&error))
            .and_then(
                |(config, certificate)| match certificate.holds_at(SystemTime::now()) {
                    true => Ok((config, certificate)),
                    false => Err(format!(
                        "the certificate is valid from {} to {}",
                        certificate.begins(),
                        certificate.expires()
                    )),
                },
            );
        let mut current = self.current();
        current.seen = seen;
        match read {
            Ok((config, certificate)) => {
                tracing::info!(%path, expires = certificate.expires(), "new TLS files are in use");
                current.config = Arc::new(config);
                current.certificate = certificate;
                current.problem = None;
            }
            Err(error) => {
                tracing::error!(%path, "the new TLS files are not used, the last ones stay in use: {error}");
                current.problem = Some(error);
            }
        }
    }
}

async fn follow(shared: Arc<Shared>) {
    let paths = shared.files.paths();
    let look = async || {
        let paths = paths.clone();
        spawn_blocking(move || look(&paths)).await
    };
    loop {
        sleep(POLL).await;
        // Both fail only when the runtime ends.
        let Ok(first) = look().await else { return };
        if first == shared.current().seen {
            continue;
        }
        sleep(SETTLE).await;
        let Ok(second) = look().await else { return };
        if first == second {
            let shared = Arc::clone(&shared);
            if spawn_blocking(move || shared.reload(second)).await.is_err() {
                return;
            }
        }
    }
}

fn configure(files: &ServerFiles) -> Result<(ServerConfig, CertificateFacts), TlsFileError> {
    let provider = provider();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has the suites of TLS 1.3");
    let builder = if files.client_authorities.is_empty() {
        builder.with_no_client_auth()
    } else {
        let authorities = Arc::new(read_authorities(&files.client_authorities)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(authorities, provider)
            .build()
            .map_err(|error| TlsFileError::ClientAuthorities(error.to_string()))?;
        builder.with_client_cert_verifier(verifier)
    };
    let Identity { chain, key, facts } = Identity::read(&files.certificate)?;
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| TlsFileError::from_pair(&files.certificate, &error))?;
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
    // Nothing is resumed: every connection is verified by what holds when it begins.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok((config, facts))
}
