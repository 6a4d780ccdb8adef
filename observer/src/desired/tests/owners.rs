//! Endpoints and policies of files and of the API, side by side.

use super::*;
use policy::LabelFilter;

#[test]
fn both_owners_have_endpoints_and_a_clash_names_both_places() {
    let text = "namespaces: {shop: {team: web}}\nendpoints:\n- {name: a, namespace: shop, netns: a, ips: [10.0.0.1]}\n";
    let mut planning = Planning::new(parsed("e.yaml", text));
    let added = |text: &str| {
        parsed(
            "api.yaml",
            &format!(
                "namespaces: {{shop: {{team: db}}, other: {{team: x}}}}\nendpoints:\n- {{{text}}}\n"
            ),
        )
    };
    let check = |planning: &mut Planning, text: &str, expect: &str| {
        let result = planning.planner.set_api_endpoints(added(text));
        let text = result.map_or_else(|error| error.to_string(), |()| "ok".to_owned());
        assert_eq!(text, expect);
    };
    check(
        &mut planning,
        "name: a, namespace: shop, netns: b, ips: [10.0.0.2]",
        "api.yaml:4: the name `shop/a` is already that of the endpoint at e.yaml:4",
    );
    check(
        &mut planning,
        "name: b, netns: b, ips: [10.0.0.2, 10.0.0.1]",
        "api.yaml:4: the address 10.0.0.1 is already that of the endpoint at e.yaml:4",
    );
    check(
        &mut planning,
        "name: b, netns: a, ips: [10.0.0.2]",
        "api.yaml:4: the network namespace `a` is already that of the endpoint at e.yaml:4",
    );
    check(
        &mut planning,
        "name: b, namespace: shop, netns: b, ips: [10.0.0.2]",
        "ok",
    );
    let step = planning.step();
    let found: Vec<_> = step
        .endpoints
        .iter()
        .map(|one| (one.name.as_str(), one.owner, &*one.source))
        .collect();
    let expect = [
        ("shop/a", Owner::File, "e.yaml:4"),
        ("shop/b", Owner::Api, "api.yaml:4"),
    ];
    assert_eq!(found, expect);
    let same = identity_of(&step, "shop/a") == identity_of(&step, "shop/b");
    assert!(
        same,
        "the file's word for its namespace goes before the API's"
    );
    let clash = "endpoints:\n- {name: c, netns: c, ips: [10.0.0.2]}\n";
    let error = planning
        .planner
        .set_endpoints(parsed("e.yaml", clash))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("api.yaml:4: the address 10.0.0.2"),
        "{error}"
    );
    assert_eq!(
        planning.step().endpoints,
        step.endpoints,
        "the last good state stays"
    );
}

#[test]
fn policies_of_both_owners_are_one_set_of_rules() {
    let mut planning = Planning::new(file(&[("b", "backend", "10.0.0.2")]));
    planning.set_policies(&[&backend()]);
    let error = planning
        .planner
        .set_api_policies(&manifests("api/", &[&backend()]))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("api/0.yaml:1") && error.contains("p0.yaml:1"),
        "{error}"
    );
    let other = policy("other", "backend", "  egress:\n  - {}");
    planning
        .planner
        .set_api_policies(&manifests("api/", &[&other]))
        .unwrap();
    planning.settle();
    let view = planning.planner.view();
    let owners: Vec<_> = view
        .rules
        .policies()
        .iter()
        .map(|policy| (policy.name.name.as_str(), view.owner(policy)))
        .collect();
    assert_eq!(owners, [("backend", Owner::File), ("other", Owner::Api)]);
    assert_eq!(view.rule_numbers.len(), 2);
    planning.planner.set_api_policies(&[]).unwrap();
    planning.settle();
    let now = planning.planner.view();
    assert_eq!(now.rules.policies().len(), 1);
    assert_eq!(
        now.rules_of(view.revision),
        Some(&view.rules),
        "an earlier revision stays known"
    );
    assert_eq!(now.rules_of(now.revision), Some(&now.rules));
}

#[test]
fn named_ports_are_those_of_all_endpoints() {
    let text = "endpoints:
- {name: a, namespace: shop, netns: a, ips: [10.0.0.1], labels: {role: db}, ports: {sql: 5432}}
- {name: b, namespace: shop, netns: b, ips: [10.0.0.2], labels: {role: db}, ports: {sql: 5433}}
- {name: c, namespace: shop, netns: c, ips: [10.0.0.3], labels: {role: web}, ports: {sql: 1}}
";
    let mut planning = Planning::new(parsed("e.yaml", text));
    let ingress = "  ingress:\n  - toPorts: [{ports: [{port: sql, protocol: TCP}]}]";
    planning.set_policies(&[&policy("db", "db", ingress)]);
    let step = planning.step();
    let set = step.endpoints[0].row.policy_set;
    let ports: Vec<u16> = step.sets[&set].cells.iter().map(|cell| cell.port).collect();
    assert_eq!(ports, [5432, 5433]);
    assert_eq!(
        planning.planner.view().endpoint_counts[&identity_of(&step, "shop/a")],
        2
    );
}

#[test]
fn another_label_filter_makes_other_identities() {
    let endpoints = file(&[("a", "x", "10.0.0.1"), ("b", "y", "10.0.0.2")]);
    let mut planning = Planning::new(endpoints);
    let identities = |step: &Desired| ["shop/a", "shop/b"].map(|name| identity_of(step, name));
    let [a, b] = identities(&planning.step());
    assert_ne!(a, b);
    planning
        .planner
        .set_label_filter(LabelFilter::new(["!role"]).unwrap());
    let step = planning.step();
    let [c, d] = identities(&step);
    assert_eq!(c, d);
    assert!(c != a && c != b);
    let labels = &step.endpoints[0].labels;
    assert_eq!(
        labels.value("k8s", "role"),
        Some("x"),
        "flows still show all labels"
    );
    planning.planner.set_label_filter(LabelFilter::default());
    assert_eq!(identities(&planning.step()), [a, b]);
}

/// Name and owner of each policy in force.
fn in_force(planning: &mut Planning) -> Vec<(String, Owner)> {
    planning.settle();
    let view = planning.planner.view();
    let policies = view.rules.policies().iter();
    policies
        .map(|policy| (policy.name.name.clone(), view.owner(policy)))
        .collect()
}

fn named(name: &str) -> String {
    policy(name, "backend", "  ingress:\n  - {}")
}

/// As entries of the registry.
fn entries(names: &[&str]) -> Vec<Manifest> {
    let entries = names.iter().map(|name| Manifest {
        path: PathBuf::from(format!("{OF_REGISTRY}{name}")),
        text: named(name),
    });
    entries.collect()
}

#[test]
fn policies_of_the_registry_are_a_third_set_and_at_a_start_those_of_the_node_win() {
    let mut planning = Planning::new(file(&[("b", "backend", "10.0.0.2")]));
    let check = |planning: &mut Planning, expect: &[(&str, Owner)]| {
        let expect: Vec<_> = expect
            .iter()
            .map(|(name, owner)| ((*name).to_owned(), *owner))
            .collect();
        assert_eq!(in_force(planning), expect);
    };
    planning.set_policies(&[&named("a")]);
    planning
        .planner
        .set_earlier_api_policies(&manifests("api/", &[&named("b"), &named("a")]))
        .unwrap();
    planning
        .planner
        .set_first_registry_policies(&entries(&["a", "b", "c"]))
        .unwrap();
    let start = [
        ("a", Owner::File),
        ("b", Owner::Api),
        ("c", Owner::Registry),
    ];
    check(&mut planning, &start);
    let aside = planning.planner.set_aside();
    assert_eq!(
        aside,
        [
            "a policy of the API is not in force: api/1.yaml:1: CiliumNetworkPolicy/shop/a is already defined at p0.yaml:1: remove it from the file, or run `tycho policy delete CiliumNetworkPolicy/shop/a`",
            "a policy of the registry is not in force: registry:a:1: CiliumNetworkPolicy/shop/a is already defined at p0.yaml:1: remove it from the file, or run `tycho registry policy delete a`",
            "a policy of the registry is not in force: registry:b:1: CiliumNetworkPolicy/shop/b is already defined at api/0.yaml:1: run `tycho policy delete CiliumNetworkPolicy/shop/b`, or run `tycho registry policy delete b`",
        ]
    );
    // What leaves makes room for the next in order.
    planning.planner.set_policies(&[]).unwrap();
    check(
        &mut planning,
        &[("a", Owner::Api), ("b", Owner::Api), ("c", Owner::Registry)],
    );
    let api = manifests("api/", &[&named("b"), &named("a")]);
    planning.planner.set_api_policies(&api[..1]).unwrap();
    check(
        &mut planning,
        &[
            ("a", Owner::Registry),
            ("b", Owner::Api),
            ("c", Owner::Registry),
        ],
    );
    planning
        .planner
        .set_registry_policies(&entries(&["c", "d"]))
        .unwrap();
    check(
        &mut planning,
        &[
            ("b", Owner::Api),
            ("c", Owner::Registry),
            ("d", Owner::Registry),
        ],
    );
    assert_eq!(planning.planner.set_aside(), [""; 0]);
}

#[test]
fn a_newer_state_of_the_registry_is_taken_as_a_whole_or_not_at_all() {
    let mut planning = Planning::new(file(&[("b", "backend", "10.0.0.2")]));
    planning.set_policies(&[&named("a")]);
    planning
        .planner
        .set_first_registry_policies(&entries(&["b"]))
        .unwrap();
    let before = in_force(&mut planning);
    let clash = planning
        .planner
        .set_registry_policies(&entries(&["a", "c"]))
        .unwrap_err();
    let told = planning.planner.policy_clash(&clash).unwrap();
    assert!(
        told.ends_with("remove it from the file, or run `tycho registry policy delete a`"),
        "{told}"
    );
    let mut broken = entries(&["c", "d"]);
    broken[1].text = "kind: Nonsense".to_owned();
    let error = planning.planner.set_registry_policies(&broken).unwrap_err();
    assert!(error.to_string().starts_with("registry:d:1"), "{error}");
    assert_eq!(in_force(&mut planning), before);
    let clash = planning
        .planner
        .set_policies(&manifests("p", &[&named("a"), &named("b")]));
    let told = planning.planner.policy_clash(&clash.unwrap_err()).unwrap();
    assert!(told.contains("registry policy delete b"), "{told}");
    assert_eq!(in_force(&mut planning), before);
}
