//! Rules in words, and what came closest to deciding otherwise.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use policy::{
    Direction, Enforcement, Identities, Identity, LabelSet, NamedPorts, PolicyRepository, nearest,
    protocol, read_policies,
};

const POLICIES: &str = include_str!("policies/explain.yaml");

#[test]
fn rules_in_words() {
    let found: Vec<String> = read_policies("p.yaml", POLICIES)
        .unwrap()
        .iter()
        .flat_map(|policy| policy.rules.iter())
        .map(|rule| format!("{}: {rule}", rule.key))
        .collect();
    let namespace = "k8s:io.kubernetes.pod.namespace=shop";
    let expect = [
        format!("CiliumNetworkPolicy/shop/backend ingress[0]: fromEndpoints any:role=frontend,{namespace}; TCP 8080-8089, TCP http"),
        format!("CiliumNetworkPolicy/shop/backend ingress[1]: fromEndpoints any:role=probe,{namespace} or any:role=test,any:tier=x,{namespace}; any protocol"),
        "CiliumNetworkPolicy/shop/backend ingress[2]: from anybody; ICMP type 8, ICMPv6 type 128".to_owned(),
        "CiliumNetworkPolicy/shop/backend ingressDeny[0]: fromEntities world; UDP".to_owned(),
        "CiliumNetworkPolicy/shop/backend egress[0]: toCIDR 10.0.0.0/8 except 10.1.0.0/16, 10.2.0.0/16 or fd00::/8; TCP 443".to_owned(),
        "CiliumNetworkPolicy/shop/backend egress[1]: to nobody; any protocol".to_owned(),
        "NetworkPolicy/shop/mixed ingress[0]: fromEndpoints k8s:io.kubernetes.pod.namespace or fromCIDR 192.0.2.0/24; TCP 80, UDP 53, SCTP".to_owned(),
    ];
    assert_eq!(found, expect);
}

/// `rule: part: wanted / found; …`, the closest first.
fn near(peer: &str, direction: Direction, protocol: u8, port: u16) -> Vec<String> {
    let mut policies = PolicyRepository::new();
    policies.replace_file("p.yaml", POLICIES).unwrap();
    let labels = |role: &str| {
        LabelSet::parse([
            format!("k8s:role={role}"),
            "k8s:io.kubernetes.pod.namespace=shop".to_owned(),
        ])
        .unwrap()
    };
    let mut identities = Identities::new();
    let mut named_ports = NamedPorts::new();
    let subject = labels("backend");
    let number = identities.allocate(subject.clone()).unwrap();
    named_ports.insert(number, &subject, "http", 9000);
    let number =
        Identity::from_name(peer).unwrap_or_else(|| identities.allocate(labels(peer)).unwrap());
    let other = (number, identities.labels(number).unwrap());
    let model = policies.model(Enforcement::Default, &named_ports);
    nearest(&model, &subject, other, direction, protocol, port, 3)
        .iter()
        .map(|miss| {
            let rule = policies.rules().rule(miss.rule).unwrap();
            let differences = miss.differences.iter().map(|difference| {
                let (kind, wanted) = (difference.kind, &difference.wanted);
                format!("{kind}: {wanted} / {}", difference.found)
            });
            let differences: Vec<String> = differences.collect();
            format!("{}: {}", rule.key, differences.join("; "))
        })
        .collect()
}

#[test]
fn near_misses() {
    let check = |peer: &str, direction, protocol, port, expect: &[&str]| {
        let found = near(peer, direction, protocol, port);
        let expect: Vec<String> = expect
            .iter()
            .map(|line| {
                line.replace("backend ", "CiliumNetworkPolicy/shop/backend ")
                    .replace("mixed ", "NetworkPolicy/shop/mixed ")
            })
            .collect();
        assert_eq!(found, expect, "{peer} {direction} {protocol} {port}");
    };
    let (ingress, egress) = (Direction::Ingress, Direction::Egress);
    check(
        "frontend",
        ingress,
        protocol::TCP,
        80,
        &[
            "backend ingress[0]: port: 8080-8089, http (9000) / 80",
            "backend ingress[2]: protocol: ICMP, ICMPv6 / TCP",
            "backend ingress[1]: peer: any:role=probe / k8s:role=frontend",
        ],
    );
    check(
        "probe",
        ingress,
        protocol::TCP,
        8080,
        &[
            "backend ingressDeny[0]: peer: entity world / k8s:io.kubernetes.pod.namespace=shop,k8s:role=probe; \
             protocol: UDP / TCP",
        ],
    );
    // Denied by a rule: what allows the like is told, although it would not help.
    check(
        "world",
        ingress,
        protocol::UDP,
        53,
        &[
            "backend ingress[2]: protocol: ICMP, ICMPv6 / UDP",
            "backend ingress[1]: peer: any:role=probe / no such label; \
             peer: k8s:io.kubernetes.pod.namespace=shop / no such label",
            "backend ingress[0]: peer: any:role=frontend / no such label; \
             peer: k8s:io.kubernetes.pod.namespace=shop / no such label; protocol: TCP / UDP",
        ],
    );
    check(
        "frontend",
        egress,
        protocol::TCP,
        8080,
        &[
            "backend ingress[0]: direction: ingress / egress",
            "backend egress[0]: peer: 10.0.0.0/8 except 10.1.0.0/16, 10.2.0.0/16 / \
             k8s:io.kubernetes.pod.namespace=shop,k8s:role=frontend; port: 443 / 8080",
            "backend ingress[2]: direction: ingress / egress; protocol: ICMP, ICMPv6 / TCP",
        ],
    );
}
