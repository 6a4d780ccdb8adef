//! Files in, revisions out: changes are all or nothing.

use policy::{
    Compiler, Enforcement, Identities, LabelSet, NamedPorts, PolicyRepository, check_policies,
    read_policies,
};

fn policy(name: &str, port: u16) -> String {
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: {name}}}\nspec:\n  endpointSelector: {{}}\n  \
         ingress:\n  - toPorts:\n    - ports: [{{port: {port}}}]\n"
    )
}

#[test]
fn the_revision_counts_changes() {
    let mut policies = PolicyRepository::new();
    assert_eq!(policies.revision(), 0);
    assert_eq!(policies.replace_file("a.yaml", &policy("a", 80)), Ok(1));
    assert_eq!(policies.replace_file("a.yaml", &policy("a", 80)), Ok(1));
    assert_eq!(policies.replace_file("a.yaml", &policy("a", 81)), Ok(2));
    assert_eq!(policies.replace_file("b.yaml", &policy("b", 80)), Ok(3));
    assert_eq!(policies.rules().len(), 2);
    assert_eq!(policies.remove_file("a.yaml"), 4);
    assert_eq!(policies.remove_file("a.yaml"), 4);
    assert_eq!(policies.rules().len(), 1);
}

#[test]
fn a_refused_change_changes_nothing() {
    let mut policies = PolicyRepository::new();
    policies.replace_file("a.yaml", &policy("a", 80)).unwrap();
    let before = policies.clone();
    let good = policy("b", 80);
    let error = policies
        .change([
            ("b.yaml", Some(good.as_str())),
            ("c.yaml", Some("kind: [")),
            ("a.yaml", None),
        ])
        .unwrap_err();
    assert!(
        error.to_string().starts_with("c.yaml:1: not valid YAML: "),
        "{error}"
    );
    assert_eq!((policies.revision(), policies.rules()), (1, before.rules()));
    let error = policies
        .replace_file("z.yaml", &policy("a", 80))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "z.yaml:1: CiliumNetworkPolicy/default/a is already defined at a.yaml:1"
    );
    let twice = format!("{good}---\n{good}");
    let error = policies.replace_file("b.yaml", &twice).unwrap_err();
    assert_eq!(
        error.to_string(),
        "b.yaml:10: CiliumNetworkPolicy/default/b is already defined at b.yaml:1"
    );
    let moved = policy("a", 80);
    assert_eq!(
        policies.change([("a.yaml", None), ("z.yaml", Some(moved.as_str()))]),
        Ok(2)
    );
}

#[test]
fn a_new_policy_leaves_the_cells_of_others_alone() {
    let mut policies = PolicyRepository::new();
    policies.replace_file("b.yaml", &policy("b", 80)).unwrap();
    policies.replace_file("d.yaml", &policy("d", 81)).unwrap();
    let subject = LabelSet::parse(["k8s:io.kubernetes.pod.namespace=default"]).unwrap();
    let ranks_by_port = |policies: &PolicyRepository| -> Vec<(u16, u32)> {
        let (identities, named_ports) = (Identities::new(), NamedPorts::new());
        let model = policies.model(Enforcement::Default, &named_ports);
        let set = Compiler::new(model, &identities).compile(&subject);
        let mut ranks: Vec<_> = set
            .cells
            .iter()
            .map(|cell| (cell.port, cell.rank))
            .collect();
        ranks.dedup();
        ranks
    };
    let before = ranks_by_port(&policies);
    for name in ["a", "c", "e"] {
        policies
            .replace_file(&format!("{name}.yaml"), &policy(name, 90))
            .unwrap();
    }
    let after = ranks_by_port(&policies);
    assert!(
        before.iter().all(|cell| after.contains(cell)),
        "{before:?} {after:?}"
    );
}

#[test]
fn a_policy_keeps_the_text_of_its_own_document() {
    let first = policy("a", 80);
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: networking.k8s.io/v1\n  kind: NetworkPolicy\n  metadata: \
                {name: c}\n  spec: {podSelector: {}}\n- apiVersion: networking.k8s.io/v1\n  kind: NetworkPolicy\n  metadata: \
                {name: d}\n  spec: {podSelector: {}}\n";
    let second = format!("# what it is for\n{}", policy("b", 81));
    let file = format!("{first}---\n{second}--- # a list\n{list}");
    let policies = read_policies("p.yaml", &file).unwrap();
    let found: Vec<(&str, &str)> = policies
        .iter()
        .map(|policy| (policy.name.name.as_str(), &*policy.text))
        .collect();
    let expect = [
        ("a", first.as_str()),
        ("b", &second),
        ("c", list),
        ("d", list),
    ];
    assert_eq!(found, expect);
    let json = r#"{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p"},
 "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": 80}]}]}}"#;
    let policies = read_policies("p.json", json).unwrap();
    assert_eq!((&*policies[0].text, policies[0].rules[0].line), (json, 2));
}

#[test]
fn all_problems_at_once() {
    let bad = "---\nkind: Pod\n---\nkind: 1\n";
    let first = policy("a", 80) + bad + "---\n" + &policy("b", 80);
    let second = policy("b", 81) + "---\n" + &policy("c", 81);
    let check = |files: &[(&str, &str)], expect: &[&str]| {
        let found: Vec<String> = check_policies(files.iter().copied())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, expect);
    };
    check(
        &[("1.yaml", &first), ("2.yaml", &second), ("3.yaml", "a: [")],
        &[
            "1.yaml:10: kind: \"Pod\" is no kind of policy; there are CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, \
             NetworkPolicy",
            "1.yaml:12: kind: expected a string (in quotes), found a number",
            "3.yaml:1: not valid YAML: unclosed bracket '['",
            "2.yaml:1: CiliumNetworkPolicy/default/b is already defined at 1.yaml:14",
        ],
    );
    check(&[("2.yaml", &second)], &[]);
}
