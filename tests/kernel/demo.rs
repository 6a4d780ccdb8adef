//! `tycho demo` from outside: what it prints, what another terminal sees of it, and that nothing of it stays.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

/// How long the demo streams: one whole round of its traffic, and a bit.
const SECONDS: &str = "12";

/// The program, built beside the tests.
fn tycho() -> Command {
    let tests = std::env::current_exe().expect("a test has a file");
    let profile = tests.ancestors().nth(2).expect("target/debug/deps/test");
    let program = profile.join("tycho");
    assert!(program.is_file(), "first: cargo build -p cli");
    let mut command = Command::new(program);
    command
        .env_remove("TYCHO_SERVER")
        .env_remove("HUBBLE_SERVER");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is text")
}

/// Asks until there is an answer, as long as the demo runs.
fn ask(demo: &mut Child, arguments: &[&str]) -> String {
    loop {
        let Output { status, stdout, .. } = tycho().args(arguments).output().expect("tycho runs");
        if status.success() && !stdout.is_empty() {
            return text(&stdout);
        }
        if demo.try_wait().expect("it is our child").is_some() {
            let mut said = String::new();
            let stderr = demo.stderr.as_mut().expect("it is piped");
            stderr.read_to_string(&mut said).expect("it is text");
            panic!("the demo ended before {arguments:?} had an answer: {said}");
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// What `tycho explain` says of a flow that it reads.
fn explain(flow: &str) -> String {
    let mut explain = tycho()
        .args(["explain", "-"])
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

fn traces() -> Vec<PathBuf> {
    let namespaces = std::fs::read_dir("/run/netns").into_iter().flatten();
    let names = namespaces.map(|entry| entry.expect("readable").path());
    let places = [
        "/run/tycho/demo",
        "/run/tycho/demo.lock",
        "/sys/fs/bpf/tycho/demo-node-a",
    ];
    names
        .filter(|path| path.to_string_lossy().contains("/tycho-demo-"))
        .chain(
            places
                .map(PathBuf::from)
                .into_iter()
                .filter(|path| Path::exists(path)),
        )
        .collect()
}

#[test]
fn a_demo_shows_verdicts_and_leaves_nothing() {
    let mut demo = tycho()
        .args(["demo", "--duration", SECONDS])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tycho starts");
    let mut stdout = demo.stdout.take().expect("it is piped");
    let printed = thread::spawn(move || {
        let mut printed = String::new();
        stdout.read_to_string(&mut printed).map(|_| printed)
    });

    // No flag says where the server is.
    let observe = [
        "observe",
        "--from-label",
        "role=frontend",
        "--verdict",
        "DROPPED",
        "-o",
        "json",
    ];
    let dropped = ask(&mut demo, &observe);
    for part in [
        r#""verdict":"DROPPED""#,
        r#""k8s:role=frontend""#,
        r#""k8s:role=db""#,
        r#""drop_reason_desc":"POLICY_DENIED""#,
        r#""node_name":"default/demo-node-a""#,
    ] {
        assert!(dropped.contains(part), "{part}\n{dropped}");
    }
    assert!(!dropped.contains(r#""verdict":"FORWARDED""#), "{dropped}");
    for (arguments, part) in [
        (&["endpoint", "list"][..], "shop/frontend-1"),
        (&["identity", "list", "role=db"], "k8s:role=db"),
        (&["policy", "list"], "NetworkPolicy/shop/batch"),
        (&["policy", "get", "shop/db"], "ingressDeny:"),
    ] {
        let answer = ask(&mut demo, arguments);
        assert!(answer.contains(part), "{part}\n{answer}");
    }
    // The way that the demo's introduction names.
    let flow = dropped.lines().next().expect("there is one");
    let explained = explain(flow);
    assert!(
        explained.contains("DROPPED: nothing allows it; CiliumNetworkPolicy/shop/"),
        "{explained}"
    );
    let second = tycho().arg("demo").output().expect("tycho runs");
    assert!(text(&second.stderr).contains("a demo is running already (process"));

    assert!(demo.wait().expect("it ends").success());
    let printed = printed.join().expect("no panic").expect("it is text");
    for (who, what) in [
        ("shop/frontend-1", "FORWARDED (TCP"),
        ("shop/frontend-2", "Policy denied DROPPED (TCP"),
        ("shop/intruder", "Policy denied by denylist DROPPED (TCP"),
        (
            "shop/intruder",
            "DENIED BY shop/db (CiliumNetworkPolicy) (ICMPv6",
        ),
        (
            "shop/frontend-1",
            "INGRESS DENIED BY shop/backend (CiliumNetworkPolicy) (UDP)",
        ),
        (
            "shop/backend-2",
            "INGRESS ALLOWED BY shop/batch (NetworkPolicy) (UDP)",
        ),
        ("shop/backend-2", "FORWARDED (UDP)"),
        ("shop/frontend-2", "FORWARDED (ICMPv4 EchoReply)"),
        ("shop/frontend-1", "FORWARDED (ICMPv6 EchoReply)"),
    ] {
        let found = printed
            .lines()
            .any(|line| line.contains(who) && line.contains(what));
        assert!(found, "{who}: {what}\n{printed}");
    }
    assert_eq!(traces(), [] as [PathBuf; 0]);
}
