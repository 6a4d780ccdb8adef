//! Following, and the end: a signal ends the observer in order, and what it enforces stays or goes as it was told.

use tests::agent::Agent;
use tests::flows::tell;
use tests::site::Site;

use super::POLICY;

const WORKLOADS: [(&str, &str); 3] = [
    ("frontend-1", "frontend"),
    ("backend-1", "backend"),
    ("intruder-1", "intruder"),
];

#[test]
fn a_follower_gets_flows_and_a_signal_ends_in_order() {
    let site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &[]);
    let _server = site.serve("backend-1", false, 8080);
    let backend = site.at("backend-1", false, 8080);

    // `--last` shows one that is there already: from then on the follower misses nothing.
    assert!(!site.is_answered("intruder-1", backend));
    let drops = ["--verdict", "DROPPED", "--type", "drop"];
    agent.observe_until(&drops, |flows| flows.len() == 1);
    let mut follower = agent.follow(&[
        "--last",
        "1",
        "--to-label",
        "role=backend",
        "--type",
        "drop",
        "--type",
        "trace",
    ]);
    let drop = "intruder-1(intruder) > backend-1(backend):8080 drop INGRESS DROPPED POLICY_DENIED denied by shop/backend, default deny by CiliumNetworkPolicy/shop/backend";
    let next = |follower: &mut tests::agent::Follower| follower.next().map(|flow| tell(&flow));
    assert_eq!(next(&mut follower).as_deref(), Some(drop));
    assert!(site.is_answered("frontend-1", backend));
    assert_eq!(
        next(&mut follower).as_deref(),
        Some(
            "frontend-1(frontend) > backend-1(backend):8080 trace INGRESS FORWARDED, CiliumNetworkPolicy/shop/backend ingress[0]"
        )
    );

    assert_eq!(agent.terminate().code(), Some(0));
    while next(&mut follower).is_some() {}
    assert!(site.pins().exists(), "enforcement outlives the observer");
    assert!(!site.is_answered("intruder-1", backend));
    assert!(site.is_answered("frontend-1", backend));
}

#[test]
fn detaching_at_the_end_leaves_nothing() {
    let site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &["--detach-on-exit"]);
    let _server = site.serve("backend-1", false, 8080);
    let backend = site.at("backend-1", false, 8080);
    assert!(!site.is_answered("intruder-1", backend));
    assert_eq!(agent.terminate().code(), Some(0));
    assert!(!site.pins().exists());
    assert!(site.is_answered("intruder-1", backend));
}
