//! Who is served, and what the others read.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use certificates::{Leaf, Validity};
use daemon::causes::in_full;
use daemon::connect::{Asker, ClientTls};
use daemon::tls::{CertificateFiles, ServerFiles, ServerTls};

use crate::place::{DAY, Place, Served, answers, leaves};

/// Connects; an expected text must be part of the error, else a call must be answered.
async fn check(served: &Served, client: Option<&ClientTls>, expect: Option<&str>) {
    match (served.connect(client).await, expect) {
        (Ok(channel), None) => assert!(answers(&channel).await, "{client:?}"),
        (Err(error), Some(text)) => {
            let error = error.told(Asker::Command);
            assert!(error.contains(text), "{error}\nexpected: {text}");
        }
        (got, expect) => panic!("{client:?}: {got:?}, expected {expect:?}"),
    }
}

#[tokio::test]
async fn servers_are_known_by_their_certificates() {
    let place = Place::new();
    let served = Served::start(Some(place.server_files(false))).await;
    let client = place.client(None);
    let with = |change: fn(&mut ClientTls)| {
        let mut client = client.clone();
        change(&mut client);
        client
    };
    let foreign = ClientTls {
        authorities: vec![place.authority("theirs")],
        ..client.clone()
    };
    let both = ClientTls {
        authorities: vec![place.authority("theirs"), place.authority("ours")],
        ..client.clone()
    };
    for (client, expect) in [
        (client.clone(), None),
        (with(|client| client.server_name = None), None),
        (both, None),
        (
            with(|client| client.server_name = Some("b.default.tycho".to_owned())),
            Some(
                "its certificate is for \"a.default.tycho\", \"127.0.0.1\", expected \"b.default.tycho\" (it expires 2",
            ),
        ),
        (
            foreign.clone(),
            Some(
                "its certificate for \"a.default.tycho\", \"127.0.0.1\" is signed by an unknown CA; name the CA's file",
            ),
        ),
        (
            ClientTls {
                allow_insecure: true,
                ..foreign
            },
            None,
        ),
        (
            with(|client| client.server_name = Some("a b".to_owned())),
            Some("\"a b\" is no name that a certificate can have"),
        ),
    ] {
        check(&served, Some(&client), expect).await;
    }
    check(&served, None, Some("it speaks TLS; use `--tls`")).await;
    served.end().await;

    let plain = Served::start(None).await;
    let expect = Some("it does not speak TLS; leave `--tls`");
    check(&plain, Some(&client), expect).await;
    check(&plain, None, None).await;
    plain.end().await;
}

#[tokio::test]
async fn certificates_hold_for_a_time() {
    let place = Place::new();
    let now = SystemTime::now();
    let hour = Duration::from_secs(3_600);
    for (from, to, expect) in [
        (now - 2 * hour, now - hour, "expired 2"),
        (now + hour, now + 2 * hour, "is valid from 2"),
    ] {
        let validity = Validity {
            not_before: from,
            not_after: to,
        };
        let leaf = Leaf::node("late", "default", &[]).unwrap();
        place.make("ours", validity, &[leaf]);
        let files = ServerFiles {
            certificate: place.files("ours", "node-late"),
            client_authorities: Vec::new(),
        };
        let served = Served::start(Some(files)).await;
        let mut client = place.client(None);
        client.server_name = Some("late.default.tycho".to_owned());
        let text = format!("its certificate for \"late.default.tycho\" {expect}");
        check(&served, Some(&client), Some(&text)).await;
        served.end().await;

        let client = Leaf::client("late").unwrap();
        place.make("ours", validity, &[client]);
        let served = Served::start(Some(place.server_files(true))).await;
        let client = place.client(Some("client-late"));
        let text = Some("client-late.crt is valid from 2");
        check(&served, Some(&client), text).await;
        served.end().await;
    }
}

#[tokio::test]
async fn clients_are_known_by_their_certificates() {
    let place = Place::new();
    let served = Served::start(Some(place.server_files(true))).await;
    let foreign = ClientTls {
        certificate: Some(place.files("theirs", "client-alice")),
        ..place.client(None)
    };
    for (client, expect) in [
        (place.client(Some("client-alice")), None),
        (place.client(Some("admin-root")), None),
        (place.client(Some("relay-r")), None),
        (
            place.client(None),
            Some(
                "it wants a client certificate; give one that the server's CA has signed with `--tls-client-cert-file`",
            ),
        ),
        (
            foreign,
            Some("it refuses the client certificate: it does not know the CA"),
        ),
        (
            place.client(Some("node-a")),
            Some("it refuses the client certificate"),
        ),
    ] {
        check(&served, Some(&client), expect).await;
    }
    check(&served, None, Some("it speaks TLS; use `--tls`")).await;
    served.end().await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let place = Place::new();
    let served = Served::start(Some(place.server_files(true))).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let garbage = file("garbage.crt", b"no certificate\n");
    let damaged = file(
        "damaged.crt",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let huge = file("huge.crt", &vec![b'x'; 5 << 20]);
    let good = place.files("ours", "client-alice");
    let pair = |certificate: &PathBuf, key: &PathBuf| CertificateFiles {
        certificate: certificate.clone(),
        key: key.clone(),
    };
    for (authority, certificate, expect) in [
        (
            Some(&garbage),
            None,
            "garbage.crt has no certificate in PEM form",
        ),
        (Some(&damaged), None, "damaged.crt is damaged"),
        (Some(&huge), None, "huge.crt: it is too large"),
        (Some(&folder.path().join("none.crt")), None, "cannot read"),
        (
            None,
            Some(pair(&good.certificate, &garbage)),
            "garbage.crt has no unencrypted private key in PEM form",
        ),
        (
            None,
            Some(pair(&damaged, &good.key)),
            "damaged.crt is damaged",
        ),
        (
            None,
            Some(pair(
                &good.certificate,
                &place.files("ours", "admin-root").key,
            )),
            "they were not made together",
        ),
    ] {
        let mut client = place.client(None);
        if let Some(authority) = authority {
            client.authorities = vec![authority.clone()];
        }
        client.certificate = certificate;
        check(&served, Some(&client), Some(expect)).await;

        let files = ServerFiles {
            certificate: client.certificate.unwrap_or_else(|| good.clone()),
            client_authorities: client.authorities,
        };
        let error = in_full(&ServerTls::load(files).unwrap_err());
        assert!(error.contains(expect), "{error}");
    }
    served.end().await;
}

/// What a test directory makes is what the tests believe.
#[test]
fn certificates_say_what_was_asked_for() {
    let place = Place::new();
    let [node, ..] = leaves();
    let path = place.directory("ours").certificate(node.file());
    let facts = daemon::tls::CertificateFacts::read_pem(&fs::read(path).unwrap()).unwrap();
    assert_eq!(facts.names, ["a.default.tycho", "127.0.0.1"]);
    assert_eq!(facts.common_name.as_deref(), Some("a"));
    assert!(!facts.is_admin());
    assert!(facts.holds_at(SystemTime::now()));
    assert!(!facts.holds_at(SystemTime::now() + 2 * DAY));
}
