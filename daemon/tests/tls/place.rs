//! A directory with certificates, a gRPC server with them, and clients.

use std::path::PathBuf;
use std::time::Duration;

use certificates::{Directory, Leaf, Validity};
use daemon::connect::{ClientSecurity, ClientTls, ConnectError, Target, Windows, connect};
use daemon::drain::Drain;
use daemon::health::Health;
use daemon::listen::{Exposure, Listen, Peer};
use daemon::tasks::Tasks;
use daemon::tls::{CertificateFiles, ServerFiles, ServerTls};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

pub(crate) const LONG: Duration = Duration::from_secs(30);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// Two CAs, and what each has signed.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for authority in ["ours", "theirs"] {
            place.make(authority, Validity::lasting(DAY), &leaves());
        }
        place
    }

    pub(crate) fn directory(&self, authority: &str) -> Directory {
        Directory::new(self.folder.path().join(authority))
    }

    /// Makes certificates, in place of those that are there.
    pub(crate) fn make(&self, authority: &str, validity: Validity, leaves: &[Leaf]) {
        let ca = Validity::lasting(10 * DAY);
        self.directory(authority)
            .make("test CA", ca, leaves, validity, true)
            .unwrap();
    }

    pub(crate) fn files(&self, authority: &str, file: &str) -> CertificateFiles {
        let directory = self.directory(authority);
        CertificateFiles {
            certificate: directory.certificate(file),
            key: directory.key(file),
        }
    }

    pub(crate) fn authority(&self, authority: &str) -> PathBuf {
        self.directory(authority).authority()
    }

    /// Node `a` with our certificate; `mutual` asks clients for theirs.
    pub(crate) fn server_files(&self, mutual: bool) -> ServerFiles {
        ServerFiles {
            certificate: self.files("ours", "node-a"),
            client_authorities: mutual.then(|| self.authority("ours")).into_iter().collect(),
        }
    }

    /// A client that trusts our CA, expects node `a`, and shows this certificate.
    pub(crate) fn client(&self, file: Option<&str>) -> ClientTls {
        ClientTls {
            authorities: vec![self.authority("ours")],
            certificate: file.map(|file| self.files("ours", file)),
            server_name: Some("a.default.tycho".to_owned()),
            allow_insecure: false,
        }
    }
}

pub(crate) fn leaves() -> [Leaf; 4] {
    [
        Leaf::node("a", "default", &["127.0.0.1".to_owned()]).unwrap(),
        Leaf::relay("r", "default", &[]).unwrap(),
        Leaf::client("alice").unwrap(),
        Leaf::admin("root").unwrap(),
    ]
}

/// A gRPC server that says who came.
pub(crate) struct Served {
    pub(crate) target: Target,
    pub(crate) peers: mpsc::Receiver<Peer>,
    pub(crate) tls: Option<ServerTls>,
    tasks: Tasks,
}

impl Served {
    /// With TLS if there are files; it follows them.
    pub(crate) async fn start(files: Option<ServerFiles>) -> Self {
        let tasks = Tasks::new();
        let tls = files.map(|files| ServerTls::load(files).unwrap());
        let exposure = match &tls {
            Some(tls) => {
                tasks.spawn("tls", tls.follow(tasks.cancellation()));
                Exposure::Tls(tls.clone())
            }
            None => Exposure::LoopbackOnly,
        };
        let listen: Listen = "127.0.0.1:0".parse().unwrap();
        let bound = listen.bind(exposure).await.unwrap();
        let target = bound.address().to_string().parse().unwrap();
        let health = Health::starting().await;
        health.serving().await;
        let (tell, peers) = mpsc::channel(64);
        let note = move |request: tonic::Request<()>| {
            let peer: &Peer = request.extensions().get().unwrap();
            // Most tests do not look.
            tell.try_send(peer.clone()).ok();
            Ok(request)
        };
        let drain = Drain::new(tasks.cancellation());
        let served = tonic::transport::Server::builder()
            .layer(tonic::service::InterceptorLayer::new(note))
            .add_service(health.service())
            .serve_with_incoming_shutdown(bound.connections(&drain), drain.begun());
        tasks.spawn("grpc", served);
        Self {
            target,
            peers,
            tls,
            tasks,
        }
    }

    pub(crate) async fn connect(&self, tls: Option<&ClientTls>) -> Result<Channel, ConnectError> {
        let security = tls.map_or(ClientSecurity::Plaintext, |tls| {
            ClientSecurity::Tls(tls.clone())
        });
        let connecting = connect(&self.target, &security, Windows::BULK);
        tokio::time::timeout(LONG, connecting).await.unwrap()
    }

    pub(crate) async fn end(self) {
        self.tasks.shutdown(LONG).await.unwrap();
    }
}

/// Whether a call is answered.
pub(crate) async fn answers(channel: &Channel) -> bool {
    let request = HealthCheckRequest::default();
    let mut client = HealthClient::new(channel.clone());
    let answer = tokio::time::timeout(LONG, client.check(request));
    answer.await.unwrap().is_ok()
}
