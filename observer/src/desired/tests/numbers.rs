//! Numbers: what keeps its own, what gets a new one, and what a restart keeps.

use super::*;

#[test]
fn numbers_survive_a_restart_and_scaling_changes_no_policy() {
    let small = file(&[("a", "frontend", "10.0.0.1"), ("b", "backend", "10.0.0.2")]);
    let mut planning = Planning::new(Arc::clone(&small));
    planning.set_policies(&[&backend()]);
    let before = planning.step();
    let mut planning = planning.restarted(small);
    planning.set_policies(&[&backend()]);
    let after = planning.step();
    assert_eq!((before.revision, after.revision), (1, 2));
    assert_eq!(before.endpoints, after.endpoints);
    assert_eq!((&before.sets, &before.rules), (&after.sets, &after.rules));
    assert_eq!(before.default_rules, after.default_rules);
    let scaled = file(&[
        ("a", "frontend", "10.0.0.1"),
        ("b", "backend", "10.0.0.2"),
        ("c", "frontend", "10.0.0.3"),
    ]);
    planning.planner.set_endpoints(scaled).unwrap();
    let scaled = planning.step();
    assert_eq!(scaled.sets, after.sets);
    let same = |set: &u32| Arc::ptr_eq(&scaled.sets[set], &after.sets[set]);
    assert!(after.sets.keys().all(same), "nothing was compiled anew");
    let row = |index: usize| scaled.endpoints[index].row;
    assert_eq!(row(0).identity, row(2).identity);
    assert_eq!(row(0).policy_set, row(2).policy_set);
    assert_ne!(row(0).endpoint, row(2).endpoint);
    assert_ne!(row(0).metadata, row(2).metadata);
}

#[test]
fn a_change_of_labels_is_a_new_version_and_the_old_one_stays_known() {
    let mut planning = Planning::new(file(&[("a", "frontend", "10.0.0.1")]));
    let before = planning.step().endpoints[0].row;
    let set = |planning: &mut Planning, endpoints| {
        planning.planner.set_endpoints(endpoints).unwrap();
        planning.step()
    };
    let after = set(&mut planning, file(&[("a", "backend", "10.0.0.1")])).endpoints[0].row;
    assert_eq!(before.endpoint, after.endpoint);
    assert_ne!(before.identity, after.identity);
    assert_ne!(before.metadata, after.metadata);
    let role = |index| {
        let version = planning.metadata.version(index).unwrap();
        let labels = &version.content().labels;
        labels.value("k8s", "role").unwrap().to_owned()
    };
    assert_eq!(role(before.metadata), "frontend");
    assert_eq!(role(after.metadata), "backend");
    let empty = set(&mut planning, file(&[]));
    assert!(empty.sets.is_empty());
    let version = planning.metadata.version(after.metadata).unwrap();
    assert!(version.until_ns().is_some());
    let again = set(&mut planning, file(&[("a", "backend", "10.0.0.1")])).endpoints[0].row;
    assert_eq!(after.identity, again.identity);
    assert_ne!(after.endpoint, again.endpoint, "it is another endpoint");
    assert_ne!(after.metadata, again.metadata);
}

#[test]
fn broken_policies_change_nothing() {
    let mut planning = Planning::new(file(&[("b", "backend", "10.0.0.2")]));
    planning.set_policies(&[&backend()]);
    let before = planning.step();
    let broken = backend().replace("endpointSelector", "endpointSelektor");
    let broken = manifests("p", &[&broken]);
    let error = planning.planner.set_policies(&broken).unwrap_err();
    assert!(error.to_string().starts_with("p0.yaml:"), "{error}");
    let after = planning.step();
    assert_eq!((after.sets, after.revision), (before.sets, before.revision));
}

#[test]
fn times_and_ends_survive_a_restart() {
    let mut planning = Planning::new(file(&[("a", "frontend", "10.0.0.1")]));
    let started_ns = wall_ns();
    let front = identity_of(&planning.step(), "shop/a");
    let with_front_ns = wall_ns();
    let change = file(&[("a", "backend", "10.0.0.1"), ("b", "backend", "10.0.0.2")]);
    planning.planner.set_endpoints(change).unwrap();
    let step = planning.step();
    let back = identity_of(&step, "shop/a");
    let with_b_ns = wall_ns();
    let held = InUse {
        metadata: [step.endpoints[1].row.metadata].into(),
        ..InUse::default()
    };
    planning
        .planner
        .set_endpoints(file(&[("a", "backend", "10.0.0.1")]))
        .unwrap();
    planning.settle();
    planning.reclaim(&held, &StoredNumbers::none());
    let freed_ns = wall_ns();
    let mut planning = planning.restarted(file(&[("a", "backend", "10.0.0.1")]));
    planning.settle();
    let view = planning.planner.view();
    let identities = &view.identity_journal;
    let role = |number, time| {
        let span = identities.at(&number, time)?;
        span.value.value("k8s", "role").map(ToOwned::to_owned)
    };
    assert_eq!(role(front, started_ns), None);
    assert_eq!(role(front, with_front_ns).as_deref(), Some("frontend"));
    assert_eq!(role(front, freed_ns), None, "it was released");
    assert_eq!(role(back, freed_ns).as_deref(), Some("backend"));
    let known_ns = identities.known_since_ns();
    assert!((started_ns..=with_front_ns).contains(&known_ns));
    let endpoints = &view.endpoint_journal;
    let holds = |name: &str, time| endpoints.at(&name.to_owned(), time).is_some();
    assert!(holds("shop/a", freed_ns) && !holds("shop/b", freed_ns));
    assert!(holds("shop/b", with_b_ns), "a connection has its metadata");
    assert!(labels_of(&planning, front).is_none());
}
