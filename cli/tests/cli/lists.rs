//! `tycho list`, `tycho watch peers`, and what `tycho status` says of a relay.

use proto::observer::{Namespace, ServerStatusResponse};

use crate::binary::tycho;
use crate::fake::{Fake, Plan};
use crate::fake_relay::{FakeRelay, peers, three_nodes};

fn relay(is_tycho: bool) -> Fake {
    let namespace = |cluster: &str, name: &str| Namespace {
        cluster: cluster.to_owned(),
        namespace: name.to_owned(),
    };
    let relay = FakeRelay {
        nodes: three_nodes(),
        namespaces: vec![namespace("default", "shop"), namespace("", "we\x1bb")],
        peers: peers(),
        status: ServerStatusResponse {
            num_connected_nodes: Some(2),
            num_unavailable_nodes: Some(1),
            unavailable_nodes: vec!["ccc".to_owned()],
            ..Default::default()
        },
    };
    let plan = Plan {
        is_tycho,
        relay,
        ..Default::default()
    };
    Fake::start(plan, None)
}

fn check(server: &Fake, arguments: &[&str], expected: &str) {
    let mut all = arguments.to_vec();
    all.extend(["--server", &server.address]);
    let run = tycho(&all);
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str(), run.code),
        (expected, "", 0),
        "{arguments:?}"
    );
}

#[test]
fn nodes_of_a_tycho_relay() {
    let server = relay(true);
    let table = "\
NAME      STATUS        AGE      FLOWS/S   CURRENT/MAX-FLOWS        VERSION             OFFSET           TLS        PROBLEM
a\\u{1b}   Connected     45s      0.00      10/10 (100.00%)          N/A                 -2m0s (skewed)   Disabled   its clock is 2m0s behind
b         Connected     1h2m5s   12.35     4095/1048576 (  0.39%)   1.19.4+tycho0.1.0   +1.23ms          Enabled    \n\
ccc       Unavailable   N/A      N/A       N/A                      N/A                 N/A              N/A        connection refused
";
    check(&server, &["list", "nodes"], table);
    let dict = "    NAME: a\\u{1b}
  STATUS: Connected
   SINCE: 2025-11-22T10:00:02Z
 PROBLEM: its clock is 2m0s behind
     AGE: 45s
 FLOWS/S: 0.00
   FLOWS: 10/10 (100.00%)
 VERSION: N/A
  OFFSET: -2m0s (skewed)
     TLS: Disabled
 ADDRESS: 10.2.0.2:4244
    KIND: hubble
CONNECTS: 3
  BEHIND: relay-1
  SOURCE: flag
------------
    NAME: b
";
    let run = tycho(&["list", "node", "-o", "dict", "--server", &server.address]);
    assert!(run.stdout.starts_with(dict), "{}", run.stdout);
    let run = tycho(&["list", "nodes", "-o", "wide", "--server", &server.address]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    for (line, parts) in [
        (
            0,
            &[
                "TLS", "ADDRESS", "KIND", "SINCE", "CONNECTS", "BEHIND", "SOURCE", "PROBLEM",
            ][..],
        ),
        (
            1,
            &[
                "10.2.0.2:4244",
                "hubble",
                "2025-11-22T10:00:02Z",
                "3",
                "relay-1",
                "flag",
            ],
        ),
        (
            2,
            &[
                "10.2.0.1:4244",
                "observer",
                "2025-11-22T10:00:01Z",
                "1",
                "registry",
            ],
        ),
    ] {
        let mut rest = lines[line];
        for part in parts {
            let (_, behind) = rest
                .split_once(part)
                .unwrap_or_else(|| panic!("{part}: {rest}"));
            rest = behind;
        }
    }
    let run = tycho(&["list", "nodes", "-o", "json", "--server", &server.address]);
    let nodes: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    // What Hubble's CLI prints is there under the same names, and the rest apart from it.
    assert_eq!(nodes[1]["name"], "b");
    assert_eq!(nodes[1]["state"], "NODE_CONNECTED");
    assert_eq!(nodes[1]["uptime_ns"], "3725000000000");
    assert_eq!(nodes[1]["tycho"]["kind"], "OBSERVER");
    assert_eq!(nodes[1]["tycho"]["clock_offset_ns"], "1234567");
    assert_eq!(nodes[1]["tycho"].get("node"), None);
    assert_eq!(nodes[2]["tycho"]["problem"], "connection refused");
}

#[test]
fn nodes_of_a_hubble_relay() {
    let server = relay(false);
    let table = "\
NAME      STATUS        AGE      FLOWS/S   CURRENT/MAX-FLOWS        VERSION             OFFSET   TLS
a\\u{1b}   Connected     45s      10.00     10/10 (100.00%)          N/A                 N/A      Disabled
b         Connected     1h2m5s   10.00     4095/1048576 (  0.39%)   1.19.4+tycho0.1.0   N/A      Enabled
ccc       Unavailable   N/A      N/A       N/A                      N/A                 N/A      N/A
";
    check(&server, &["list", "nodes"], table);
    let run = tycho(&["list", "nodes", "-o", "json", "--server", &server.address]);
    assert!(
        run.stdout.ends_with(
            "{\"name\":\"ccc\",\"address\":\"10.2.0.3:4244\",\"state\":\"NODE_UNAVAILABLE\"}]\n"
        ),
        "{}",
        run.stdout
    );
    let node = Fake::start(Plan::default(), None);
    let run = tycho(&["list", "nodes", "--server", &node.address]);
    let expected = format!(
        "error: server {} lists no nodes: it is a Hubble server of one node; ask a relay with `--server ADDRESS`\n",
        node.address
    );
    assert_eq!(
        (run.stdout.as_str(), run.stderr, run.code),
        ("", expected, 1)
    );
}

#[test]
fn namespaces() {
    let server = relay(false);
    for (form, expected) in [
        ("table", "NAMESPACE\nshop\nwe\\u{1b}b\n"),
        (
            "wide",
            "NAMESPACE   CLUSTER\nshop        default\nwe\\u{1b}b\n",
        ),
        (
            "dict",
            "NAMESPACE: shop\n  CLUSTER: default\nNAMESPACE: we\\u{1b}b\n  CLUSTER: \n",
        ),
        (
            "json",
            "[{\"cluster\":\"default\",\"namespace\":\"shop\"},{\"namespace\":\"we\\u001bb\"}]\n",
        ),
    ] {
        check(&server, &["list", "namespaces", "-o", form], expected);
    }
}

#[test]
fn peers_as_they_come_and_go() {
    let expected = "\
PEER_ADDED   10.2.0.1:4244 node-a
PEER_UPDATED 10.2.0.1:4244 other/node-b (TLS.ServerName: node-b.other.hubble-grpc.cilium.io)
PEER_DELETED 10.2.0.1:4244 no\\nde
";
    check(&relay(true), &["watch", "peers"], expected);
    let node = Fake::start(Plan::default(), None);
    let run = tycho(&["watch", "peer", "--server", &node.address]);
    assert!(
        run.code == 1
            && run.stderr.contains("UNIMPLEMENTED")
            && run.stderr.contains("Name an observer with"),
        "{run:?}"
    );
}

#[test]
fn status_of_a_relay() {
    let server = relay(false);
    // What it cannot be asked.
    let run = tycho(&["endpoint", "list", "--server", &server.address]);
    let expected = format!(
        "error: server {} cannot be asked for its endpoints: that needs the observer of a node, and this is a relay\n\
         name another with `--server ADDRESS`\n",
        server.address
    );
    assert_eq!((run.stderr, run.code), (expected, 1));
    let expected = format!(
        "Healthcheck (via {}): Ok\nCurrent/Max Flows: 4,095/8,190 (50.00%)\nFlows/s: 500.00\n\
         Connected Nodes: 2/3\nUnavailable Nodes: 1\n  - ccc\n",
        server.address
    );
    check(&server, &["status"], &expected);
}
