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
