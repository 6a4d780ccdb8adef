//! `tycho demo` from outside: what it prints, what other terminals see of it and do to it, and that nothing of it stays.

pub(crate) mod running;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use lab::Namespace;
use lab::traffic::{NoAnswer, TcpTarget, tcp_exchange};
use nix::sys::signal::Signal;
use tests::binary::command as tycho;

use running::{Demo, Running, assert_nothing_is_left, fail, processes, succeed, text};

/// A denied packet gets no answer; this is how long its sender waits.
const PATIENCE: Duration = Duration::from_millis(250);

const NODE_A: &str = "unix:///run/tycho/demo/node-a/observer.sock";
const NODE_C: &str = "unix:///run/tycho/demo/node-c/observer.sock";

/// What `tycho explain` says of a flow that it reads.
fn explain(flow: &str, server: &str) -> String {
    let mut explain = tycho()
        .args(["explain", "--server", server, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tycho starts");
    let mut stdin = explain.stdin.take().expect("it is piped");
    writeln!(stdin, "{flow}").expect("it reads");
    drop(stdin);
    let output = explain.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

/// What a connection from one endpoint to an address comes to.
fn attempt(from: &str, to: &str) -> Option<NoAnswer> {
    let namespace = Namespace::open(&format!("tycho-demo-{from}")).expect("it is there");
    let to: SocketAddr = to.parse().expect("an address");
    let exchange = tcp_exchange(&namespace, &TcpTarget::new(to, PATIENCE), 1, 10);
    exchange.expect("sockets work").err()
}

/// The row of `tycho list nodes` with this in it.
fn row<'a>(nodes: &'a str, part: &str) -> &'a str {
    let row = nodes.lines().find(|line| line.contains(part));
    row.unwrap_or_else(|| panic!("{part}\n{nodes}"))
}

#[test]
fn three_nodes_are_seen_through_the_relay() {
    let mut demo = Demo::start(&[]);
    // No flag says where the relay is.
    let dropped = "observe --from-label role=frontend --to-label role=db --verdict DROPPED -o json";
    let dropped: Vec<&str> = dropped.split(' ').collect();
    let dropped = demo.ask(&dropped, "DROPPED");
    for part in [
        r#""verdict":"DROPPED""#,
        r#""k8s:role=frontend""#,
        r#""k8s:role=db""#,
        r#""drop_reason_desc":"POLICY_DENIED""#,
        r#""node_name":"default/demo-node-c""#,
    ] {
        assert!(dropped.contains(part), "{part}\n{dropped}");
    }
    assert!(!dropped.contains(r#""verdict":"FORWARDED""#), "{dropped}");
    for (arguments, part) in [
        // Of node a, as clients look for it.
        ("endpoint list", "shop/frontend-1"),
        ("policy list", "NetworkPolicy/shop/batch"),
        ("policy get shop/db", "ingressDeny:"),
        (&format!("endpoint list --server {NODE_A}"), "shop/intruder"),
        (
            &format!("identity list role=db --server {NODE_C}"),
            "k8s:role=db",
        ),
        ("status", "Connected Nodes: 3/3"),
        // Each end's verdict is of another node.
        (
            "observe --dedup --from-label role=frontend --to-label role=backend -t policy-verdict",
            "EGRESS+INGRESS ALLOWED (ingress of shop/backend-",
        ),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        demo.ask(&arguments, part);
    }
    let nodes = demo.ask(&["list", "nodes"], "demo-node-c");
    let header = "NAME STATUS AGE FLOWS/S CURRENT/MAX-FLOWS VERSION OFFSET TLS";
    let found: Vec<&str> = nodes
        .lines()
        .flat_map(str::split_whitespace)
        .take(8)
        .collect();
    assert_eq!(found.join(" "), header);
    for node in ["demo-node-a ", "demo-node-b ", "demo-node-c "] {
        let row = row(&nodes, node);
        assert!(
            row.contains("Connected") && row.contains("Enabled"),
            "{nodes}"
        );
    }
    // The way that the demo's introduction names.
    let flow = dropped.lines().next().expect("there is one");
    let explained = explain(flow, NODE_C);
    assert!(
        explained.contains("DROPPED: nothing allows it; CiliumNetworkPolicy/shop/"),
        "{explained}"
    );
    assert!(fail(&["demo"]).contains("a demo is running already (process"));

    for (node, who, what) in [
        ("b", "shop/frontend-1", "FORWARDED (TCP"),
        ("c", "shop/frontend-2", "Policy denied DROPPED (TCP"),
        (
            "c",
            "shop/intruder",
            "Policy denied by denylist DROPPED (TCP",
        ),
        (
            "c",
            "shop/intruder",
            "DENIED BY shop/db (CiliumNetworkPolicy) (ICMPv6",
        ),
        (
            "b",
            "shop/frontend-1",
            "INGRESS DENIED BY shop/backend (CiliumNetworkPolicy) (UDP)",
        ),
        (
            "c",
            "shop/backend-2",
            "INGRESS ALLOWED BY shop/batch (NetworkPolicy) (UDP)",
        ),
        ("c", "shop/backend-2", "FORWARDED (UDP)"),
        ("a", "shop/frontend-2", "FORWARDED (ICMPv4 EchoReply)"),
        ("a", "shop/frontend-1", "FORWARDED (ICMPv6 EchoReply)"),
        ("a", "shop/intruder", "EGRESS ALLOWED (TCP"),
    ] {
        let node = format!("[default/demo-node-{node}]: ");
        demo.command.stdout.wait_for(&[&node, who, what]);
    }
    // Ctrl-C.
    demo.command.signal(Signal::SIGINT);
    assert!(demo.command.wait().success());
    demo.command
        .stdout
        .wait_for(&["The demo is over. Removed: ", "11 namespaces"]);
    assert_nothing_is_left();
}

#[test]
fn the_observer_of_a_node_is_killed_and_enforcement_goes_on() {
    let mut demo = Demo::start(&["--quiet"]);
    demo.ask(&["status"], "Connected Nodes: 3/3");
    let observe = Running::start(&["observe", "--follow", "--print-node-name"]);
    observe.stdout.wait_for(&["[default/demo-node-b]"]);

    let killed = succeed(&["demo", "--kill-node", "b"]);
    assert!(
        killed.starts_with("Killed the observer of node b (process "),
        "{killed}"
    );
    observe
        .stderr
        .wait_for(&["1 nodes are unavailable: ", "demo-node-b"]);
    let nodes = demo.ask(&["list", "nodes"], "Unavailable");
    assert!(
        row(&nodes, "Unavailable").contains("demo-node-b"),
        "{nodes}"
    );
    // Nobody tells of it, and it is judged as before.
    let (backend, db) = ("10.2.0.21:8080", "10.3.0.31:5432");
    for (from, to, expected) in [
        ("frontend-1", backend, None),
        ("intruder", backend, Some(NoAnswer::TimedOut)),
        ("backend-1", db, None),
        ("frontend-1", db, Some(NoAnswer::TimedOut)),
    ] {
        assert_eq!(attempt(from, to), expected, "{from} to {to}");
    }
    let again = fail(&["demo", "--kill-node", "demo-node-b"]);
    assert!(
        again.contains("the observer of node b does not run"),
        "{again}"
    );

    let started = succeed(&["demo", "--start-node", "b"]);
    assert!(
        started.starts_with("Started the observer of node b"),
        "{started}"
    );
    observe
        .stderr
        .wait_for(&["Receiving flows from 1 nodes: ", "demo-node-b"]);
    demo.ask(&["status"], "Connected Nodes: 3/3");
    observe.stdout.clear();
    observe.stdout.wait_for(&["[default/demo-node-b]"]);
    demo.command.signal(Signal::SIGTERM);
    assert!(demo.command.wait().success());
    assert_nothing_is_left();
    let nobody = fail(&["demo", "--kill-node", "b"]);
    assert!(nobody.contains("no demo runs"), "{nobody}");
}

#[test]
fn what_a_killed_demo_leaves_is_found() {
    let mut demo = Demo::start(&["--quiet"]);
    demo.ask(&["status"], "Connected Nodes: 3/3");
    // Its programs stay without anybody who could take them off.
    succeed(&["demo", "--kill-node", "c"]);
    let kill_and_wait = |demo: &mut Demo| {
        demo.command.signal(Signal::SIGKILL);
        demo.command.wait();
        assert!(!processes().is_empty());
    };
    kill_and_wait(&mut demo);
    let down = succeed(&["demo", "--down"]);
    for part in [
        "(tycho observer)",
        "(tycho relay)",
        "11 namespaces (tycho-demo-*)",
        "/sys/fs/bpf/tycho/demo-node-c",
        "/run/tycho/demo",
    ] {
        assert!(down.contains(part), "{part}\n{down}");
    }
    assert_nothing_is_left();

    // The next demo finds it as well, and ends after its time.
    demo.start_again(&["--quiet"]);
    demo.ask(&["status"], "Connected Nodes: 3/3");
    kill_and_wait(&mut demo);
    demo.start_again(&["--quiet", "--duration", "1"]);
    assert!(demo.command.wait().success());
    for parts in [
        &["Removed what a demo that was killed had left: process "][..],
        &["The demo is over."],
    ] {
        demo.command.stdout.wait_for(parts);
    }
    assert_nothing_is_left();
}

#[test]
fn nodes_share_an_etcd() {
    let mut demo = Demo::start(&["--etcd", "--quiet"]);
    demo.ask(&["status"], "Connected Nodes: 3/3");
    // Who is on another node is known by name there, and so its policies hold.
    let allowed = "observe --from-label role=backend --to-label role=db --traffic-direction ingress \
                   -t policy-verdict --print-node-name";
    let allowed: Vec<&str> = allowed.split_whitespace().collect();
    let verdicts = demo.ask(&allowed, "INGRESS ALLOWED");
    assert!(
        verdicts.contains("[default/demo-node-c]: shop/backend-"),
        "{verdicts}"
    );
    let names = processes();
    let names = names
        .iter()
        .map(|path| std::fs::read_to_string(path.join("comm")).unwrap_or_default());
    assert_eq!(names.filter(|name| name.trim() == "etcd").count(), 1);
    succeed(&["demo", "--down"]);
    assert!(demo.command.wait().success());
    assert_nothing_is_left();
}

#[test]
fn without_an_etcd_it_says_how_to_get_one() {
    let mut demo = tycho();
    let demo = demo.args(["demo", "--etcd"]).env("PATH", "/nonexistent");
    let output = demo.output().expect("tycho runs");
    assert!(!output.status.success(), "{output:?}");
    let said = text(&output.stderr);
    assert!(
        said.contains("install it: `apt-get install etcd-server`"),
        "{said}"
    );
}
