//! Who decided: the flow, `tycho explain` and `tycho policy verdict` say the same, and what the policies' text says.

use std::net::IpAddr;
use std::time::Duration;

use lab::traffic::{TcpTarget, tcp_exchange};
use serde_json::Value;
use tests::agent::Agent;
use tests::decision::{of_decision, of_flow};
use tests::site::Site;

/// Their names are their roles. The last two are in no file: the node knows their addresses by the policies only.
const WORKLOADS: [(&str, &str); 9] = [
    ("friend", "friend"),
    ("banned", "banned"),
    ("leaver", "leaver"),
    ("one", "one"),
    ("two", "two"),
    ("audited", "audited"),
    ("outer", "outer"),
    ("free", "free"),
    ("near", "near"),
];
const STRANGER: &str = "near";
const NODE: &str = "the node";

/// One policy for each way of deciding. `EXCEPT4` and `EXCEPT6` are the addresses of a workload.
const POLICIES: &str = include_str!("attribution.yaml");

/// From, to, port, and what each hook says that sees the packet: the sender's, the receiver's.
type Row = (
    &'static str,
    &'static str,
    u16,
    Option<&'static str>,
    Option<&'static str>,
);

const ONE: &str = "DROPPED default deny by CiliumNetworkPolicy/shop/one";
const PASSES: Option<&str> = Some("FORWARDED");

const ROWS: [Row; 18] = [
    (
        "friend",
        "one",
        8080,
        PASSES,
        Some("FORWARDED CiliumNetworkPolicy/shop/one ingress[1]"),
    ),
    ("friend", "one", 9999, PASSES, Some(ONE)),
    ("free", "one", 8080, PASSES, Some(ONE)),
    (
        "banned",
        "one",
        8080,
        PASSES,
        Some("DROPPED CiliumNetworkPolicy/shop/one ingressDeny[0]"),
    ),
    (
        "friend",
        "two",
        8080,
        PASSES,
        Some("FORWARDED NetworkPolicy/shop/two ingress[0]"),
    ),
    (
        "banned",
        "two",
        8080,
        PASSES,
        Some("DROPPED default deny by CiliumNetworkPolicy/shop/two, NetworkPolicy/shop/two"),
    ),
    (
        "friend",
        "audited",
        8080,
        PASSES,
        Some("FORWARDED CiliumNetworkPolicy/shop/audited ingress[0]"),
    ),
    (
        "free",
        "audited",
        8080,
        PASSES,
        Some("AUDIT default deny by CiliumNetworkPolicy/shop/audited"),
    ),
    (
        "banned",
        "audited",
        8080,
        PASSES,
        Some("AUDIT CiliumNetworkPolicy/shop/audited ingressDeny[0]"),
    ),
    (
        "stranger",
        "outer",
        8080,
        None,
        Some("FORWARDED CiliumClusterwideNetworkPolicy/outer ingress[0]"),
    ),
    (
        STRANGER,
        "outer",
        8080,
        None,
        Some("DROPPED default deny by CiliumClusterwideNetworkPolicy/outer"),
    ),
    (
        STRANGER,
        "outer",
        8081,
        None,
        Some("FORWARDED CiliumClusterwideNetworkPolicy/outer ingress[1]"),
    ),
    // A managed address is in no network, and not of the world.
    (
        "friend",
        "outer",
        8080,
        PASSES,
        Some("DROPPED default deny by CiliumClusterwideNetworkPolicy/outer"),
    ),
    (
        NODE,
        "one",
        9999,
        None,
        Some("FORWARDED reserved:local-host"),
    ),
    ("friend", "free", 8080, PASSES, PASSES),
    (
        "leaver",
        "one",
        8080,
        Some("FORWARDED CiliumNetworkPolicy/shop/leaver egress[0]"),
        Some("FORWARDED CiliumNetworkPolicy/shop/one ingress[0]"),
    ),
    (
        "leaver",
        "two",
        8080,
        Some("DROPPED default deny by CiliumNetworkPolicy/shop/leaver"),
        None,
    ),
    (
        "leaver",
        STRANGER,
        8080,
        Some("DROPPED CiliumNetworkPolicy/shop/leaver egressDeny[0]"),
        None,
    ),
];

#[test]
fn everybody_names_the_same_decider() {
    let mut site = Site::new(
        "obs",
        &[&WORKLOADS[..], &[("stranger", "stranger")]].concat(),
    );
    site.unlist(STRANGER);
    site.unlist("stranger");
    let except = [false, true].map(|ipv6| site.at(STRANGER, ipv6, 0).ip().to_string());
    let [except4, except6] = &except;
    let policies = POLICIES
        .replace("EXCEPT4", except4)
        .replace("EXCEPT6", except6);
    site.set_policies(&policies);
    let agent = Agent::start(&site, &[]);
    for row in &ROWS {
        for ipv6 in [false, true] {
            check(&site, &agent, row, ipv6);
        }
    }
    explains_from_standard_input(&agent);
}

fn check(site: &Site, agent: &Agent, row: &Row, ipv6: bool) {
    let (from, to, port, egress, ingress) = *row;
    let drops = [egress, ingress]
        .into_iter()
        .flatten()
        .any(|said| said.starts_with("DROPPED"));
    let server = (!drops).then(|| site.serve(to, ipv6, port));
    let target = TcpTarget::new(site.at(to, ipv6, port), Duration::from_millis(150));
    let (namespace, source) = match from {
        NODE => (site.node.namespace(), node_address(site, ipv6)),
        _ => (site.namespace(from), site.at(from, ipv6, 0).ip()),
    };
    let exchange = tcp_exchange(namespace, &target, 1, 10).expect("sockets work");
    assert_eq!(exchange.is_ok(), !drops, "{row:?} ipv6 {ipv6}");
    drop(server);

    let (source, destination) = (source.to_string(), target.to.ip().to_string());
    let expected: Vec<&str> = [egress, ingress].into_iter().flatten().collect();
    let port = port.to_string();
    let ends = [
        "--from-ip",
        &source,
        "--to-ip",
        &destination,
        "--to-port",
        &port,
    ];
    let arguments = [&["--all", "--type", "policy-verdict"], &ends[..]].concat();
    let flows = agent.observe_until(&arguments, |flows| flows.len() >= expected.len());
    let told: Vec<String> = flows.iter().map(of_flow).collect();
    assert_eq!(told, expected, "{row:?} ipv6 {ipv6}");
    for (flow, expected) in flows.iter().zip(&expected) {
        explained(agent, flow, expected);
    }
    let (source, destination) = (format!("ip:{source}"), format!("ip:{destination}"));
    let asked = [
        "policy",
        "verdict",
        "--from",
        &source,
        "--to",
        &destination,
        "--port",
        &port,
    ];
    let answer = agent.json(&asked);
    let pair = &answer["pairs"][0];
    assert_eq!(
        of_decision(&pair["egress"]),
        egress.unwrap_or("FORWARDED"),
        "{pair}"
    );
    if let Some(ingress) = ingress {
        assert_eq!(of_decision(&pair["ingress"]), ingress, "{pair}");
    }
}

fn explained(agent: &Agent, flow: &Value, expected: &str) {
    let uuid = flow["flow"]["uuid"].as_str().expect("a reference");
    let explanation = agent.json(&["explain", uuid]);
    let decision = &explanation["decision"];
    assert_eq!(of_decision(decision), *expected, "{decision}");
    assert_eq!(explanation["now"], Value::Null, "no policy has changed");
    let first = expected
        .split([' ', ','])
        .find(|word| word.contains("Policy/"));
    let Some(policy) = first else {
        assert_eq!(explanation["yaml"], Value::Null);
        return;
    };
    let (kind, name) = policy.split_once('/').expect("a kind");
    let name = name.rsplit('/').next().expect("a name");
    let text = explanation["yaml"].as_str().expect("the policy's text");
    assert!(
        text.contains(&format!("kind: {kind}\n")) && text.contains(&format!("{{name: {name}")),
        "{text}"
    );
    if expected == ONE {
        assert_near(flow, decision);
    }
}

/// What misses by one thing only is named, with the thing.
fn assert_near(flow: &Value, decision: &Value) {
    let (what, wanted, found) = match flow["flow"]["l4"]["TCP"]["destination_port"].as_u64() {
        Some(9999) => ("port", "8080", "9999"),
        _ => ("peer", "any:role=friend", "k8s:role=free"),
    };
    let mut misses = decision["near"].as_array().expect("near misses").iter();
    let of_friend = misses.find(|miss| miss["rule"]["index"] == 1);
    let differences = &of_friend.expect("it is near")["differences"];
    let expected = serde_json::json!([{"what": what, "wanted": wanted, "found": found}]);
    assert_eq!(*differences, expected, "{decision}");
}

/// Several at once, as text: one explanation for each line.
fn explains_from_standard_input(agent: &Agent) {
    let last = [
        "observe",
        "-o",
        "json",
        "--verdict",
        "DROPPED",
        "--type",
        "drop",
        "--last",
        "3",
    ];
    let flows = agent.ask(&last).output();
    let text = agent.ask_with(&["explain", "-"], &flows).output();
    assert_eq!(text.matches("Verdict:   DROPPED").count(), 3, "{text}");
    assert!(
        text.contains("CiliumNetworkPolicy/shop/leaver egressDeny[0]"),
        "{text}"
    );
}

fn node_address(site: &Site, ipv6: bool) -> IpAddr {
    let gateways = site.node.gateways().iter();
    let mut addresses = gateways.map(|gateway| gateway.address());
    addresses
        .find(|address| address.is_ipv6() == ipv6)
        .expect("one of each family")
}
