//! Bad rules: peers, ports, networks, and what nobody enforces.

use super::{error_of, with_spec};

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
