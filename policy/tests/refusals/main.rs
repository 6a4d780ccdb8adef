//! Bad policy files: each is refused with file, line, field and reason.

mod network_policies;
mod rules;

use policy::read_policies;

/// A policy whose specification begins on line 5.
fn with_spec(spec: &str) -> String {
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: n}}\nspec:\n{spec}"
    )
}

fn error_of(text: &str) -> String {
    match read_policies("p.yaml", text) {
        Ok(policies) => panic!("accepted: {policies:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn refuses_specifications() {
    let check = |spec: &str, expect: &str| assert_eq!(error_of(&with_spec(spec)), expect, "{spec}");
    check(
        "  endpointSelector: {}\n  nodeSelector: {}\n",
        "p.yaml:6: spec.nodeSelector: this field is not supported: policies are for endpoints, not for nodes: use \
         endpointSelector",
    );
    check(
        "  endpointSelector: {}\n  ingres: []\n",
        "p.yaml:6: spec.ingres: unknown field",
    );
    check(
        "  endpointSelector: {}\n  \"a\\nb\\e[2J\": []\n",
        "p.yaml:6: spec.a\\nb\\u{1b}[2J: unknown field",
    );
    check(
        "  ingress: []\n",
        "p.yaml:5: spec.endpointSelector: this field is missing",
    );
    check(
        "  endpointSelector: {}\n",
        "p.yaml:5: spec: none of ingress, ingressDeny, egress, egressDeny is there: the policy would do nothing",
    );
    check(
        "  endpointSelector: {}\n  ingress:\n",
        "p.yaml:6: spec.ingress: this field has no value: give it one or remove the field",
    );
    check(
        "  endpointSelector: {}\n  ingress: {}\n",
        "p.yaml:6: spec.ingress: expected a list, found a mapping",
    );
    check(
        "  endpointSelector: {}\n  ingress: [1]\n",
        "p.yaml:6: spec.ingress[0]: expected a mapping, found a number",
    );
    check(
        "  endpointSelector: []\n",
        "p.yaml:5: spec.endpointSelector: expected a mapping, found a list",
    );
    check(
        "  endpointSelector: {}\n  enableDefaultDeny: {ingress: 1}\n",
        "p.yaml:6: spec.enableDefaultDeny.ingress: expected true or false, found a number",
    );
}

#[test]
fn refuses_documents() {
    let check = |text: &str, expect: &str| assert_eq!(error_of(text), expect, "{text}");
    check("[]", "p.yaml:1: expected a mapping, found a list");
    check(
        "kind: Service\n",
        "p.yaml:1: kind: \"Service\" is no kind of policy; there are CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, \
         NetworkPolicy",
    );
    check(
        "\n\napiVersion: v1\n",
        "p.yaml:3: kind: this field is missing",
    );
    check(
        "kind: CiliumNetworkPolicy\napiVersion: v1\n",
        "p.yaml:2: apiVersion: expected cilium.io/v2 for a CiliumNetworkPolicy",
    );
    let head = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n";
    check(
        &format!("{head}specs: []\n"),
        "p.yaml:3: specs: this field is not supported: write one policy with a spec for each entry, each with a name of its \
         own",
    );
    check(
        &format!("{head}metadata: {{}}\n"),
        "p.yaml:3: metadata.name: this field is missing",
    );
    check(
        &format!("{head}metadata: {{name: p}}\n"),
        "p.yaml:1: spec: this field is missing",
    );
    check(
        &format!("{head}metadata: {{name: a/b}}\n"),
        "p.yaml:3: metadata.name: \"a/b\" is no object name (up to 253 of a-z, 0-9, - and .)",
    );
    let annotated = |annotation: &str, expect: &str| {
        let text = format!("{head}metadata:\n  name: p\n  annotations:\n    {annotation}\n");
        assert_eq!(
            error_of(&text),
            format!("p.yaml:6: metadata.annotations.{expect}")
        );
    };
    annotated(
        "tycho.io/audit: 'yes'",
        "tycho.io/audit: expected \"true\" or \"false\", found \"yes\"",
    );
    annotated(
        "tycho.io/audit: true",
        "tycho.io/audit: expected a string (in quotes), found a boolean",
    );
    annotated(
        "tycho.io/mode: 'off'",
        "tycho.io/mode: there is no such annotation; there is tycho.io/audit",
    );
    check(
        "apiVersion: cilium.io/v2\nkind: NetworkPolicy\n",
        "p.yaml:1: apiVersion: expected networking.k8s.io/v1 for a NetworkPolicy",
    );
    check(
        "apiVersion: v1\nkind: List\n",
        "p.yaml:1: items: this field is missing",
    );
    check(
        "apiVersion: v1\nkind: List\nitems:\n- {kind: Pod, apiVersion: v1}\n",
        "p.yaml:4: items[0].kind: \"Pod\" is no kind of policy; there are CiliumNetworkPolicy, \
         CiliumClusterwideNetworkPolicy, NetworkPolicy",
    );
    check(
        "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: p, namespace: n}\n",
        "p.yaml:3: metadata.namespace: a CiliumClusterwideNetworkPolicy has no namespace",
    );
}

#[test]
fn refuses_what_is_no_yaml() {
    let good = include_str!("../policies/shop.yaml");
    let truncated = &good[..good.find(", values: [db]").unwrap() + 10];
    let error = error_of(truncated);
    assert!(
        error.starts_with("p.yaml:28: not valid YAML: ")
            || error.starts_with("p.yaml:29: not valid YAML: "),
        "{error}"
    );
    for (text, start) in [
        ("a: 1\na: 2\n", "p.yaml:2: not valid YAML: duplicate"),
        ("a: b\n c: d\n", "p.yaml:2: not valid YAML: "),
        ("- &x [*x]\n", "p.yaml:1: not valid YAML: "),
        ("[".repeat(100_000).as_str(), "p.yaml:1: not valid YAML: "),
    ] {
        let error = error_of(text);
        assert!(error.starts_with(start), "{error}");
        assert!(
            !error.contains('\n') && !error.contains(" at line "),
            "{error}"
        );
    }
}

/// Cutting a good file anywhere gives an error with a line of the file, or fewer policies; never a panic.
#[test]
fn survives_truncation_everywhere() {
    let good = include_str!("../policies/shop.yaml");
    let lines = u32::try_from(good.lines().count()).unwrap();
    let mut refused = 0;
    for end in 0..good.len() {
        if let Err(error) = read_policies("p.yaml", &good[..end]) {
            assert!((1..=lines + 1).contains(&error.line), "{error}");
            refused += 1;
        }
    }
    assert!(refused > good.len() / 2);
}
