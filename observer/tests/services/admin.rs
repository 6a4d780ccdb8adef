//! Who may change a node over TCP: nobody, unless a certificate says so.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use certificates::{Directory, Leaf, Validity};
use daemon::connect::{ClientSecurity, ClientTls, Windows, connect};
use daemon::drain::Drain;
use daemon::health::Health;
use daemon::listen::{Exposure, Listen};
use daemon::tasks::Tasks;
use daemon::tls::{CertificateFiles, ServerFiles, ServerTls};
use observer::service::Server;
use proto::tycho::v1::endpoints_client::EndpointsClient;
use proto::tycho::v1::{AddEndpointRequest, ListEndpointsRequest};
use tonic::Code;
use tracing_subscriber::fmt::MakeWriter;

use crate::endpoints::BACKEND;
use crate::fixture::LONG;
use crate::planned::Files;

/// What is logged, by this thread alone.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'log> MakeWriter<'log> for Log {
    type Writer = Self;

    fn make_writer(&'log self) -> Self {
        self.clone()
    }
}

impl Log {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

/// On one thread, so that the log is this test's.
#[tokio::test]
async fn a_change_needs_the_role() {
    let log = Log::default();
    let logged = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let _logged = tracing::subscriber::set_default(logged);

    let files = Files::new();
    let life = files.start().await;
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::new(folder.path().to_owned());
    let day = Validity::lasting(std::time::Duration::from_secs(86_400));
    let leaves = [
        Leaf::node("node-a", "default", &[]).unwrap(),
        Leaf::client("alice").unwrap(),
        Leaf::admin("root").unwrap(),
        Leaf::relay("r", "default", &[]).unwrap(),
    ];
    directory.make("CA", day, &leaves, day, false).unwrap();
    let pair = |file: &str| CertificateFiles {
        certificate: directory.certificate(file),
        key: directory.key(file),
    };

    for (mutual, shown, expect) in [
        (true, "admin-root", None),
        (
            true,
            "client-alice",
            Some("the client certificate of \"alice\" lacks a role; "),
        ),
        (
            true,
            "relay-r",
            Some("the client certificate of \"r\" lacks a role; "),
        ),
        // Nobody has verified what nobody asked for.
        (
            false,
            "admin-root",
            Some("this listener asks for no client certificate; "),
        ),
    ] {
        let tasks = Tasks::new();
        let drain = Drain::new(tasks.cancellation());
        let health = Health::starting().await;
        let server = Server::new(&life.node, &health, &drain, &tasks).unwrap();
        let tls = ServerTls::load(ServerFiles {
            certificate: pair("node-node-a"),
            client_authorities: mutual.then(|| directory.authority()).into_iter().collect(),
        });
        let listen: Listen = "127.0.0.1:0".parse().unwrap();
        let bound = listen.bind(Exposure::Tls(tls.unwrap())).await.unwrap();
        let (address, _served) = server.serve(bound, &tasks);
        let security = ClientSecurity::Tls(ClientTls {
            authorities: vec![directory.authority()],
            certificate: Some(pair(shown)),
            server_name: Some("node-a.default.tycho".to_owned()),
            allow_insecure: false,
        });
        let target = address.to_string().parse().unwrap();
        let channel = connect(&target, &security, Windows::BULK).await.unwrap();
        let mut client = EndpointsClient::new(channel);

        client
            .list_endpoints(ListEndpointsRequest::default())
            .await
            .expect("everybody who is served may read");
        log.take();
        let request = AddEndpointRequest {
            endpoint: BACKEND.to_owned(),
            ..AddEndpointRequest::default()
        };
        let changed = client.add_endpoint(request).await;
        match expect {
            None => {
                changed.expect("the admin may");
                let log = log.take();
                for words in [
                    "add endpoint shop/backend",
                    "certificate=\"root\"",
                    "remote=127.0.0.1:",
                ] {
                    assert!(log.contains(words), "{words}: {log}");
                }
            }
            Some(text) => {
                let status = changed.unwrap_err();
                assert_eq!(status.code(), Code::PermissionDenied);
                let message = status.message();
                assert!(message.starts_with(text), "{message}");
                for next_step in [
                    "tycho:admin",
                    "`tycho certs --admin NAME`",
                    "`--server unix://",
                ] {
                    assert!(message.contains(next_step), "{message}");
                }
            }
        }
        tasks.shutdown(LONG).await.unwrap();
    }
    life.end().await;
}
