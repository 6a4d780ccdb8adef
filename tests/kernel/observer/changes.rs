//! Changes of the followed files while the observer runs: workloads come, go and change, policies too.

use std::fs;

use serde_json::Value;
use tests::agent::{Agent, number, wait_for};
use tests::flows::{tell, tell_all};
use tests::site::Site;

use super::POLICY;

const WORKLOADS: [(&str, &str); 3] = [
    ("frontend-1", "frontend"),
    ("backend-1", "backend"),
    ("intruder-1", "intruder"),
];
const VERDICTS: [&str; 5] = ["--all", "--type", "policy-verdict", "--protocol", "tcp"];

#[test]
fn scaling_out_touches_no_policy() {
    let mut site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &[]);
    let _one = site.serve("backend-1", false, 8080);
    assert!(site.is_answered("frontend-1", site.at("backend-1", false, 8080)));
    site.add("backend-2", "backend");
    site.add("frontend-2", "frontend");
    let _two = site.serve("backend-2", false, 8080);
    let backends = ["backend-1", "backend-2"].map(|name| site.at(name, false, 8080));
    wait_for("the new backend to be judged", || {
        !site.is_answered("intruder-1", backends[1])
    });
    for backend in backends {
        assert!(site.is_answered("frontend-1", backend));
        assert!(site.is_answered("frontend-2", backend));
        assert!(!site.is_answered("intruder-1", backend));
    }
    let allowed = [
        &VERDICTS[..],
        &["--from-label", "role=frontend", "--verdict", "FORWARDED"],
    ];
    let ingress = |flow: &Value| flow["flow"]["traffic_direction"] == "INGRESS";
    let mut flows = agent.observe_until(&allowed.concat(), |flows| {
        flows.iter().filter(|flow| ingress(flow)).count() >= 5
    });
    flows.retain(ingress);
    let first = &flows[0]["flow"];
    for response in &flows {
        let flow = &response["flow"];
        for end in ["source", "destination"] {
            assert_eq!(flow[end]["identity"], first[end]["identity"], "{flow}");
        }
        // Also the revision of the policies.
        assert_eq!(flow["ingress_allowed_by"], first["ingress_allowed_by"]);
    }
    assert_eq!(agent.log().matches("policies changed").count(), 1);
}

#[test]
fn flows_keep_the_labels_of_their_time() {
    let mut site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &[]);
    let _server = site.serve("backend-1", false, 8080);
    let backend = site.at("backend-1", false, 8080);
    assert!(!site.is_answered("intruder-1", backend));
    site.relabel("intruder-1", "frontend");
    wait_for("the new labels", || site.is_answered("intruder-1", backend));
    let from = [&VERDICTS[..], &["--from-pod", "shop/intruder-1"]].concat();
    let last = "intruder-1(frontend) > backend-1(backend):8080 verdict INGRESS FORWARDED allowed by shop/backend, CiliumNetworkPolicy/shop/backend ingress[0]";
    let flows = agent.observe_until(&from, |flows| {
        flows.last().is_some_and(|flow| tell(flow) == last)
    });
    assert_eq!(
        tell(&flows[1]),
        "intruder-1(intruder) > backend-1(backend):8080 verdict INGRESS DROPPED POLICY_DENIED denied by shop/backend, default deny by CiliumNetworkPolicy/shop/backend"
    );
    let (old, new) = (
        &flows[1]["flow"]["source"],
        &flows[flows.len() - 1]["flow"]["source"],
    );
    assert_ne!(old["identity"], new["identity"]);
    assert_eq!(old["ID"], new["ID"], "it is the same endpoint");
    let by_label = agent.observe(&[&VERDICTS[..], &["--from-label", "role=frontend"]].concat());
    assert_eq!(tell_all(&by_label[by_label.len() - 1..]), [last]);
    assert!(
        by_label
            .iter()
            .all(|flow| tell(flow).contains("(frontend) >"))
    );
}

#[test]
fn what_leaves_the_file_is_let_go() {
    let mut site = Site::new("obs", &[&WORKLOADS[..], &[("open-1", "open")]].concat());
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &[]);
    let _backend = site.serve("backend-1", false, 8080);
    let _open = site.serve("open-1", false, 8080);
    let open = site.at("open-1", false, 8080);
    assert!(site.is_answered("frontend-1", open));
    assert!(!site.is_answered("intruder-1", site.at("backend-1", false, 8080)));
    site.unlist("frontend-1");
    site.unlist("backend-1");
    // Nobody judges what goes to it any more.
    wait_for("the backend to be let go", || {
        site.is_answered("intruder-1", site.at("backend-1", false, 8080))
    });
    assert!(site.is_answered("frontend-1", open));
    let to_open = [&VERDICTS[..], &["--to-pod", "shop/open-1"]].concat();
    let flows = agent.observe_until(&to_open, |flows| flows.len() >= 3);
    assert_eq!(
        tell_all(&flows),
        [
            "frontend-1(frontend) > open-1(open):8080 verdict EGRESS FORWARDED",
            "frontend-1(frontend) > open-1(open):8080 verdict INGRESS FORWARDED",
            "reserved:world > open-1(open):8080 verdict INGRESS FORWARDED",
        ]
    );
}

#[test]
fn broken_files_change_nothing_and_are_named() {
    let mut site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &[]);
    let _server = site.serve("backend-1", false, 8080);
    let backend = site.at("backend-1", false, 8080);
    let as_before = || {
        assert!(site.is_answered("frontend-1", backend));
        assert!(!site.is_answered("intruder-1", backend));
    };
    as_before();
    let text = fs::read_to_string(site.endpoints()).expect("written");
    let cut = text.rfind("ips:").expect("it is there");
    fs::write(site.endpoints(), &text[..cut + "ips: [10".len()]).expect("written");
    agent.wait_for_log(&["ERROR", "last good state stays", "endpoints.yaml:5:"]);
    as_before();
    site.set_policies(&POLICY.replace("fromEndpoints", "fromNodes"));
    agent.wait_for_log(&[
        "ERROR",
        "last good state stays",
        "shop.yaml:8:",
        "fromNodes",
    ]);
    as_before();

    // Both are taken once they are right again.
    site.set_policies(POLICY);
    site.relabel("intruder-1", "frontend");
    wait_for("the new labels", || site.is_answered("intruder-1", backend));
}

#[test]
fn a_policy_that_forbids_stops_an_open_connection() {
    let site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &[]);
    let _server = site.serve("backend-1", false, 8080);
    let backend = site.at("backend-1", false, 8080);
    let mut connection = site.connect("frontend-1", backend).expect("allowed");
    connection
        .request(100)
        .expect("sockets work")
        .expect("answered");
    site.set_policies(&POLICY.replace("role: frontend", "role: other"));
    wait_for("the new policy", || {
        !site.is_answered("frontend-1", backend)
    });
    connection
        .request(100)
        .expect("sockets work")
        .expect_err("it is forbidden now");

    let port = connection.local().port().to_string();
    let arguments = [
        "--all",
        "--from-port",
        &port,
        "--type",
        "policy-verdict",
        "--type",
        "drop",
    ];
    let flows = agent.observe_until(&arguments, |flows| flows.len() >= 4);
    let told = tell_all(&flows);
    let of = "frontend-1(frontend) > backend-1(backend):8080";
    assert_eq!(
        told[1],
        format!(
            "{of} verdict INGRESS FORWARDED allowed by shop/backend, CiliumNetworkPolicy/shop/backend ingress[0]"
        )
    );
    // Each packet that is sent again is one more.
    for pair in told[2..].chunks_exact(2) {
        for (line, kind) in pair.iter().zip(["verdict", "drop"]) {
            let denied = format!(
                "{of} {kind} INGRESS DROPPED POLICY_DENIED denied by shop/backend, default deny by CiliumNetworkPolicy/shop/backend, rejudged"
            );
            assert_eq!(*line, denied, "{told:#?}");
        }
    }
    let status = agent.status_at_rest();
    assert!(status.counter("connections revoked") >= 1, "{status:?}");
    let revisions = flows
        .iter()
        .map(|flow| &flow["flow"]["ingress_allowed_by"][0]["revision"]);
    assert_eq!(revisions.map(number).max(), Some(1));
}
