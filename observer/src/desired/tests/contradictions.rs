//! The registry says something else than this node knew: never silently wrong, and in the end as the registry says.

use super::remotes::{TestCluster, spec_labels};
use super::*;

fn told(planning: &Planning) -> (u64, u64) {
    let contradictions = planning.planner.contradictions();
    (contradictions.renumbered, contradictions.redefined)
}

#[test]
fn labels_with_another_number_change_over_and_the_old_number_keeps_its_meaning() {
    let endpoints = file(&[("a", "web", "10.0.0.1"), ("b", "backend", "10.0.0.2")]);
    let mut planning = Planning::new(endpoints);
    let ingress = "  ingress:\n  - fromEndpoints: [{matchLabels: {role: web}}]";
    planning.set_policies(&[&policy("backend", "backend", ingress)]);
    let before = planning.step();
    let old = identity_of(&before, "shop/a");
    let labels = spec_labels("web");
    planning.planner.give_number(labels.clone(), Identity(900));
    let after = planning.step();
    assert_eq!(identity_of(&after, "shop/a"), Identity(900));
    assert_eq!(
        identity_of(&after, "shop/b"),
        identity_of(&before, "shop/b")
    );
    assert_eq!(
        labels_of(&planning, old),
        Some(labels.clone()),
        "connections have it"
    );
    let row = after
        .endpoints
        .iter()
        .find(|one| one.name == "shop/b")
        .unwrap()
        .row;
    let peers: Vec<Identity> = after.sets[&row.policy_set]
        .cells
        .iter()
        .filter_map(|cell| cell.identity)
        .collect();
    assert_eq!(
        peers,
        [old, Identity(900)],
        "both are let in while both may be met"
    );
    assert_eq!(told(&planning), (1, 0));
    let reclaimed = planning.reclaim(&InUse::default(), &StoredNumbers::none());
    assert_eq!(reclaimed.identities, [old.0]);
    assert!(planning.planner.take_forgotten().is_empty());
    assert_eq!(labels_of(&planning, Identity(900)), Some(labels.clone()));
    // An observer that ends in between finds both numbers.
    planning.planner.give_number(labels.clone(), Identity(901));
    planning.step();
    let mut planning = planning.restarted(file(&[("a", "web", "10.0.0.1")]));
    assert_eq!(identity_of(&planning.step(), "shop/a"), Identity(901));
    assert_eq!(labels_of(&planning, Identity(900)), Some(labels));
}

#[test]
fn a_number_with_another_meaning_is_taken_over_once_no_map_resolves_to_it() {
    let mut planning = Planning::new(file(&[("a", "web", "10.0.0.1")]));
    let before = planning.step();
    let number = identity_of(&before, "shop/a");
    let mut cluster = TestCluster::default();
    let (web, db) = (spec_labels("web"), spec_labels("db"));
    cluster.add("default/far", "db", "10.1.0.1", number, db.clone());
    planning.planner.set_cluster(cluster.state(1));
    let step = planning.step();
    assert!(
        step.remotes.is_empty(),
        "two meanings at a time there are not"
    );
    assert_eq!(identity_of(&step, "shop/a"), number);
    assert_eq!(told(&planning), (0, 1));
    let problem = planning.planner.cluster_problems().next().unwrap();
    assert!(problem.contains("still stands for"), "{problem}");
    assert!(planning.planner.has_leftovers());

    planning.planner.give_number(web.clone(), Identity(900));
    let step = planning.step();
    assert_eq!(identity_of(&step, "shop/a"), Identity(900));
    assert!(step.remotes.is_empty(), "the maps said it until this step");
    assert_eq!(labels_of(&planning, number), Some(web.clone()));
    let with_web_ns = wall_ns();
    let step = planning.step();
    assert_eq!(planning.planner.take_forgotten(), [number.0]);
    assert_eq!(step.remotes.len(), 1);
    assert_eq!(labels_of(&planning, number), Some(db.clone()));
    assert_eq!(told(&planning), (1, 1));
    let view = planning.planner.view();
    let then = view.identity_journal.at(&number, with_web_ns).unwrap();
    assert_eq!(then.value, web);
    let now = view.identity_journal.current(&number).unwrap();
    assert_eq!(now.value, db);
    assert!(!planning.planner.has_leftovers());
    let mut planning = planning.restarted(file(&[("a", "web", "10.0.0.1")]));
    planning.planner.set_cluster(cluster.state(1));
    let again = planning.step();
    assert_eq!((again.remotes, told(&planning)), (step.remotes, (0, 0)));
}

#[test]
fn an_answer_that_is_taken_here_waits_for_its_number() {
    let mut planning = Planning::new(file(&[("a", "web", "10.0.0.1")]));
    let taken = identity_of(&planning.step(), "shop/a");
    let (web, db) = (spec_labels("web"), spec_labels("db"));
    let both = file(&[("a", "web", "10.0.0.1"), ("b", "db", "10.0.0.2")]);
    planning.planner.set_endpoints(both).unwrap();
    planning.planner.give_number(db.clone(), taken);
    let first = planning.planner.desired().unwrap().pop().unwrap();
    assert_eq!(first.endpoints.len(), 1);
    assert!(
        first.waiting[0].reason.contains("still stands for"),
        "{:?}",
        first.waiting
    );
    planning.planner.applied(&first).unwrap();
    planning.planner.give_number(web, Identity(900));
    let second = planning.planner.desired().unwrap().pop().unwrap();
    planning.planner.applied(&second).unwrap();
    let third = planning.planner.desired().unwrap().pop().unwrap();
    assert_eq!(identity_of(&third, "shop/a"), Identity(900));
    assert_eq!(identity_of(&third, "shop/b"), taken);
    assert_eq!(told(&planning), (1, 1));
}
