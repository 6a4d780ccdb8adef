//! `tycho certs`: what it makes, says and refuses.

use std::fs;

use crate::binary::tycho;

#[test]
fn a_cluster_and_a_node_that_comes_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("text");
    let run = tycho(&[
        "certs",
        "--out",
        out,
        "--node",
        "a=10.0.0.1,a.example.org",
        "--relay",
        "relay",
        "--client",
        "alice",
        "--admin",
        "root",
    ]);
    assert_eq!((run.stderr.as_str(), run.code), ("", 0), "{run:?}");
    for words in [
        "/ca.crt: the CA, new, valid to 2",
        "/node-a.crt: a.default.tycho, 10.0.0.1, a.example.org, valid to 2",
        "/relay-relay.crt: relay.default.tycho, valid to 2",
        "/client-alice.crt: client alice, valid to 2",
        "/admin-root.crt: client root, may change nodes, valid to 2",
        "tycho observer --listen 0.0.0.0:4244 --tls-cert-file /",
        // The relay has no address here, and the node has.
        "tycho status --server tls://HOST:4245 --tls-server-name relay.default.tycho --tls-ca-cert-files /",
        "tycho status --server tls://10.0.0.1:4244 --tls-ca-cert-files /",
    ] {
        assert!(run.stdout.contains(words), "{words}\n{}", run.stdout);
    }
    let run = tycho(&["certs", "--out", out, "--node", "b", "--cluster", "eu"]);
    for words in [
        "/ca.crt: the CA that was there, valid to 2",
        "/node-b.crt: b.eu.tycho, valid to 2",
    ] {
        assert!(run.stdout.contains(words), "{words}\n{run:?}");
    }
}

#[test]
fn refusals() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("certs");
    let out = out.to_str().expect("text");
    let long = "x".repeat(64);
    for (arguments, code, words) in [
        (
            &["--node", "a_b"][..],
            1,
            &["--node", "\"a_b\"", "letters"][..],
        ),
        (&["--node", "a=b c"], 1, &["--node", "\"b c\""]),
        (&["--relay", &long], 1, &["--relay", "more than 63"]),
        (&["--client", "../x"], 1, &["--client", "\"../x\""]),
        (&["--admin", ""], 1, &["--admin", "it is empty"]),
        (
            &["--node", "a", "--cluster", "x y"],
            1,
            &["\"x y\"", "cluster"],
        ),
        (
            &["--node", "a", "--node", "a"],
            1,
            &["node-a is asked for twice"],
        ),
        (&["--node", "a", "--valid", "0"], 2, &["--valid", "`1s`"]),
        (&["--node", "a", "--valid", "1000000d"], 2, &["--valid"]),
        (
            &["--node", "a", "--valid", "soon"],
            2,
            &["--valid", "not a duration"],
        ),
        (&[], 2, &["--node", "--relay", "--client", "--admin"]),
    ] {
        let run = tycho(&[&["certs", "--out", out], arguments].concat());
        assert_eq!((run.stdout.as_str(), run.code), ("", code), "{run:?}");
        for word in words {
            assert!(run.stderr.contains(word), "{word}\n{run:?}");
        }
        assert!(fs::metadata(out).is_err(), "{arguments:?} made something");
    }
    let make = |more: &[&str]| tycho(&[&["certs", "--out", out, "--node", "a"], more].concat());
    assert_eq!(make(&[]).code, 0);
    let again = make(&[]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("node-a.crt exists") && again.stderr.contains("--force"));
    assert_eq!(make(&["--force"]).code, 0);
}
