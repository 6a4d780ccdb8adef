//! An etcd that stops, comes back, and is not what it was: enforcement and observation go on, and `status` says so.

use std::fs;

use tests::agent::{Agent, wait_for};
use tests::etcd::Etcd;
use tests::fleet::Fleet;
use tests::flows::tell_all;

use super::{POLICY, identity, wait_for_calm, wait_for_warning};

fn fleet() -> Fleet {
    let fleet = Fleet::new(
        "flt",
        &[
            &[("frontend-0", "frontend"), ("guest-0", "guest")],
            &[("backend-1", "backend")],
        ],
    );
    fleet.set_policies(1, POLICY);
    fleet
}

fn start(fleet: &Fleet, etcd: &Etcd) -> [Agent; 2] {
    [0, 1].map(|node| fleet.start(node, &etcd.url(), &[]))
}

/// What is allowed is answered, what is denied is not, and both are told by name.
#[track_caller]
fn assert_judged(fleet: &Fleet, backend: &Agent) {
    let address = fleet.at("backend-1", 8080);
    assert!(fleet.is_answered("frontend-0", address));
    assert!(!fleet.is_answered("guest-0", address));
    wait_for("both to be told by name", || {
        let told = tell_all(&backend.observe(&["--last", "40", "--to-port", "8080"]));
        let says = |line: &str| told.iter().any(|one| one.starts_with(line));
        says("frontend-0(frontend) > backend-1(backend):8080 verdict INGRESS FORWARDED")
            && says("guest-0(guest) > backend-1(backend):8080 drop INGRESS DROPPED")
    });
}

fn wait_until_known(fleet: &Fleet, from: &str) {
    let backend = fleet.at("backend-1", 8080);
    wait_for(&format!("{from} to be known at the backend"), || {
        fleet.is_answered(from, backend)
    });
}

/// Adds a workload of node 0 by a call.
fn add(fleet: &mut Fleet, agent: &Agent, name: &str, role: &str) -> serde_json::Value {
    let definition = fleet.make_unlisted(0, name, role);
    let file = fleet.home(0).join(format!("{name}.yaml"));
    fs::write(&file, definition).expect("written");
    agent.json(&["endpoint", "add", "--file", file.to_str().expect("text")])
}

#[test]
fn while_etcd_is_away_everything_goes_on_and_then_catches_up() {
    let mut fleet = fleet();
    let (namespace, address) = fleet.backbone();
    let mut etcd = Etcd::start(namespace, address);
    let agents = start(&fleet, &etcd);
    let _server = fleet.serve("backend-1", 8080);
    wait_until_known(&fleet, "frontend-0");
    let mut connection = fleet
        .connect("frontend-0", fleet.at("backend-1", 8080))
        .expect("allowed");
    let numbers = || ["shop/frontend-0", "shop/guest-0"].map(|name| identity(&agents[0], name));
    let before = numbers();

    etcd.stop();
    for agent in &agents {
        wait_for_warning(
            agent,
            &["registry etcd://", "does not answer since", "go on"],
        );
        agent.wait_for_log(&["ERROR", "does not answer since"]);
    }
    connection
        .request(100)
        .expect("sockets work")
        .expect("an open connection goes on");
    assert_judged(&fleet, &agents[1]);
    assert_eq!(numbers(), before);
    // A known label set has its number, an unknown one waits.
    let known = add(&mut fleet, &agents[0], "late-0", "frontend");
    assert_eq!(
        (&known["state"], known["identity"].as_u64()),
        (&"READY".into(), Some(before[0]))
    );
    let unknown = add(&mut fleet, &agents[0], "new-0", "new");
    assert_eq!(unknown["state"], "WAITING_FOR_IDENTITY", "{unknown}");
    let reason = unknown["state_reason"].as_str().unwrap_or_default();
    assert!(reason.contains("etcd://"), "{unknown}");
    // Others cannot know yet.
    assert!(!fleet.is_answered("late-0", fleet.at("backend-1", 8080)));

    // What is killed meanwhile comes back with what it knew.
    let [frontend, backend] = agents;
    backend.kill();
    let backend = fleet.start(1, &etcd.url(), &[]);
    wait_for_warning(&backend, &["registry etcd://", "go on"]);
    assert_judged(&fleet, &backend);
    connection
        .request(100)
        .expect("sockets work")
        .expect("an open connection goes on");

    etcd.resume();
    wait_for("the new label set to have a number", || {
        let new = frontend.json(&["endpoint", "get", "shop/new-0"]);
        new["state"] == "READY" && new["identity"].as_u64().is_some_and(|number| number != 0)
    });
    wait_until_known(&fleet, "late-0");
    for agent in [&frontend, &backend] {
        wait_for_calm(agent);
        agent.wait_for_log(&["INFO", "answers again"]);
        assert!(agent.status_at_rest().is_closed());
    }
    assert_judged(&fleet, &backend);
}

#[test]
fn a_wiped_etcd_is_refused_and_what_was_known_stays() {
    let fleet = fleet();
    let (namespace, address) = fleet.backbone();
    let mut etcd = Etcd::start(namespace, address);
    let agents = start(&fleet, &etcd);
    let _server = fleet.serve("backend-1", 8080);
    wait_until_known(&fleet, "frontend-0");
    etcd.stop();
    etcd.wipe();
    etcd.resume();
    for agent in &agents {
        wait_for_warning(
            agent,
            &[
                "is not that of this node's cluster",
                "nothing of it is taken",
            ],
        );
    }
    assert_judged(&fleet, &agents[1]);
    let [_frontend, backend] = agents;
    backend.kill();
    let refused = fleet.refused(1, &etcd.url());
    for words in ["cannot take part in the cluster", "etcd://"] {
        assert!(refused.contains(words), "{words}: {refused}");
    }
    // Enforcement does not need it.
    assert!(fleet.is_answered("frontend-0", fleet.at("backend-1", 8080)));
    assert!(!fleet.is_answered("guest-0", fleet.at("backend-1", 8080)));
}

#[test]
fn one_node_that_is_cut_off_goes_on_alone() {
    let fleet = fleet();
    let (namespace, address) = fleet.backbone();
    let etcd = Etcd::start(namespace, address);
    let agents = start(&fleet, &etcd);
    let _server = fleet.serve("backend-1", 8080);
    wait_until_known(&fleet, "frontend-0");
    let before = identity(&agents[0], "shop/frontend-0");
    fleet.cluster.partition(0).expect("it can be cut off");
    wait_for_warning(&agents[0], &["registry etcd://", "does not answer since"]);
    assert_eq!(identity(&agents[0], "shop/frontend-0"), before);
    fleet.cluster.heal(0).expect("it can be joined again");
    for agent in &agents {
        wait_for_calm(agent);
    }
    wait_until_known(&fleet, "frontend-0");
    assert_judged(&fleet, &agents[1]);
    assert_eq!(identity(&agents[0], "shop/frontend-0"), before);
}
