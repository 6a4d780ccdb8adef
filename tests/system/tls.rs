//! TLS as users meet it: certificates of `tycho certs`, flags, variables, addresses, and what a refusal says.

use std::path::Path;

use daemon::listen::Exposure;
use daemon::tls::{CertificateFiles, ServerFiles, ServerTls};
use tempfile::TempDir;
use tests::binary::{Run, command, finish, tycho};

use crate::replay::Replay;

/// Certificates of two clusters that know nothing of each other.
struct Certificates(TempDir);

impl Certificates {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        for cluster in ["ours", "theirs"] {
            let out = folder.0.path().join(cluster);
            let node = ["--node", "node-a=127.0.0.1", "--client", "alice"];
            let out = ["certs", "--out", out.to_str().expect("text")];
            tycho(&[&out[..], &node].concat()).output();
        }
        folder
    }

    fn file(&self, name: &str) -> String {
        let path = self.0.path().join(name);
        path.to_str().expect("text").to_owned()
    }

    /// A node with our certificate.
    fn serve(&self, mutual: bool) -> Replay {
        let path = |name: &str| Path::new(&self.file(name)).to_owned();
        let files = ServerFiles {
            certificate: CertificateFiles {
                certificate: path("ours/node-node-a.crt"),
                key: path("ours/node-node-a.key"),
            },
            client_authorities: mutual.then(|| path("ours/ca.crt")).into_iter().collect(),
        };
        Replay::on_tcp(Exposure::Tls(ServerTls::load(files).expect("good files")))
    }

    /// Flags of a client that trusts one cluster's CA and shows one's certificate.
    fn flags(&self, authority: &str, client: Option<&str>) -> Vec<String> {
        let mut flags = vec![
            "--tls-ca-cert-files".to_owned(),
            self.file(&format!("{authority}/ca.crt")),
        ];
        for (flag, end) in [
            ("--tls-client-cert-file", "crt"),
            ("--tls-client-key-file", "key"),
        ] {
            if let Some(client) = client {
                let file = self.file(&format!("{client}/client-alice.{end}"));
                flags.extend([flag.to_owned(), file]);
            }
        }
        flags
    }
}

fn ask(arguments: &[&str], more: &[String]) -> Run {
    finish(command().args(arguments).args(more))
}

#[test]
fn flows_come_over_mutual_tls() {
    let certificates = Certificates::new();
    let replay = certificates.serve(true);
    let flags = certificates.flags("ours", Some("ours"));
    let plain = Replay::new().ask(&["observe", "--all"]).output();
    assert!(plain.lines().count() > 10, "{plain}");

    let server = replay.server.as_str();
    let observe = ["observe", "--all", "--server"];
    let by_flag = ask(&[&observe[..], &[server, "--tls"]].concat(), &flags);
    assert_eq!(by_flag.output(), plain);
    let tls_address = format!("tls://{server}");
    let by_address = ask(&[&observe[..], &[&tls_address]].concat(), &flags);
    assert_eq!(by_address.output(), plain);

    let name = ["--tls", "--tls-server-name", "node-a.default.tycho"];
    let status = ask(
        &[&["status", "--server", server], &name[..]].concat(),
        &flags,
    );
    assert!(status.output().contains("node-a"));

    for prefix in ["TYCHO", "HUBBLE"] {
        let mut command = command();
        command.args(["observe", "--all"]);
        for (variable, value) in [
            ("SERVER", server.to_owned()),
            ("TLS", "true".to_owned()),
            ("TLS_CA_CERT_FILES", certificates.file("ours/ca.crt")),
            (
                "TLS_CLIENT_CERT_FILE",
                certificates.file("ours/client-alice.crt"),
            ),
            (
                "TLS_CLIENT_KEY_FILE",
                certificates.file("ours/client-alice.key"),
            ),
        ] {
            command.env(format!("{prefix}_{variable}"), value);
        }
        assert_eq!(finish(&mut command).output(), plain, "{prefix}");
    }
}

#[test]
fn refusals_say_what_to_do() {
    let certificates = Certificates::new();
    let replay = certificates.serve(true);
    let ours = certificates.flags("ours", Some("ours"));
    let no_certificate = certificates.flags("ours", None);
    let wrong_authority = certificates.flags("theirs", Some("ours"));
    let wrong_client = certificates.flags("ours", Some("theirs"));
    let server = replay.server.as_str();
    for (arguments, flags, words) in [
        (
            &["--tls=false"][..],
            &ours,
            &["it speaks TLS; use `--tls`"][..],
        ),
        (
            &["--tls"],
            &no_certificate,
            &[
                "it wants a client certificate",
                "--tls-client-cert-file",
                "tycho certs",
            ],
        ),
        (
            &["--tls"],
            &wrong_authority,
            &[
                "its certificate for \"node-a.default.tycho\", \"127.0.0.1\" is signed by an unknown CA",
                "--tls-ca-cert-files",
            ],
        ),
        (
            &["--tls"],
            &wrong_client,
            &["it refuses the client certificate: it does not know the CA"],
        ),
        (
            &["--tls", "--tls-server-name", "node-b.default.tycho"],
            &ours,
            &[
                "its certificate is for \"node-a.default.tycho\", \"127.0.0.1\", expected \"node-b.default.tycho\"",
                "expires 2",
                "--tls-server-name",
            ],
        ),
    ] {
        let run = ask(
            &[&["observe", "--server", server], arguments].concat(),
            flags,
        );
        run.assert_refused(1, words);
        run.assert_refused(1, &["cannot use the server", server]);
        assert!(!run.stderr.contains("tycho demo"), "{run:?}");
    }
    let insecure = [
        "observe",
        "--server",
        server,
        "--tls",
        "--tls-allow-insecure",
    ];
    let shown = ask(&insecure, &wrong_authority).output();
    assert!(!shown.is_empty());

    let plain = Replay::on_tcp(Exposure::LoopbackOnly);
    ask(&["observe", "--tls", "--server", &plain.server], &ours)
        .assert_refused(1, &["it does not speak TLS", "leave `--tls`"]);
    // TLS is of TCP: a socket needs none.
    let socket = Replay::new();
    ask(&["observe", "--tls", "--server", &socket.server], &ours).output();
}

#[test]
fn a_server_without_client_authorities_asks_for_nothing() {
    let certificates = Certificates::new();
    let replay = certificates.serve(false);
    let flags = certificates.flags("ours", None);
    ask(&["observe", "--tls", "--server", &replay.server], &flags).output();
    ask(
        &[
            "endpoint",
            "remove",
            "shop/x",
            "--tls",
            "--server",
            &replay.server,
        ],
        &flags,
    )
    .assert_refused(1, &["asks for no client certificate", "tycho:admin"]);
}

#[test]
fn an_observer_refuses_flags_that_do_not_fit() {
    let certificates = Certificates::new();
    let [certificate, key, other] = [
        "ours/node-node-a.crt",
        "ours/node-node-a.key",
        "theirs/node-node-a.key",
    ]
    .map(|name| certificates.file(name));
    let observer = ["observer", "--endpoints", "/no/such.yaml"];
    for (arguments, code, words) in [
        (
            &["--tls-cert-file", &certificate][..],
            2,
            &["--tls-key-file"][..],
        ),
        (&["--tls-key-file", &key], 2, &["--tls-cert-file"]),
        (
            &["--tls-client-ca-files", &certificate],
            2,
            &["--tls-cert-file"],
        ),
        (
            &[
                "--tls-cert-file",
                &certificate,
                "--tls-key-file",
                &key,
                "--insecure-bind",
            ],
            2,
            &["--insecure-bind", "--tls-cert-file"],
        ),
        (
            &["--tls-cert-file", &certificate, "--tls-key-file", &other],
            1,
            &[
                "node-node-a.key does not fit the certificate",
                "not made together",
            ],
        ),
        (
            &["--tls-cert-file", "/no/such.crt", "--tls-key-file", &key],
            1,
            &["cannot read /no/such.crt", "No such file"],
        ),
    ] {
        tycho(&[&observer, arguments].concat()).assert_refused(code, words);
    }
}
