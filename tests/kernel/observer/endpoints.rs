//! Endpoints that `tycho endpoint` adds, changes and removes under traffic, beside those of the file.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use lab::traffic::{TcpTarget, tcp_connect};
use serde_json::Value;
use tests::agent::{Agent, wait_for};
use tests::binary::tycho;
use tests::flows::{tell, tell_all};
use tests::site::Site;

use super::POLICY;

const WORKLOADS: [(&str, &str); 3] = [
    ("frontend-1", "frontend"),
    ("backend-1", "backend"),
    ("guest-1", "guest"),
];
const OF_GUEST: [&str; 4] = ["--all", "--type", "policy-verdict", "--from-ip"];

#[test]
fn what_the_api_adds_is_enforced_relabelled_kept_and_removed() {
    let (site, _file) = site_without_guest();
    let tcp = free_tcp_address();
    let more = ["--listen", &tcp];
    let agent = Agent::start(&site, &more);
    let _server = site.serve("backend-1", false, 8080);
    let backend = site.at("backend-1", false, 8080);
    assert!(!site.is_answered("guest-1", backend));

    let refused = tycho(
        &[
            &definition(&site, "intruder")[..],
            &["--server".into(), tcp.clone()],
        ]
        .concat(),
    );
    refused.assert_refused(1, &["PERMISSION_DENIED", "Unix socket"]);
    let added = add(&agent, &site, "intruder");
    assert_eq!(
        (&added["state"], &added["owner"]),
        (&"READY".into(), &"OWNER_API".into())
    );
    // The answer comes when it is so: what it sends is judged at its own hook now.
    assert!(!site.is_answered("guest-1", backend));
    let frontend = relabel(&agent, "role=frontend");
    assert_eq!(frontend["number"], added["number"]);
    assert_ne!(frontend["identity"], added["identity"]);
    let target = TcpTarget::new(backend, Duration::from_millis(300));
    let connection = tcp_connect(site.namespace("guest-1"), &target).expect("sockets work");
    let mut connection = connection.expect("a frontend may");
    let mut request = || connection.request(100).expect("sockets work");
    request().expect("a frontend may");
    let banned = relabel(&agent, "role=banned");
    request().expect_err("the banned may not, on an open connection neither");
    assert_told(&agent, &site, &[&added, &frontend, &banned]);

    agent.kill();
    assert!(!site.is_answered("guest-1", backend));
    let agent = Agent::start(&site, &more);
    let kept = agent.json(&["endpoint", "get", "shop/guest-1"]);
    for field in ["number", "identity", "labels", "owner", "state", "ipv6"] {
        assert_eq!(kept[field], banned[field], "{field}");
    }
    assert!(!site.is_answered("guest-1", backend));
    let over_tcp = ["endpoint", "remove", "shop/guest-1", "--server", &tcp];
    tycho(&over_tcp).assert_refused(1, &["PERMISSION_DENIED"]);
    agent.ask(&["endpoint", "remove", "shop/guest-1"]).output();
    agent
        .ask(&["endpoint", "get", "shop/guest-1"])
        .assert_refused(1, &["NOT_FOUND", "shop/guest-1"]);
    assert!(!site.is_answered("guest-1", backend));
    let guest = address(&site, false);
    let last = [&OF_GUEST[..], &[&guest]].concat();
    agent.observe_until(&last, |flows| {
        flows.last().is_some_and(|flow| {
            tell(flow)
                .starts_with("reserved:world > backend-1(backend):8080 verdict INGRESS DROPPED")
        })
    });
}

/// Each verdict about the guest has the labels and the identity of its time.
fn assert_told(agent: &Agent, site: &Site, versions: &[&Value]) {
    let guest = address(site, false);
    let arguments = [&OF_GUEST[..], &[&guest]].concat();
    let enough = |flows: &[Value]| {
        let judged_again = |flow: &Value| flow["tycho"]["rejudged"] == true;
        flows.iter().any(judged_again)
    };
    let flows = agent.observe_until(&arguments, enough);
    let mut told = tell_all(&flows);
    told.dedup();
    let denied = "DROPPED POLICY_DENIED denied by shop/backend, default deny by CiliumNetworkPolicy/shop/backend";
    let allowed = "FORWARDED allowed by shop/backend, CiliumNetworkPolicy/shop/backend ingress[0]";
    let banned = "DROPPED POLICY_DENY denied by shop/backend, CiliumNetworkPolicy/shop/backend ingressDeny[0]";
    let to = "> backend-1(backend):8080 verdict";
    // At its own hook it may still all: the same judgement is not told again.
    assert_eq!(
        told,
        [
            format!("reserved:world {to} INGRESS {denied}"),
            format!("guest-1(intruder) {to} EGRESS FORWARDED"),
            format!("guest-1(intruder) {to} INGRESS {denied}"),
            format!("guest-1(frontend) {to} EGRESS FORWARDED"),
            format!("guest-1(frontend) {to} INGRESS {allowed}"),
            format!("guest-1(banned) {to} INGRESS {banned}, rejudged"),
        ]
    );
    for flow in flows.iter().skip(1) {
        let source = &flow["flow"]["source"];
        let is_it = |version: &&&Value| source["labels"] == version["labels"];
        let version = versions.iter().find(is_it).expect("a version it had");
        assert_eq!(source["identity"], version["identity"], "{source}");
        assert_eq!(source["ID"], version["number"], "{source}");
    }
}

#[test]
fn a_name_belongs_to_the_file_or_to_the_api() {
    let (site, file) = site_without_guest();
    let agent = Agent::start(&site, &[]);
    // What the file has, the API gets neither by name nor by address, and may not take away.
    let other = |flag: &str, value: &str| {
        let mut arguments = definition(&site, "guest");
        let place = arguments.iter().position(|each| each == flag);
        arguments[place.expect("it is there") + 1] = value.to_owned();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        agent.ask(&arguments)
    };
    let place = format!("{}:3", site.endpoints().display());
    other("--name", "frontend-1").assert_refused(1, &["ALREADY_EXISTS", "shop/frontend-1", &place]);
    let taken = site.at("frontend-1", false, 0).ip().to_string();
    other("--ip", &taken).assert_refused(1, &["ALREADY_EXISTS", &taken, &place]);
    for command in [
        &["remove", "shop/frontend-1"][..],
        &["label", "shop/frontend-1", "role=x"],
    ] {
        agent
            .ask(&[&["endpoint"], command].concat())
            .assert_refused(1, &["FAILED_PRECONDITION", &place]);
    }

    // What the API has, the file does not get; as soon as it is removed, it does.
    let added = add(&agent, &site, "intruder");
    fs::write(site.endpoints(), &file).expect("written");
    agent.wait_for_log(&["ERROR", "last good state stays", "`shop/guest-1`"]);
    let warnings = agent.json(&["status"])["ledger"]["warnings"].to_string();
    assert!(warnings.contains("shop/guest-1"), "{warnings}");
    let get = || agent.json(&["endpoint", "get", "shop/guest-1"]);
    assert_eq!(get(), added);
    agent.ask(&["endpoint", "remove", "shop/guest-1"]).output();
    let taken_over = get();
    assert_eq!(taken_over["owner"], "OWNER_FILE");
    assert!(taken_over["labels"].to_string().contains("k8s:role=guest"));
    assert_ne!(
        taken_over["number"], added["number"],
        "it is another endpoint"
    );
    wait_for("no warning", || {
        agent.json(&["status"])["ledger"]["warnings"].is_null()
    });
}

/// The site, and its endpoint file as it would be with the guest.
fn site_without_guest() -> (Site, String) {
    let mut site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let file = fs::read_to_string(site.endpoints()).expect("text");
    site.unlist("guest-1");
    (site, file)
}

fn address(site: &Site, ipv6: bool) -> String {
    site.at("guest-1", ipv6, 0).ip().to_string()
}

fn definition(site: &Site, role: &str) -> Vec<String> {
    let netns = site.namespace("guest-1").name().to_owned();
    let (ipv4, ipv6) = (address(site, false), address(site, true));
    let label = format!("role={role}");
    let words = [
        "endpoint",
        "add",
        "--name",
        "guest-1",
        "--namespace",
        "shop",
        "--netns",
        &netns,
        "--ip",
        &ipv4,
        "--ip",
        &ipv6,
        "--label",
        &label,
    ];
    words.map(str::to_owned).to_vec()
}

fn add(agent: &Agent, site: &Site, role: &str) -> Value {
    let arguments = definition(site, role);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    agent.json(&arguments)
}

fn relabel(agent: &Agent, label: &str) -> Value {
    agent.json(&["endpoint", "label", "shop/guest-1", label])
}

/// A port of this machine that nobody has.
fn free_tcp_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    address.to_string()
}
