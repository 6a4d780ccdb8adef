//! `tycho registry` on a real etcd: leases, several members, logins, certificates, and one that was wiped.

use std::path::Path;

use crate::binary::{Run, tycho, tycho_fed};
use crate::etcd::{Etcd, free_port};
use crate::registry::{Node, POLICY, check_failure, good, node_at};

fn run(url: &str, arguments: &[&str]) -> Run {
    tycho(&[&["registry", "--registry", url], arguments].concat())
}

fn put(url: &str, flags: &[&str]) -> Run {
    let arguments = [
        "registry",
        "--registry",
        url,
        "policy",
        "put",
        "-",
        "--name",
        "web",
    ];
    tycho_fed(&[&arguments, flags].concat(), POLICY)
}

#[test]
fn what_is_in_an_etcd_is_shown_and_changed() {
    let etcd = Etcd::start();
    let _node = Node::start(node_at(&etcd.url()));
    // A member that does not answer is passed over.
    let url = format!("etcd://127.0.0.1:{},127.0.0.1:{}", free_port(), etcd.port);
    let nodes = good(run(&url, &["nodes"]));
    let row = nodes.lines().nth(1).expect("a node");
    assert!(row.starts_with("default/node-a  "), "{nodes}");
    assert!(row.contains("s ago") && row.contains("  15s  "), "{nodes}");
    let json: serde_json::Value =
        serde_json::from_str(&good(run(&url, &["all", "-o", "json"]))).expect("one object");
    assert_eq!(json["nodes"][0]["lease_seconds"], 15);
    assert_eq!(json["identities"].as_array().map(Vec::len), Some(2));
    let id = etcd.ctl(&["get", "--print-value-only", "/tycho/cluster-id"]);
    let id: String = serde_json::from_str(&id).expect("an id");
    assert_eq!(json["cluster_id"], id.as_str());
    assert!(good(run(&url, &[])).contains(&id));
    good(put(&url, &[]));
    assert!(
        etcd.ctl(&["get", "/tycho/policies/web"])
            .contains("CiliumNetworkPolicy")
    );
    assert_eq!(
        good(run(&url, &["policy", "delete", "web"])),
        "deleted policy web: CiliumNetworkPolicy/shop/web\n"
    );
    assert_eq!(etcd.ctl(&["get", "/tycho/policies/web"]), "");
}

#[test]
fn an_etcd_that_is_empty_or_away_is_told() {
    let mut etcd = Etcd::start();
    let summary = good(run(&etcd.url(), &[]));
    assert!(summary.contains("CLUSTER   none yet\n"), "{summary}");
    let run_on_empty = put(&etcd.url(), &[]);
    assert_eq!(run_on_empty.code, 0, "{run_on_empty:?}");
    for words in ["note: no node was ever at etcd://127.0.0.1", "it was wiped"] {
        assert!(run_on_empty.stderr.contains(words), "{run_on_empty:?}");
    }
    etcd.stop();
    let member = format!("127.0.0.1:{}", etcd.port);
    check_failure(
        &run(&etcd.url(), &[]),
        &[
            &format!("etcd://{member}/tycho cannot be read"),
            &format!("cannot connect to {member}"),
            "refused",
        ],
    );
}

#[test]
fn without_the_right_to_write_there_is_reading() {
    let etcd = Etcd::start();
    let node = Node::start(node_at(&etcd.url()));
    good(put(&etcd.url(), &[]));
    drop(node);
    let grant = [
        "role",
        "grant-permission",
        "reader",
        "--prefix=true",
        "read",
        "/tycho/",
    ];
    for arguments in [
        &["role", "add", "reader"][..],
        &grant,
        &["user", "add", "reader:secret"],
        &["user", "grant-role", "reader", "reader"],
        &["user", "add", "root:root"],
        &["user", "grant-role", "root", "root"],
        &["auth", "enable"],
    ] {
        etcd.ctl(arguments);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let password = folder.path().join("password");
    std::fs::write(&password, "secret\n").expect("a file");
    let login = [
        "--etcd-user",
        "reader",
        "--etcd-password-file",
        text(&password),
    ];
    let url = etcd.url();
    let all = good(run(&url, &[&["all"], &login[..]].concat()));
    assert!(all.contains("CiliumNetworkPolicy/shop/web"), "{all}");
    let denied = [
        "denies this: 127.0.0.1",
        "for a node, `readwrite`",
        "permission denied",
    ];
    check_failure(
        &run(&url, &[&["policy", "delete", "web"], &login[..]].concat()),
        &denied,
    );
    check_failure(&put(&url, &login), &denied);
    check_failure(
        &run(&url, &["all"]),
        &["cannot be read", "user name is empty"],
    );
    std::fs::write(&password, "wrong").expect("a file");
    let wrong = run(&url, &[&["all"], &login[..]].concat());
    check_failure(&wrong, &["cannot be read", "cannot log in"]);
    std::fs::remove_file(&password).expect("it was there");
    let none = run(&url, &[&["all"], &login[..]].concat());
    check_failure(
        &none,
        &["cannot read the password of etcd from", "No such file"],
    );
}

#[test]
fn certificates_are_held_against_their_authority_and_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().display().to_string();
    good(tycho(&["certs", "--out", &out, "--node", "etcd"]));
    good(tycho(&[
        "certs",
        "--out",
        &format!("{out}/other"),
        "--node",
        "etcd",
    ]));
    let path = |name: &str| folder.path().join(name).display().to_string();
    let etcd = Etcd::start_with(&[
        "--cert-file".to_owned(),
        path("node-etcd.crt"),
        "--key-file".to_owned(),
        path("node-etcd.key"),
    ]);
    let url = format!("etcds://127.0.0.1:{}", etcd.port);
    let (ours, other) = (path("ca.crt"), path("other/ca.crt"));
    let name = ["--etcd-server-name", "etcd.default.tycho"];
    let summary = good(run(&url, &[&["--etcd-ca-file", &ours], &name[..]].concat()));
    assert!(summary.contains("none yet"), "{summary}");
    let foreign = run(&url, &[&["--etcd-ca-file", &other], &name[..]].concat());
    check_failure(
        &foreign,
        &["cannot connect to 127.0.0.1", "invalid peer certificate"],
    );
    let unnamed = run(&url, &["--etcd-ca-file", &ours]);
    check_failure(&unnamed, &["not valid for name \"127.0.0.1\""]);
    let missing = run(&url, &["--etcd-ca-file", "/nowhere.crt"]);
    check_failure(&missing, &["CA of etcd", "/nowhere.crt"]);
    let plain = run(&etcd.url(), &["--etcd-ca-file", &ours]);
    check_failure(&plain, &["say etcds://"]);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}
