//! Bad NetworkPolicies.

use super::error_of;

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
