//! What one node has, the others know: by address, by identity, by name, and until it goes.

use tests::agent::{Agent, wait_for};
use tests::fleet::Fleet;
use tests::flows::tell_all;

use super::{POLICY, identity, warnings};

/// All that a node says of connections to a port, in order, each once.
pub(super) fn told(agent: &Agent, port: &str) -> Vec<String> {
    let mut flows = agent.observe(&["--all", "--port", port]);
    flows.retain(|response| response["flow"]["is_reply"] != true);
    let mut told = tell_all(&flows);
    told.sort();
    told.dedup();
    told
}

#[test]
fn endpoints_of_other_nodes_are_judged_and_shown_as_what_they_are() {
    let mut fleet = Fleet::new(
        "flt",
        &[
            &[("frontend-0", "frontend")],
            &[("backend-1", "backend")],
            &[("guest-2", "guest")],
        ],
    );
    for node in 0..3 {
        fleet.set_policies(node, POLICY);
    }
    let registry = fleet.file_registry();
    let agents = [0, 1, 2].map(|node| fleet.start(node, &registry, &[]));
    let _server = fleet.serve("backend-1", 8080);
    let backend = fleet.at("backend-1", 8080);
    wait_for("the frontend to be known where the backend is", || {
        fleet.is_answered("frontend-0", backend)
    });
    wait_for("the guest to be known there", || {
        !fleet.is_answered("guest-2", backend)
            && told(&agents[1], "8080")
                .iter()
                .any(|line| line.starts_with("guest-2"))
    });
    let told_there = told(&agents[1], "8080");
    for expect in [
        "frontend-0(frontend) > backend-1(backend):8080 trace INGRESS FORWARDED, CiliumNetworkPolicy/shop/backend ingress[0]",
        "frontend-0(frontend) > backend-1(backend):8080 verdict INGRESS FORWARDED allowed by shop/backend, CiliumNetworkPolicy/shop/backend ingress[0]",
    ] {
        assert!(
            told_there.iter().any(|line| line == expect),
            "{expect}: {told_there:#?}"
        );
    }
    let denied = "guest-2(guest) > backend-1(backend):8080 drop INGRESS DROPPED POLICY_DENIED";
    assert!(
        told_there.iter().any(|line| line.starts_with(denied)),
        "{told_there:#?}"
    );
    // Where it comes from it is judged only: the other end is managed, and traces what arrives.
    let told_here = told(&agents[0], "8080");
    let verdict = "frontend-0(frontend) > backend-1(backend):8080 verdict EGRESS FORWARDED";
    assert_eq!(told_here, [verdict]);

    // Of a label set that a node knows, one more endpoint is an address more, and nothing else.
    let revision = || agents[1].json(&["policy", "list"])["revision"].clone();
    let before = revision();
    let definition = fleet.make_unlisted(2, "late-2", "frontend");
    let file = fleet.home(2).join("late.yaml");
    std::fs::write(&file, definition).expect("written");
    let added = agents[2].json(&["endpoint", "add", "--file", file.to_str().expect("text")]);
    assert_eq!(added["state"], "READY", "{added}");
    let frontend = identity(&agents[0], "shop/frontend-0");
    assert_eq!(
        added["identity"].as_u64(),
        Some(frontend),
        "the same labels, the same number"
    );
    wait_for("the late one to be known", || {
        fleet.is_answered("late-2", backend)
    });
    assert_eq!(revision(), before);
    let name = "late-2(frontend) > backend-1(backend):8080 trace INGRESS FORWARDED";
    assert!(
        told(&agents[1], "8080")
            .iter()
            .any(|line| line.starts_with(name))
    );
    let labels = agents[1].json(&["identity", "get", &frontend.to_string()]);
    assert!(
        labels["labels"].to_string().contains("k8s:role=frontend"),
        "{labels}"
    );

    agents[2]
        .ask(&["endpoint", "remove", "shop/late-2"])
        .output();
    wait_for("the late one to be forgotten", || {
        !fleet.is_answered("late-2", backend)
            && told(&agents[1], "8080")
                .iter()
                .any(|line| line.contains("reserved:world > backend-1") && line.contains("DROPPED"))
    });
    for agent in &agents {
        assert_eq!(warnings(agent), [""; 0]);
        assert!(agent.status_at_rest().is_closed());
    }
}

#[test]
fn what_a_node_itself_sends_is_that_of_a_remote_node_elsewhere() {
    let fleet = Fleet::new(
        "flt",
        &[&[("frontend-0", "frontend")], &[("backend-1", "backend")]],
    );
    fleet.set_policies(
        1,
        &POLICY.replace(
            "fromEndpoints: [{matchLabels: {role: frontend}}]",
            "fromEntities: [remote-node]",
        ),
    );
    let registry = fleet.file_registry();
    let agents = [0, 1].map(|node| fleet.start(node, &registry, &[]));
    let _server = fleet.serve("backend-1", 8080);
    let backend = fleet.at("backend-1", 8080);
    let from_node = || {
        let namespace = fleet.cluster.node(0).expect("it is there").namespace();
        let target = lab::traffic::TcpTarget::new(backend, std::time::Duration::from_millis(250));
        let exchange = lab::traffic::tcp_exchange(namespace, &target, 1, 100);
        exchange.expect("sockets work").is_ok()
    };
    wait_for("the other node to be let in", from_node);
    assert!(
        !fleet.is_answered("frontend-0", backend),
        "its endpoints are not"
    );
    let line = "reserved:remote-node > backend-1(backend):8080 verdict INGRESS FORWARDED";
    let told = told(&agents[1], "8080");
    assert!(told.iter().any(|one| one.starts_with(line)), "{told:#?}");
}
