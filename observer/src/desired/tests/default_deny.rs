//! A default deny has a rule number that names the policies which ask for it.

use super::*;

/// Names in the description of a set's default deny, `-` without one.
fn described(planning: &Planning, number: u32) -> String {
    let rule = planning.rules.rule(number).filter(|_| number != 0);
    rule.map_or_else(|| "-".to_owned(), |rule| rule.info().description.clone())
}

fn check(enforcement: Enforcement, policies: &[&str], expect: [&str; 2]) {
    let settings = settings(Mode::Enforce, enforcement);
    let endpoints = file(&[("a", "db", "10.0.0.1")]);
    let mut planning = Planning::with(settings, endpoints);
    planning.set_policies(policies);
    let step = planning.step();
    let numbers = step.default_rules[&step.endpoints[0].row.policy_set];
    assert_eq!(numbers.map(|number| described(&planning, number)), expect);
    for number in numbers.into_iter().filter(|number| *number != 0) {
        let rule = planning.rules.rule(number).unwrap();
        let named = rule.info().policies.len();
        assert_eq!(named, rule.info().description.matches("Policy/").count());
        assert_eq!(named, rule.policy_bytes().count());
    }
    let again = planning.step();
    assert_eq!(again.default_rules, step.default_rules);
}

#[test]
fn it_names_all_of_them_in_order() {
    let one = policy("one", "db", "  ingress:\n  - {}");
    let two = policy("two", "db", "  ingress:\n  - {}\n  egress:\n  - {}");
    let audit = policy("watch", "db", "  ingress:\n  - {}\n  egress:\n  - {}").replace(
        "namespace: shop",
        "namespace: shop, annotations: {tycho.io/audit: \"true\"}",
    );
    let other = policy("other", "web", "  ingress:\n  - {}");
    let default = Enforcement::Default;
    check(default, &[], ["-", "-"]);
    check(default, &[&other], ["-", "-"]);
    let by = "default deny by CiliumNetworkPolicy/shop/";
    check(
        default,
        &[&two, &other, &one],
        [
            &format!("{by}one, CiliumNetworkPolicy/shop/two"),
            &format!("{by}two"),
        ],
    );
    check(
        default,
        &[&one, &audit],
        [&format!("{by}one"), &format!("{by}watch")],
    );
    let setting = "default deny by the policy enforcement setting";
    check(Enforcement::Always, &[], [setting, setting]);
    check(
        Enforcement::Always,
        &[&one, &audit],
        [&format!("{by}one"), setting],
    );
    check(Enforcement::Never, &[&one], ["-", "-"]);
}
