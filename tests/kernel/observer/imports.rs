//! Policies that come by `tycho policy import`: what they decide is counted, they change under open connections, and they
//! leave again.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use lab::traffic::{ServerMode, TcpTarget, UdpRequest, UdpServer, tcp_connect, udp_exchange};
use serde_json::Value;
use tests::agent::{Agent, number};
use tests::decision::of_flow;
use tests::site::Site;

use super::POLICY;

const WORKLOADS: [(&str, &str); 4] = [
    ("frontend-1", "frontend"),
    ("backend-1", "backend"),
    ("banned-1", "banned"),
    ("intruder-1", "intruder"),
];

const COUNTED: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: counted, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: backend}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: frontend}}]
    toPorts: [{ports: [{port: "5353", protocol: UDP}]}]
  - fromEndpoints: [{matchLabels: {role: nobody}}]
  ingressDeny:
  - fromEndpoints: [{matchLabels: {role: banned}}]
"#;

const PAYLOAD: [u8; 100] = [7; 100];

/// Ethernet, IPv4 and UDP before the payload.
const FRAME_BYTES: u64 = 14 + 20 + 8 + PAYLOAD.len() as u64;

#[test]
fn hits_are_the_packets_and_bytes_of_the_traffic() {
    let site = Site::new("obs", &WORKLOADS);
    let agent = Agent::start(&site, &[]);
    let imported = import(&site, &agent, COUNTED);
    assert_eq!(imported["names"][0]["name"], "counted");
    let to = site.at("backend-1", false, 5353);
    let server = UdpServer::start(site.namespace("backend-1"), to, ServerMode::Echo);
    let _server = server.expect("the port is free");
    let before = counted(&agent);
    assert_eq!(before[0]["last_hit"], Value::Null, "{before:?}");
    for (from, times, answered) in [
        ("frontend-1", 7, true),
        ("banned-1", 3, false),
        ("intruder-1", 2, false),
    ] {
        for _ in 0..times {
            assert_eq!(is_echoed(&site, from, to), answered, "{from}");
        }
    }
    let hits = |rules: &[Value]| -> Vec<(String, u64, u64)> {
        let hit = |rule: &Value| {
            let name = format!(
                "{}[{}]",
                rule["section"].as_str().expect("a name"),
                rule["index"].as_u64().unwrap_or(0)
            );
            (name, number(&rule["packets"]), number(&rule["bytes"]))
        };
        rules.iter().map(hit).collect()
    };
    let rules = counted(&agent);
    // An answer belongs to the rule that let its connection pass. What a default deny drops is no rule's.
    let expected = [
        ("ingressDeny[0]".to_owned(), 3, 3 * FRAME_BYTES),
        ("ingress[0]".to_owned(), 14, 14 * FRAME_BYTES),
        ("ingress[1]".to_owned(), 0, 0),
    ];
    assert_eq!(hits(&rules), expected);
    let last_hits: Vec<bool> = rules
        .iter()
        .map(|rule| rule["last_hit"].is_string())
        .collect();
    assert_eq!(last_hits, [true, true, false]);
    let unused = agent.json(&["policy", "unused"]);
    let unused = unused["policies"][0]["rules"]
        .as_array()
        .expect("one is unused");
    assert_eq!(hits(unused), expected[2..]);

    // The counters are pinned, the policy is kept.
    agent.kill();
    let agent = Agent::start(&site, &[]);
    assert_eq!(hits(&counted(&agent)), expected);
    assert!(!is_echoed(&site, "banned-1", to));
    let revision = number(&agent.json(&["policy", "list"])["revision"]);
    let deleted = agent.json(&["policy", "delete", "shop/counted"]);
    assert!(number(&deleted["revision"]) > revision, "{deleted}");
    assert!(is_echoed(&site, "banned-1", to));
    assert_eq!(agent.json(&["policy", "list"])["policies"], Value::Null);
}

#[test]
fn a_name_belongs_to_the_directory_or_to_the_api() {
    let site = Site::new("obs", &WORKLOADS[..2]);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &[]);
    let place = format!("{}:2", site.policies().join("shop.yaml").display());
    let whole = [COUNTED, POLICY].join("---");
    let file = site.file("both.yaml");
    fs::write(&file, whole).expect("written");
    let file = file.to_str().expect("text");
    agent
        .ask(&["policy", "import", file])
        .assert_refused(1, &["ALREADY_EXISTS", "shop/backend", &place]);
    agent
        .ask(&["policy", "delete", "shop/backend"])
        .assert_refused(1, &["FAILED_PRECONDITION", &place]);
    assert_eq!(
        owners(&agent),
        [("backend".to_owned(), "file".to_owned())],
        "all or none"
    );

    import(&site, &agent, COUNTED);
    let theirs = site.policies().join("counted.yaml");
    fs::write(&theirs, COUNTED.replace("5353", "53")).expect("written");
    agent.wait_for_log(&[
        "ERROR",
        "last good state stays",
        "shop/counted",
        "counted.yaml",
    ]);
    let listed = agent.json(&["policy", "list"]);
    assert!(
        listed["problem"].to_string().contains("shop/counted"),
        "{listed}"
    );
    assert_eq!(owners(&agent)[1], ("counted".to_owned(), "api".to_owned()));
    agent.ask(&["policy", "delete", "shop/counted"]).output();
    assert_eq!(owners(&agent)[1], ("counted".to_owned(), "file".to_owned()));
    let taken_over = agent.json(&["policy", "get", "shop/counted"]);
    assert!(
        taken_over["yaml"].to_string().contains("53"),
        "{taken_over}"
    );
    assert_eq!(agent.json(&["policy", "list"])["problem"], Value::Null);
}

#[test]
fn audit_comes_and_goes_while_connections_are_open() {
    let site = Site::new("obs", &WORKLOADS);
    let agent = Agent::start(&site, &[]);
    let audited = POLICY.replace(
        "namespace: shop",
        "namespace: shop, annotations: {tycho.io/audit: \"true\"}",
    );
    import(&site, &agent, &audited);
    let _server = site.serve("backend-1", false, 8080);
    let backend = site.at("backend-1", false, 8080);
    let target = TcpTarget::new(backend, Duration::from_millis(300));
    let open = |name: &str| {
        let connection = tcp_connect(site.namespace(name), &target).expect("sockets work");
        connection.unwrap_or_else(|error| panic!("{name} may: {error:?}"))
    };
    let mut allowed = open("frontend-1");
    let mut denied = ["intruder-1", "banned-1"].map(open);
    let ports = denied
        .each_ref()
        .map(|connection| connection.local().port());
    for connection in &mut denied {
        connection
            .request(100)
            .expect("sockets work")
            .expect("it is only audited");
    }
    import(&site, &agent, POLICY);
    for connection in &mut denied {
        connection
            .request(100)
            .expect("sockets work")
            .expect_err("it is enforced now");
    }
    import(&site, &agent, &audited);
    for connection in &mut denied {
        // What was sent before is sent again, and answered at last.
        let answered = (0..10).any(|_| connection.request(100).expect("sockets work").is_ok());
        assert!(answered, "it is only audited again");
    }
    allowed
        .request(100)
        .expect("sockets work")
        .expect("it was always allowed");

    let rule = "CiliumNetworkPolicy/shop/backend";
    let default = format!("default deny by {rule}");
    let deny = format!("{rule} ingressDeny[0]");
    for (port, decider) in ports.into_iter().zip([default, deny]) {
        let port = port.to_string();
        let verdicts = ["--all", "--type", "policy-verdict", "--from-port", &port];
        let at_backend = |flows: &[Value]| {
            let ingress = |flow: &&Value| flow["flow"]["traffic_direction"] == "INGRESS";
            let mut told: Vec<String> = flows.iter().filter(ingress).map(of_flow).collect();
            told.dedup();
            told
        };
        let flows = agent.observe_until(&verdicts, |flows| at_backend(flows).len() >= 3);
        let told = at_backend(&flows);
        let expected = ["AUDIT", "DROPPED", "AUDIT"].map(|verdict| format!("{verdict} {decider}"));
        assert_eq!(told, expected);
    }
}

fn import(site: &Site, agent: &Agent, text: &str) -> Value {
    let file = site.file("import.yaml");
    fs::write(&file, text).expect("written");
    agent.json(&["policy", "import", file.to_str().expect("text")])
}

/// The rules of the policy `counted`.
fn counted(agent: &Agent) -> Vec<Value> {
    let listed = agent.json(&["policy", "list"]);
    let policies = listed["policies"].as_array().expect("there are policies");
    let counted = policies
        .iter()
        .find(|policy| policy["name"]["name"] == "counted");
    counted.expect("it was imported")["rules"]
        .as_array()
        .expect("rules")
        .clone()
}

/// Names of all policies, and who has them.
fn owners(agent: &Agent) -> Vec<(String, String)> {
    let listed = agent.json(&["policy", "list"]);
    let policies = listed["policies"].as_array().expect("there are policies");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let owner = |policy: &Value| (text(&policy["name"]["name"]), text(&policy["owner"]));
    policies.iter().map(owner).collect()
}

/// One datagram, and whether the same came back.
fn is_echoed(site: &Site, from: &str, to: SocketAddr) -> bool {
    assert!(
        matches!(to.ip(), IpAddr::V4(_)),
        "{FRAME_BYTES} bytes are of IPv4"
    );
    let request = UdpRequest::new(to, &PAYLOAD, Duration::from_millis(100));
    let answer = udp_exchange(site.namespace(from), &request).expect("sockets work");
    answer.is_ok_and(|answer| answer.payload == PAYLOAD)
}
