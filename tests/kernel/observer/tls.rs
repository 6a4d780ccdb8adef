//! The real observer over mutual TLS: reading, changing, and certificates that are replaced while it runs.

use std::net::TcpListener;
use std::path::Path;

use tests::agent::{Agent, wait_for};
use tests::binary::{Run, command, finish, tycho};
use tests::site::Site;

const BACKEND: &str =
    "{name: late, namespace: shop, netns: no-such-late, ips: [10.46.0.99], labels: {role: late}}";

/// Flags and files of one site.
struct Tls {
    out: String,
    server: String,
}

impl Tls {
    fn make(&self, arguments: &[&str]) {
        tycho(&[&["certs", "--out", &self.out], arguments].concat()).output();
    }

    fn file(&self, name: &str) -> String {
        Path::new(&self.out).join(name).display().to_string()
    }

    /// A command over TLS, with this certificate.
    fn command(&self, client: Option<&str>, arguments: &[&str]) -> std::process::Command {
        let mut command = command();
        command.args(arguments).args(["--server", &self.server]);
        command.args(["--tls-ca-cert-files", &self.file("ca.crt")]);
        command.args(["--tls-server-name", "tls-tests.default.tycho"]);
        if let Some(client) = client {
            let [certificate, key] =
                ["crt", "key"].map(|end| self.file(&format!("{client}.{end}")));
            command.args(["--tls-client-cert-file", &certificate]);
            command.args(["--tls-client-key-file", &key]);
        }
        command
    }

    fn ask(&self, client: Option<&str>, arguments: &[&str]) -> Run {
        finish(&mut self.command(client, arguments))
    }
}

#[test]
fn an_observer_is_read_and_changed_over_mutual_tls() {
    let site = Site::new("tls", &[("backend", "backend"), ("frontend", "frontend")]);
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address").to_string();
    drop(free);
    let tls = Tls {
        out: site.file("certs").display().to_string(),
        server: format!("tls://{address}"),
    };
    tls.make(&[
        "--node",
        "tls-tests",
        "--client",
        "alice",
        "--admin",
        "root",
    ]);
    let agent = Agent::start(
        &site,
        &[
            "--listen",
            &address,
            "--tls-cert-file",
            &tls.file("node-tls-tests.crt"),
            "--tls-key-file",
            &tls.file("node-tls-tests.key"),
            "--tls-client-ca-files",
            &tls.file("ca.crt"),
        ],
    );

    let alice = Some("client-alice");
    let over_socket = agent.ask(&["endpoint", "list"]).output();
    assert_eq!(tls.ask(alice, &["endpoint", "list"]).output(), over_socket);
    tls.ask(None, &["endpoint", "list"])
        .assert_refused(1, &["it wants a client certificate"]);

    // A change needs the role, and is logged with its certificate.
    let definition = site.file("late.yaml");
    std::fs::write(&definition, BACKEND).expect("written");
    let add = ["endpoint", "add", "-f", definition.to_str().expect("text")];
    tls.ask(alice, &add).assert_refused(
        1,
        &[
            "PERMISSION_DENIED",
            "\"alice\"",
            "tycho:admin",
            "tycho certs --admin",
        ],
    );
    let over_tls = tls.ask(Some("admin-root"), &add);
    assert_eq!(over_tls.code, 0, "{over_tls:?}");
    agent.wait_for_log(&["add endpoint shop/late", "certificate=\"root\""]);
    assert!(agent.ask(&["endpoint", "list"]).output().contains("late"));

    // A new certificate is taken while a stream that began under the old one goes on.
    let mut follower = tls
        .command(alice, &["observe", "--follow", "-o", "json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("tycho starts");
    agent.wait_for_log(&["serving"]);
    tls.make(&["--node", "tls-tests", "--valid", "2s", "--force"]);
    agent.wait_for_log(&["new TLS files are in use"]);
    wait_for("the new certificate to expire", || {
        let run = tls.ask(alice, &["status"]);
        assert!(run.code == 0 || run.stderr.contains("expired 2"), "{run:?}");
        run.code != 0
    });
    assert!(
        follower.try_wait().expect("it is ours").is_none(),
        "what runs goes on"
    );
    std::fs::write(tls.file("node-tls-tests.crt"), "half of it").expect("written");
    agent.wait_for_log(&["the new TLS files are not used", "has no certificate"]);
    tls.make(&["--node", "tls-tests", "--force"]);
    wait_for("a good certificate to be taken", || {
        tls.ask(alice, &["status"]).code == 0
    });
    let backend = site.serve("backend", false, 8080);
    assert!(site.is_answered("frontend", site.at("backend", false, 8080)));
    drop(backend);
    let mut lines = std::io::BufReader::new(follower.stdout.take().expect("it is piped"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut lines, &mut line).expect("text");
    assert!(line.contains("\"flow\""), "{line}");
    follower.kill().expect("it runs");
    follower.wait().expect("it is ours");
    agent.terminate();
}
