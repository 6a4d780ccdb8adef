//! Identities: asked for, released when nothing has them, and what happens when none is given.

use super::*;

#[test]
fn an_identity_is_released_when_nothing_has_it() {
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
    let known = planning.planner.numbers_wanted().known;
    assert!(!known.contains_key(&one), "the registry may have it back");
    assert!(
        known
            .values()
            .any(|labels| labels.value("k8s", "role") == Some("two"))
    );
    let again = set(&mut planning, "one");
    assert_eq!(again, one, "as long as it rests");
    assert!(!planning.planner.has_leftovers());
    let view = planning.planner.view();
    assert_eq!(view.identity_journal.spans(&one).count(), 2);
}

#[test]
fn when_no_number_is_left_endpoints_wait_and_others_go_on() {
    let settings = PlanSettings {
        identity_rest: Duration::ZERO,
        ..settings(Mode::Audit, Enforcement::Default)
    };
    let mut planning = Planning::with(settings, file(&[("a", "0", "10.0.0.1")]));
    let before = planning.step();
    assert_eq!(identity_of(&before, "shop/a"), Identity::FIRST_ALLOCATED);
    planning.giver.refuses = Some("no identity is free".to_owned());
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
        "the registry is asked for the number of its labels"
    );
    assert!(step.waiting.iter().all(|one| one.asked));
    let step = planning.step();
    assert_eq!(
        step.waiting[1].reason,
        "its labels have no number: no identity is free"
    );
    assert!(step.waiting.iter().all(|one| !one.asked));
    assert!(planning.planner.has_leftovers(), "it may be tried again");
    planning.giver.refuses = None;
    let step = planning.step();
    assert_eq!(names(&step), ["shop/a", "shop/b", "shop/c"]);
    assert!(step.waiting.is_empty() && !planning.planner.has_leftovers());
    let found = identity_of(&step, "shop/b");
    let labels = labels_of(&planning, found).unwrap();
    assert_eq!(labels.value("k8s", "role"), Some("2"));
}
