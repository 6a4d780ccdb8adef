//! Several members of an etcd, TLS, and logins.

use std::error::Error;
use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use registry::cluster::{EtcdLogin, EtcdTls, RegistryHealth, RegistrySettings, open};

use crate::etcd::{Etcd, free_port};
use crate::place::{Part, node};

/// The last error of a part, once there is one: it, and why.
async fn complaint(part: &Part) -> String {
    let health = part
        .health("it complains", |health: &RegistryHealth| {
            health.last_error.is_some()
        })
        .await;
    let error = health.last_error.clone().unwrap();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text += &format!(": {deeper}");
        cause = deeper.source();
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_does_not_answer_is_passed_over() {
    let etcd = Etcd::start();
    let nobody = free_port();
    let url = format!("etcd://127.0.0.1:{nobody},127.0.0.1:{}", etcd.port);
    let a = Part::reached(node(&url, "a")).await;
    let identity = a.allocate("k8s:role=frontend").await;
    // Another prefix is another cluster.
    let b = Part::reached(node(&format!("{url}/other/place"), "b")).await;
    b.allocate("k8s:role=backend").await;
    assert!(b.registry.state().borrow().nodes.is_empty());
    let key = format!("/other/place/identities/by-number/{:05}", identity.0);
    let value = etcd.ctl(&["get", "--print-value-only", &key]);
    assert_eq!(
        value,
        "{\"identity\":256,\"labels\":[\"k8s:role=backend\"]}\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_that_asks_for_a_password() {
    let etcd = Etcd::start();
    for arguments in [
        &["role", "add", "tycho"][..],
        &[
            "role",
            "grant-permission",
            "tycho",
            "--prefix=true",
            "readwrite",
            "/tycho/",
        ],
        &["user", "add", "tycho:secret"],
        &["user", "grant-role", "tycho", "tycho"],
        &["user", "add", "root:root"],
        &["user", "grant-role", "root", "root"],
        &["auth", "enable"],
    ] {
        etcd.ctl(arguments);
    }
    let none = Part::start(node(&etcd.url(), "a"));
    let text = complaint(&none).await;
    assert!(text.contains("user name is empty"), "{text}");
    let login = |password: &str| RegistrySettings {
        login: Some(EtcdLogin {
            user: "tycho".to_owned(),
            password: password.to_owned(),
        }),
        ..node(&etcd.url(), "a")
    };
    let wrong = Part::start(login("wrong"));
    let text = complaint(&wrong).await;
    assert!(text.contains("cannot log in"), "{text}");
    assert!(!text.contains("wrong"), "{text}");
    let right = Part::reached(login("secret")).await;
    right.allocate("k8s:role=frontend").await;
    let url = format!("etcd://tycho:secret@127.0.0.1:{}", etcd.port);
    Part::reached(node(&url, "b")).await;
}

/// A CA, and a certificate for a server and one for a client, as files.
fn certificates(directory: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(directory.join("ca.pem"), ca.pem()).unwrap();
    for (name, names) in [("server", "etcd.test"), ("client", "node-a")] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![names.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &ca).unwrap();
        fs::write(directory.join(format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(directory.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_behind_tls() {
    let files = tempfile::tempdir().unwrap();
    certificates(files.path());
    let path = |name: &str| files.path().join(name);
    let shown = |name: &str| path(name).display().to_string();
    let etcd = Etcd::start_with(&[
        "--cert-file".to_owned(),
        shown("server.pem"),
        "--key-file".to_owned(),
        shown("server.key"),
        "--trusted-ca-file".to_owned(),
        shown("ca.pem"),
        "--client-cert-auth".to_owned(),
    ]);
    let url = format!("etcds://127.0.0.1:{}", etcd.port);
    let tls = EtcdTls {
        ca: Some(path("ca.pem")),
        certificate: Some(path("client.pem")),
        key: Some(path("client.key")),
        server_name: Some("etcd.test".to_owned()),
    };
    let with = |tls: EtcdTls| RegistrySettings {
        tls,
        ..node(&url, "a")
    };
    let a = Part::reached(with(tls.clone())).await;
    a.allocate("k8s:role=frontend").await;
    a.stop().await;
    let check = async |tls: EtcdTls, reason: &str| {
        let part = Part::start(with(tls));
        let text = complaint(&part).await;
        assert!(text.contains(reason), "{text}");
    };
    let wrong_name = EtcdTls {
        server_name: Some("other.test".to_owned()),
        ..tls.clone()
    };
    check(wrong_name, "other.test").await;
    let no_ca = EtcdTls {
        ca: None,
        ..tls.clone()
    };
    check(no_ca, "UnknownIssuer").await;
    // What cannot be read, or does not go together, is refused before anything is tried.
    let refused = |tls: EtcdTls, url: &str, reason: &str| {
        let settings = RegistrySettings {
            tls,
            ..node(url, "a")
        };
        let error = open(settings).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    let missing = EtcdTls {
        ca: Some(path("missing.pem")),
        ..tls.clone()
    };
    refused(missing, &url, "missing.pem");
    let half = EtcdTls {
        key: None,
        ..tls.clone()
    };
    refused(half, &url, "go together");
    refused(tls, &etcd.url(), "say etcds://");
}
