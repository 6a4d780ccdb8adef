//! Bad policy files: each is refused with file, line, field and reason.

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
fn refuses_what_is_not_enforced() {
    let check = |section: &str, field: &str| {
        let spec =
            format!("  endpointSelector: {{}}\n  {section}:\n  - toPorts: []\n    {field}: [x]\n");
        let expect = format!("p.yaml:8: spec.{section}[0].{field}: this field is not supported: ");
        let error = error_of(&with_spec(&spec));
        let instead = error.strip_prefix(&expect);
        assert!(instead.is_some_and(|instead| instead.len() > 10), "{error}");
    };
    for field in ["fromRequires", "fromNodes", "fromGroups", "authentication"] {
        check("ingress", field);
        check("ingressDeny", field);
    }
    let fields = [
        "toRequires",
        "toFQDNs",
        "toServices",
        "toNodes",
        "toGroups",
        "authentication",
    ];
    for field in fields {
        check("egress", field);
        check("egressDeny", field);
    }
}

#[test]
fn refuses_peers() {
    let check = |rule: &str, expect: &str| {
        assert_eq!(
            error_of(&with_spec(&format!(
                "  endpointSelector: {{}}\n  ingress:\n  - {rule}\n"
            ))),
            expect,
            "{rule}"
        );
    };
    let at = |path: &str| format!("p.yaml:7: spec.ingress[0]{path}: ");
    check("toEndpoints: [{}]", &(at(".toEndpoints") + "unknown field"));
    check(
        "fromEndpoints: [{matchLabel: {}}]",
        &(at(".fromEndpoints[0].matchLabel") + "unknown field"),
    );
    check(
        "fromEndpoints: [{matchLabels: {version: 1.10}}]",
        &(at(".fromEndpoints[0].matchLabels.version")
            + "expected a string (in quotes), found a decimal number"),
    );
    check(
        "fromEndpoints: [{matchLabels: {'k8s:a:b': c}}]",
        &(at(".fromEndpoints[0].matchLabels.k8s:a:b")
            + "the key \"k8s:a:b\" has a second colon (only a source may stand before it, as in k8s:role)"),
    );
    let expression = ".fromEndpoints[0].matchExpressions[0]";
    let refuse_expression = |text: &str, field: &str, reason: &str| {
        check(
            &format!("fromEndpoints: [{{matchExpressions: [{text}]}}]"),
            &(at(&format!("{expression}{field}")) + reason),
        );
    };
    refuse_expression("{key: a, operator: In}", ".operator", "In needs values");
    refuse_expression(
        "{key: a, operator: Exists, values: [b]}",
        ".operator",
        "Exists takes no values",
    );
    refuse_expression(
        "{key: a, operator: Gt, values: ['1']}",
        ".operator",
        "there is no operator \"Gt\"; there are In, NotIn, Exists, DoesNotExist",
    );
    refuse_expression("{operator: Exists}", ".key", "this field is missing");
    refuse_expression("{key: '', operator: Exists}", ".key", "the key is empty");
    check(
        "fromEntities: [internet]",
        &(at(".fromEntities[0]")
            + "there is no entity \"internet\"; there are all, world, world-ipv4, world-ipv6, cluster, host, remote-node, \
               init, unmanaged, health, ingress, kube-apiserver, none"),
    );
    check(
        "{fromEntities: [all], fromEndpoints: [{}]}",
        &(at(".fromEntities")
            + "fromEndpoints and fromEntities cannot stand in one rule: write two rules"),
    );
}

#[test]
fn refuses_ports() {
    let check = |rule: &str, expect: &str| {
        let text = with_spec(&format!(
            "  endpointSelector: {{}}\n  egress:\n  - {rule}\n"
        ));
        assert_eq!(
            error_of(&text),
            format!("p.yaml:7: spec.egress[0].{expect}"),
            "{rule}"
        );
    };
    let port = |text: &str, expect: &str| {
        check(
            &format!("toPorts: [{{ports: [{{{text}}}]}}]"),
            &format!("toPorts[0].ports[0].{expect}"),
        );
    };
    port(
        "port: 65536",
        "port: a port is a number from 0 to 65535, or a name",
    );
    port(
        "port: '-1'",
        "port: a port is a number from 0 to 65535, or a name",
    );
    port(
        "port: ''",
        "port: a port is a number from 0 to 65535, or a name",
    );
    port(
        "port: 80.5",
        "port: expected a number or a string, found a decimal number",
    );
    port(
        "port: [80]",
        "port: expected a number or a string, found a list",
    );
    port(
        "port: http_alt",
        "port: \"http_alt\" is no port name (up to 15 of a-z, 0-9 and -)",
    );
    port(
        "port: http, endPort: 81",
        "endPort: a port with a name has no endPort",
    );
    port("protocol: TCP", "port: this field is missing");
    port(
        "port: 80, protocol: GRE",
        "protocol: \"GRE\" is not supported; TCP, UDP, SCTP and ANY are",
    );
    port(
        "port: 0, protocol: ICMP",
        "protocol: ICMP has no ports: use icmps",
    );
    port(
        "port: 80, endPort: 79",
        "endPort: endPort must be from 80 (the port) to 65535",
    );
    port(
        "port: 80, endPort: 70000",
        "endPort: endPort must be from 80 (the port) to 65535",
    );
    port(
        "port: 0, endPort: 80",
        "endPort: port 0 means every port and has no endPort",
    );
    check("toPorts: [{}]", "toPorts[0].ports: this field is missing");
    check(
        "toPorts: [{ports: []}]",
        "toPorts[0].ports: there is no port in this list",
    );
    check(
        "toPorts: [{ports: [{port: 0}], rules: {http: []}}]",
        "toPorts[0].rules: this field is not supported: requests are not looked into; remove it, and the rule allows all \
         that comes to these ports",
    );
    check("icmps: []", "icmps: there is no ICMP type in this list");
    check(
        "icmps: [{fields: [{type: Ping}]}]",
        "icmps[0].fields[0].type: an ICMP type is a number from 0 to 255 or one of its names",
    );
    check(
        "icmps: [{fields: [{type: 8, family: IPv5}]}]",
        "icmps[0].fields[0].family: \"IPv5\" is no family; IPv4 and IPv6 are",
    );
    check(
        "{icmps: [], toPorts: []}",
        "icmps: icmps and toPorts cannot stand in one rule: write two rules",
    );
}

#[test]
fn refuses_networks() {
    let check = |rule: &str, expect: &str| {
        let text = with_spec(&format!(
            "  endpointSelector: {{}}\n  egress:\n  - {rule}\n"
        ));
        let expect = format!("p.yaml:7: spec.egress[0].{expect}");
        assert_eq!(error_of(&text), expect, "{rule}");
    };
    check(
        "toCIDR: [10.0.0.0/33]",
        "toCIDR[0]: `10.0.0.0/33` has a prefix longer than its address",
    );
    check(
        "toCIDR: [example.org]",
        "toCIDR[0]: `example.org` is no CIDR, such as `10.0.0.0/8`, `fd00::/8` or a bare address",
    );
    check(
        "toCIDR: [{cidr: 10.0.0.0/8}]",
        "toCIDR[0]: expected a string, found a mapping",
    );
    check(
        "toCIDRSet: [{except: [10.0.0.0/8]}]",
        "toCIDRSet[0].cidr: this field is missing",
    );
    check(
        "toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16, 11.0.0.0/16]}]",
        "toCIDRSet[0].except[1]: 11.0.0.0/16 does not lie within 10.0.0.0/8",
    );
    check(
        "toCIDRSet: [{cidr: 10.0.0.0/8, except: ['::/0']}]",
        "toCIDRSet[0].except[0]: ::/0 does not lie within 10.0.0.0/8",
    );
    check(
        "toCIDRSet: [{cidrGroupRef: partners}]",
        "toCIDRSet[0].cidrGroupRef: this field is not supported: give the networks themselves with cidr",
    );
    check(
        "{toCIDR: [10.0.0.0/8], toEntities: [host]}",
        "toCIDR: toEntities and toCIDR cannot stand in one rule: write two rules",
    );
    check(
        "toEndpoints: [{matchLabels: {'cidr:10.0.0.0/8': ''}}]",
        "toEndpoints[0].matchLabels.cidr:10.0.0.0/8: which networks have labels depends on the other policies: name \
         networks with fromCIDR or toCIDR",
    );
}

#[test]
fn refuses_network_policies() {
    let check = |spec: &str, expect: &str| {
        let text = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p}}\nspec: {{{spec}}}\n"
        );
        assert_eq!(error_of(&text), format!("p.yaml:4: spec{expect}"), "{spec}");
    };
    check("ingress: []", ".podSelector: this field is missing");
    check(
        "podSelector: {}, endpointSelector: {}",
        ".endpointSelector: unknown field",
    );
    check(
        "podSelector: {matchLabels: {'k8s:role': db}}",
        ".podSelector.matchLabels.k8s:role: a label of Kubernetes has no colon in its key",
    );
    check(
        "podSelector: {}, policyTypes: [ingress]",
        ".policyTypes[0]: \"ingress\" is no policy type; Ingress and Egress are",
    );
    let ingress = |rule: &str, expect: &str| {
        check(
            &format!("podSelector: {{}}, ingress: [{rule}]"),
            &format!(".ingress[0]{expect}"),
        );
    };
    ingress("{to: []}", ".to: unknown field");
    ingress("{from: {}}", ".from: expected a list, found a mapping");
    ingress(
        "{from: [{}]}",
        ".from[0]: this item names nobody: give a podSelector, a namespaceSelector or an ipBlock",
    );
    ingress(
        "{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}",
        ".from[0].ipBlock: ipBlock cannot stand beside selectors: write two list items",
    );
    ingress(
        "{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/7]}}]}",
        ".from[0].ipBlock.except[0]: 10.0.0.0/7 does not lie within 10.0.0.0/8",
    );
    ingress(
        "{ports: [{port: 80, protocol: ICMP}]}",
        ".ports[0].protocol: \"ICMP\" is not supported; TCP, UDP and SCTP are",
    );
    ingress(
        "{ports: [{port: 0}]}",
        ".ports[0].port: a port is a number from 1 to 65535",
    );
    ingress(
        "{ports: [{endPort: 80}]}",
        ".ports[0].endPort: endPort needs a port to begin with",
    );
    ingress(
        "{ports: [{port: http, endPort: 80}]}",
        ".ports[0].endPort: a port with a name has no endPort",
    );
    ingress(
        "{ports: [{port: 80, endPort: 79}]}",
        ".ports[0].endPort: endPort must be from 80 (the port) to 65535",
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
    let good = include_str!("policies/shop.yaml");
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
    let good = include_str!("policies/shop.yaml");
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
