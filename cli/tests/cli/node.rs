//! `tycho endpoint`, `identity`, `policy` and `explain` against a server: what they ask and print.

use crate::binary::{tycho, tycho_fed};
use crate::fake::{Fake, Plan};
use crate::fake_node::FakeNode;
use crate::snapshot;

/// A Tycho server with canned answers, and what it is asked.
pub(crate) fn start(refuses_changes: bool) -> (Fake, FakeNode) {
    let node = FakeNode {
        refuses_changes,
        ..Default::default()
    };
    let plan = Plan {
        is_tycho: true,
        node: node.clone(),
        ..Default::default()
    };
    (Fake::start(plan, None), node)
}

fn run(fake: &Fake, line: &[&str]) -> crate::binary::Run {
    tycho(&[line, &["--server", &fake.address]].concat())
}

#[test]
fn formats() {
    let (fake, _) = start(false);
    for (file, line, code) in [
        ("endpoint-list", &["endpoint", "list"][..], 0),
        (
            "endpoint-list-all-labels",
            &["endpoint", "list", "--all-labels"],
            0,
        ),
        ("endpoint-list-json", &["endpoint", "list", "-o", "json"], 0),
        ("endpoint-get", &["endpoint", "get", "shop/db"], 0),
        ("identity-list", &["identity", "list"], 0),
        (
            "identity-list-at",
            &["identity", "list", "--at", "2025-11-22T09Z"],
            0,
        ),
        ("identity-get", &["identity", "get", "258"], 0),
        ("policy-list", &["policy", "list"], 0),
        ("policy-unused", &["policy", "unused"], 0),
        ("policy-get", &["policy", "get", "cnp/db"], 0),
        (
            "policy-get-table",
            &["policy", "get", "shop/db", "-o", "table"],
            0,
        ),
        (
            "policy-verdict",
            &[
                "policy",
                "verdict",
                "--from=role in (frontend,backend)",
                "--to=endpoint:shop/db",
                "--port=80",
            ],
            2,
        ),
        (
            "policy-verdict-json",
            &[
                "policy",
                "verdict",
                "--from=a",
                "--to=b",
                "--port=5432",
                "-o",
                "json",
            ],
            0,
        ),
        ("explain", &["explain", "5f0c-1"], 0),
        ("explain-changed", &["explain", "changed", "--yaml"], 0),
    ] {
        let run = run(&fake, line);
        assert_eq!((run.code, run.stderr.as_str()), (code, ""), "{line:?}");
        let steers = |c: char| c.is_control() && c != '\n';
        assert!(!run.stdout.contains(steers), "{line:?}\n{}", run.stdout);
        snapshot::check(&format!("node/{file}.txt"), &run.stdout);
    }
}

#[test]
fn what_is_asked() {
    for (line, expected) in [
        (
            &[
                "endpoint",
                "list",
                "-l",
                "a=b",
                "--selector",
                "c",
                "-o",
                "json",
            ][..],
            r#"ListEndpoints {"selectors":["a=b","c"]}"#,
        ),
        (&["endpoint", "get", "7"], r#"GetEndpoint {"number":7}"#),
        (
            &["endpoint", "get", "fd00::1"],
            r#"GetEndpoint {"ip":"fd00::1"}"#,
        ),
        (
            &[
                "identity",
                "list",
                "a=b",
                "-l",
                "c",
                "--selector=d",
                "--at",
                "2025-11-22T10Z",
            ],
            r#"ListIdentities {"selectors":["a=b","c","d"],"at":"2025-11-22T10:00:00Z"}"#,
        ),
        (
            &["identity", "get", "world"],
            r#"GetIdentity {"identity":2}"#,
        ),
        (
            &["policy", "get", "ccnp/db"],
            r#"GetPolicy {"name":{"kind":"CiliumClusterwideNetworkPolicy","name":"db"}}"#,
        ),
        (
            &[
                "policy",
                "verdict",
                "--from",
                "10.0.0.1",
                "--to",
                "identity:258",
                "--port",
                "53/udp",
            ],
            r#"GetVerdict {"from":{"ip":"10.0.0.1"},"to":{"identity":258},"protocol":17,"port":53}"#,
        ),
        (
            &[
                "policy",
                "verdict",
                "--from=a=b",
                "--to=endpoint:shop/db",
                "--protocol=icmp",
                "--icmp-type=8",
            ],
            r#"GetVerdict {"from":{"selector":"a=b"},"to":{"endpoint":"shop/db"},"protocol":1,"port":8}"#,
        ),
        (&["explain", "x-1"], r#"Explain {"flow":"x-1"}"#),
    ] {
        let (fake, node) = start(false);
        run(&fake, line);
        assert_eq!(node.asked().last().map(String::as_str), Some(expected));
    }
}

#[test]
fn a_verdict_is_also_an_exit_code() {
    let (fake, _) = start(false);
    let ends = ["policy", "verdict", "--from", "a", "--to", "b"];
    for (flags, code) in [
        (&["--port", "5432"][..], 0),
        (&["--port", "80"], 2),
        (&["--port", "80", "-o", "json"], 2),
        (&["--port", "1"], 1),
        (&["--port", "http"], 1),
        (&["--port", "53/udp", "--icmp-type", "8"], 1),
        (&[], 1),
        (&["--nope"], 1),
        (&["--help"], 0),
    ] {
        let run = run(&fake, &[&ends, flags].concat());
        assert_eq!(run.code, code, "{flags:?} {run:?}");
    }
    let many = run(&fake, &[&ends[..], &["--port", "53/udp"]].concat());
    assert!(many.stdout.contains("there are more pairs"), "{many:?}");
}

#[test]
fn flows_are_explained_from_standard_input() {
    let (fake, node) = start(false);
    let input =
        "{\"flow\":{\"uuid\":\"a-1\"}}\n\n{\"lost_events\":{}}\n{\"flow\":{\"uuid\":\"a-2\"}}\n";
    let run = tycho_fed(&["explain", "-", "--server", &fake.address], input);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.stdout.matches("Verdict:").count(), 2);
    assert_eq!(
        node.asked(),
        [r#"Explain {"flow":"a-1"}"#, r#"Explain {"flow":"a-2"}"#]
    );
    for (input, part) in [
        ("", "there is no flow on standard input"),
        ("{\"flow\":{}}\n", "line 1: the flow has no uuid"),
        ("oops\n", "line 1: not a response in JSON"),
    ] {
        let run = tycho_fed(&["explain", "-", "--server", &fake.address], input);
        assert!(run.code == 1 && run.stderr.contains(part), "{run:?}");
    }
}

#[test]
fn errors_say_what_to_do() {
    let (fake, _) = start(false);
    for (line, parts) in [
        (
            &["endpoint", "get", "99"][..],
            &[
                "NOT_FOUND: there is no endpoint 99",
                "`tycho endpoint list`",
            ][..],
        ),
        (
            &["identity", "get", "999"],
            &["NOT_FOUND", "`tycho identity list`"],
        ),
        (
            &["identity", "list", "--at", "1969-12-31"],
            &["OUT_OF_RANGE", "give --at a later time"],
        ),
        (&["explain", "gone"], &["NOT_FOUND", "still holds"]),
        (
            &["policy", "get", "nobody"],
            &["there is no policy \"nobody\"", "`tycho policy list`"],
        ),
        (
            &["policy", "get", "db"],
            &[
                "\"db\" can be each of\n  CiliumNetworkPolicy/shop/db\n  CiliumClusterwideNetworkPolicy/db\n",
                "write it in full",
            ],
        ),
        (
            &["policy", "verdict", "--from=ip:x", "--to=b", "--port=1"],
            &["--from", "\"x\" is not an IP address", "ip:10.1.0.11"],
        ),
        (
            &["policy", "verdict", "--from=a", "--to=b", "--port=1"],
            &["no two identities match", "`tycho identity list`"],
        ),
    ] {
        let run = run(&fake, line);
        assert_eq!((run.stdout.as_str(), run.code), ("", 1), "{run:?}");
        for part in parts {
            assert!(run.stderr.contains(part), "{part}\n{run:?}");
        }
    }
}

#[test]
fn a_server_of_hubble_has_none_of_this() {
    let hubble = Fake::start(Plan::default(), None);
    for line in [
        &["endpoint", "list"][..],
        &["endpoint", "add", "--name=a", "--netns=a", "--ip=10.0.0.1"],
        &["identity", "get", "2"],
        &["policy", "list"],
        &["policy", "verdict", "--from=a", "--to=b", "--port=80"],
        &["explain", "x-1"],
    ] {
        let run = run(&hubble, line);
        assert_eq!((run.stdout.as_str(), run.code), ("", 1), "{run:?}");
        for part in ["needs a Tycho observer", "1.19.4", "--server"] {
            assert!(run.stderr.contains(part), "{part}\n{run:?}");
        }
    }
}
