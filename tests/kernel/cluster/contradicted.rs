//! A registry that has forgotten everything, and gave the numbers of a node to others meanwhile.

use tests::agent::wait_for;
use tests::fleet::Fleet;
use tests::flows::tell_all;

use super::{POLICY, identity, wait_for_warning};

#[test]
fn a_node_whose_number_is_somebody_elses_gets_another_and_says_so() {
    let fleet = Fleet::new(
        "flt",
        &[
            &[("frontend-0", "frontend")],
            &[("backend-1", "backend"), ("guest-1", "guest")],
        ],
    );
    fleet.set_policies(1, POLICY);
    let registry = fleet.file_registry();
    let first = fleet.start(0, &registry, &[]);
    let before = identity(&first, "shop/frontend-0");
    first.kill();
    let directory = registry.strip_prefix("file:").expect("a directory");
    std::fs::remove_dir_all(directory).expect("it is there");
    let other = fleet.start(1, &registry, &[]);
    let taken = ["shop/backend-1", "shop/guest-1"].map(|name| identity(&other, name));
    assert!(taken.contains(&before), "{taken:?} and {before}");

    let again = fleet.start(0, &registry, &[]);
    wait_for_warning(&again, &["contradicted", &before.to_string()]);
    wait_for("another number", || {
        let now = identity(&again, "shop/frontend-0");
        now != 0 && !taken.contains(&now)
    });
    let _server = fleet.serve("backend-1", 8080);
    let backend = fleet.at("backend-1", 8080);
    wait_for("the frontend to be known", || {
        fleet.is_answered("frontend-0", backend)
    });
    // Both nodes say the same of both ends.
    wait_for("both nodes to tell it alike", || {
        let told = |agent: &tests::agent::Agent| {
            tell_all(&agent.observe(&[
                "--last",
                "20",
                "--to-port",
                "8080",
                "--type",
                "policy-verdict",
            ]))
        };
        let ends = "frontend-0(frontend) > backend-1(backend):8080 verdict";
        [&again, &other]
            .into_iter()
            .all(|agent| told(agent).iter().any(|line| line.starts_with(ends)))
    });
    let now = identity(&again, "shop/frontend-0");
    let known = other.json(&["identity", "get", &now.to_string()]);
    assert!(
        known["labels"].to_string().contains("k8s:role=frontend"),
        "{known}"
    );
}
