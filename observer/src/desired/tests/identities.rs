//! Identities: released when nothing has them, at rest before they are given again, and what happens when none is left.

use super::*;

#[test]
fn an_identity_is_released_when_nothing_has_it_and_rests() {
    let mut planning = Planning::new(file(&[("a", "one", "10.0.0.1")]));
    let one = identity_of(&planning.step(), "shop/a");
    let set = |planning: &mut Planning, role| {
        let endpoints = file(&[("a", role, "10.0.0.1")]);
        planning.planner.set_endpoints(endpoints).unwrap();
        let step = planning.step();
        identity_of(&step, "shop/a")
    };
    set(&mut planning, "two");
    let held = InUse {
        identities: [one.0].into(),
        ..InUse::default()
    };
    planning.reclaim(&held, &StoredNumbers::none());
    assert!(labels_of(&planning, one).is_some(), "a connection has it");
    let unsettled = |planning: &mut Planning| {
        let stored = StoredNumbers::none();
        planning
            .planner
            .reclaim(&InUse::default(), &stored, 0)
            .unwrap();
    };
    unsettled(&mut planning);
    unsettled(&mut planning);
    assert!(labels_of(&planning, one).is_some(), "a record may have it");
    assert!(!planning.planner.has_leftovers());
    planning.reclaim(&InUse::default(), &StoredNumbers::none());
    assert!(labels_of(&planning, one).is_none());
    assert!(
        planning.planner.has_leftovers(),
        "policy sets may have cells for it"
    );
    let span = planning.planner.view();
    let span = span.identity_journal.last(&one).unwrap();
    assert!(span.until_ns.is_some());
    let again = set(&mut planning, "one");
    assert_ne!(again, one, "it rests");
    assert!(!planning.planner.has_leftovers());
    let mut planning = planning.restarted(file(&[("a", "three", "10.0.0.1")]));
    assert_ne!(
        identity_of(&planning.step(), "shop/a"),
        one,
        "after a restart too"
    );
}

#[test]
fn when_no_number_is_left_endpoints_wait_and_others_go_on() {
    let settings = PlanSettings {
        identity_rest: Duration::ZERO,
        ..settings(Mode::Audit, Enforcement::Default)
    };
    let mut last = Identity::UNKNOWN;
    let endpoints = file(&[("a", "0", "10.0.0.1")]);
    let fill = |book: &mut Book| {
        for number in Identity::FIRST_ALLOCATED.0..Identity::LAST_ALLOCATED.0 {
            let labels = LabelSet::parse([format!("k8s:number={number}")]).unwrap();
            last = book.identity(&labels).unwrap();
        }
    };
    let mut planning = Planning::with(settings, endpoints, fill);
    let before = planning.step();
    assert_eq!(identity_of(&before, "shop/a"), Identity(last.0 + 1));
    let more = file(&[
        ("a", "1", "10.0.0.1"),
        ("b", "2", "10.0.0.2"),
        ("c", "0", "10.0.0.3"),
    ]);
    planning.planner.set_endpoints(more).unwrap();
    let step = planning.step();
    let names = |step: &Desired| -> Vec<String> {
        step.endpoints.iter().map(|one| one.name.clone()).collect()
    };
    assert_eq!(names(&step), ["shop/a", "shop/c"]);
    assert_eq!(step.endpoints[0], before.endpoints[0], "it stays as it was");
    let waiting: Vec<&str> = step.waiting.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(waiting, ["shop/a", "shop/b"]);
    assert_eq!(
        step.waiting[1].reason,
        "no number for identity is free: 65280 are in use, 0 rest"
    );
    assert!(planning.planner.has_leftovers(), "it may be tried again");
    planning.reclaim(&InUse::default(), &StoredNumbers::none());
    let step = planning.step();
    assert_eq!(names(&step), ["shop/a", "shop/b", "shop/c"]);
    assert!(step.waiting.is_empty() && !planning.planner.has_leftovers());
    let found = identity_of(&step, "shop/b");
    let labels = labels_of(&planning, found).unwrap();
    assert_eq!(labels.value("k8s", "role"), Some("2"));
}
