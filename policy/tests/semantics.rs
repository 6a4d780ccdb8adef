//! What policies mean, case by case, on policies as people write them.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use policy::{
    Compiler, Direction, Enforcement, Identities, Identity, LabelSet, MatchType, NamedPorts,
    PolicyModel, PolicyRepository, PolicySet, Verdict, evaluate, protocol,
};

const SHOP: &str = include_str!("policies/shop.yaml");
const EDGES: &str = include_str!("policies/edges.yaml");

const TCP: u8 = protocol::TCP;
const UDP: u8 = protocol::UDP;

struct Stage {
    policies: PolicyRepository,
    identities: Identities,
    enforcement: Enforcement,
    named_ports: NamedPorts,
}

impl Stage {
    fn new(yaml: &str) -> Self {
        let mut policies = PolicyRepository::new();
        policies.replace_file("policies.yaml", yaml).unwrap();
        let mut identities = Identities::new();
        for name in [
            "shop/frontend",
            "shop/backend",
            "shop/db",
            "shop/batch",
            "other/frontend",
            "inner/frontend",
        ] {
            identities.allocate(labels(name)).unwrap();
        }
        Self {
            policies,
            identities,
            enforcement: Enforcement::Default,
            named_ports: NamedPorts::new(),
        }
    }

    fn model(&self) -> PolicyModel<'_> {
        self.policies.model(self.enforcement, &self.named_ports)
    }

    fn compile(&self, subject: &LabelSet) -> PolicySet {
        Compiler::new(self.model(), &self.identities).compile(subject)
    }

    /// Decides, checks that the compiled cells decide the same, and tells it as `verdict (match) rule`.
    fn decide(
        &self,
        subject: &str,
        direction: Direction,
        peer: &str,
        protocol: u8,
        port: u16,
    ) -> String {
        let subject = labels(subject);
        let identity = Identity::from_name(peer)
            .or_else(|| self.identities.identity(&labels(peer)))
            .unwrap();
        let peer = (identity, self.identities.labels(identity).unwrap());
        let rules = self.policies.rules();
        let decision = evaluate(&self.model(), &subject, peer, direction, protocol, port);
        let set = self.compile(&subject);
        assert_eq!(set.lookup(direction, identity, protocol, port), decision);
        let verdict = match decision.verdict {
            Verdict::Allowed => "allowed",
            Verdict::DeniedByRule => "denied",
            Verdict::DefaultDeny => "default deny",
        };
        let rule = decision.rule.map_or("-".to_owned(), |rule| {
            rules.rule(rule).unwrap().key.to_string()
        });
        format!("{verdict} {:?} {rule}", decision.match_type)
    }
}

/// `namespace/role` as an endpoint file would label it.
fn labels(name: &str) -> LabelSet {
    let (namespace, role) = name.split_once('/').unwrap();
    let mut texts = vec![
        format!("k8s:io.kubernetes.pod.namespace={namespace}"),
        format!("k8s:role={role}"),
    ];
    match namespace {
        "shop" => texts.push("k8s:io.cilium.k8s.namespace.labels.team=web".to_owned()),
        "inner" => texts.push("k8s:zone=inner".to_owned()),
        _ => {}
    }
    LabelSet::parse(texts).unwrap()
}

#[test]
fn the_shop() {
    let stage = Stage::new(SHOP);
    let check = |subject: &str, direction, peer: &str, protocol, port, expect: &str| {
        let found = stage.decide(subject, direction, peer, protocol, port);
        assert_eq!(
            found, expect,
            "{subject} {direction} {peer} {protocol}/{port}"
        );
    };
    let (ingress, egress) = (Direction::Ingress, Direction::Egress);
    let backend = "CiliumNetworkPolicy/shop/backend";
    check(
        "shop/backend",
        ingress,
        "shop/frontend",
        TCP,
        8080,
        &format!("allowed L3L4 {backend} ingress[0]"),
    );
    check(
        "shop/backend",
        ingress,
        "shop/frontend",
        TCP,
        8081,
        "default deny None -",
    );
    check(
        "shop/backend",
        ingress,
        "shop/frontend",
        UDP,
        8080,
        "default deny None -",
    );
    check(
        "shop/backend",
        ingress,
        "other/frontend",
        TCP,
        8080,
        "default deny None -",
    );
    check(
        "shop/backend",
        ingress,
        "world",
        protocol::ICMP,
        8,
        &format!("allowed L4Only {backend} ingress[1]"),
    );
    check(
        "shop/backend",
        ingress,
        "world",
        protocol::ICMPV6,
        128,
        &format!("allowed L4Only {backend} ingress[1]"),
    );
    check(
        "shop/backend",
        ingress,
        "world",
        protocol::ICMP,
        0,
        "default deny None -",
    );
    check(
        "shop/backend",
        egress,
        "shop/db",
        TCP,
        5432,
        &format!("allowed L3L4 {backend} egress[0]"),
    );
    check(
        "shop/backend",
        egress,
        "shop/db",
        UDP,
        5432,
        &format!("allowed L3L4 {backend} egress[0]"),
    );
    check(
        "shop/backend",
        egress,
        "shop/db",
        TCP,
        6003,
        &format!("allowed L3L4 {backend} egress[0]"),
    );
    check(
        "shop/backend",
        egress,
        "shop/db",
        TCP,
        6004,
        "default deny None -",
    );
    check(
        "shop/backend",
        egress,
        "shop/db",
        protocol::ICMP,
        8,
        "default deny None -",
    );
    let db = "CiliumNetworkPolicy/shop/db";
    check(
        "shop/db",
        ingress,
        "shop/backend",
        TCP,
        1,
        &format!("allowed L3Only {db} ingress[0]"),
    );
    check(
        "shop/db",
        ingress,
        "shop/backend",
        protocol::ICMP,
        8,
        &format!("allowed L3Only {db} ingress[0]"),
    );
    check(
        "shop/db",
        ingress,
        "shop/batch",
        TCP,
        1,
        &format!("denied L3Only {db} ingressDeny[0]"),
    );
    check(
        "shop/db",
        ingress,
        "world",
        TCP,
        1,
        &format!("denied L3Only {db} ingressDeny[1]"),
    );
    check("shop/db", ingress, "host", TCP, 1, "default deny None -");
    let telnet = "denied L4Only CiliumClusterwideNetworkPolicy/no-telnet egressDeny[0]";
    check("shop/batch", egress, "world", TCP, 23, telnet);
    check("shop/batch", egress, "world", TCP, 24, "allowed All -");
    check("shop/batch", ingress, "world", TCP, 23, "allowed All -");
    check("shop/backend", egress, "shop/db", TCP, 23, telnet);
}

#[test]
fn corners_of_the_language() {
    let stage = Stage::new(EDGES);
    let check = |namespace: &str, peer: &str, protocol, port, expect: &str| {
        let subject = format!("{namespace}/any");
        let found = stage.decide(&subject, Direction::Ingress, peer, protocol, port);
        let expect = expect.replace(
            '*',
            &format!("CiliumNetworkPolicy/{namespace}/{namespace} ingress[0]"),
        );
        assert_eq!(found, expect, "{namespace} {peer} {protocol}/{port}");
        let egress = stage.decide(&subject, Direction::Egress, peer, protocol, port);
        assert_eq!(
            egress, "allowed All -",
            "no policy here has an egress section"
        );
    };
    check(
        "empty-rule",
        "shop/frontend",
        TCP,
        80,
        "default deny None -",
    );
    check("empty-section", "shop/frontend", TCP, 80, "allowed All -");
    check("nobody", "shop/frontend", TCP, 80, "default deny None -");
    check("any-peer", "shop/frontend", TCP, 80, "allowed L4Only *");
    check("any-peer", "world", TCP, 81, "default deny None -");
    check("any-peer", "unknown", UDP, 81, "allowed ProtoOnly *");
    check(
        "other-namespace",
        "shop/frontend",
        TCP,
        80,
        "allowed L3Only *",
    );
    check("other-namespace", "shop/batch", TCP, 80, "allowed L3Only *");
    check(
        "other-namespace",
        "other/frontend",
        TCP,
        80,
        "default deny None -",
    );
    check("everybody", "unknown", protocol::SCTP, 80, "allowed All *");
    check("cluster", "shop/db", protocol::ICMP, 8, "allowed L3Only *");
    check("cluster", "host", TCP, 80, "allowed L3Only *");
    check("cluster", "world", TCP, 80, "default deny None -");
    check("cluster", "unknown", TCP, 80, "default deny None -");
    check("unselected", "world", TCP, 80, "allowed All -");
    let inner = "allowed L3Proto CiliumClusterwideNetworkPolicy/endpoints-only ingress[0]";
    check("inner", "shop/db", TCP, 80, inner);
    check("inner", "shop/db", UDP, 80, "default deny None -");
    check("inner", "host", TCP, 80, "default deny None -");
}

#[test]
fn enforcement_setting() {
    let mut stage = Stage::new(SHOP);
    let mut check = |enforcement, peer: &str, expect: [&str; 2]| {
        stage.enforcement = enforcement;
        let selected = stage.decide("shop/db", Direction::Ingress, peer, TCP, 1);
        let unselected = stage.decide("other/x", Direction::Ingress, peer, TCP, 1);
        assert_eq!(
            [selected.as_str(), unselected.as_str()],
            expect,
            "{enforcement:?} {peer}"
        );
    };
    let denied = "denied L3Only CiliumNetworkPolicy/shop/db ingressDeny[0]";
    check(
        Enforcement::Default,
        "shop/batch",
        [denied, "allowed All -"],
    );
    check(
        Enforcement::Always,
        "shop/batch",
        [denied, "default deny None -"],
    );
    check(
        Enforcement::Never,
        "shop/batch",
        ["allowed All -", "allowed All -"],
    );
    check(
        Enforcement::Never,
        "host",
        ["allowed All -", "allowed All -"],
    );
}

#[test]
fn cells_of_the_backend() {
    let stage = Stage::new(SHOP);
    let set = stage.compile(&labels("shop/backend"));
    assert!(set.ingress_enforced && set.egress_enforced);
    // ICMP and ICMPv6 echo for anybody, 8080 for the frontend; port 23 for anybody, and for the database three protocols
    // on 5432 and one block of four ports.
    assert_eq!(set.cells.len(), 3 + 1 + 3 + 1);
    assert_eq!(set.port_prefixes(Direction::Ingress), 1 << 16);
    assert_eq!(set.port_prefixes(Direction::Egress), 1 << 16 | 1 << 14);
    let frontend = stage.identities.identity(&labels("shop/frontend")).unwrap();
    let cell = set
        .cells
        .iter()
        .find(|cell| cell.identity == Some(frontend))
        .unwrap();
    assert_eq!(
        (cell.protocol, cell.port, cell.port_prefix),
        (Some(TCP), 8080, 16)
    );
    assert_eq!(cell.match_type, MatchType::L3L4);
    assert_eq!(stage.policies.rules().rule(cell.rule).unwrap().line, 13);
}

#[test]
fn scaling_a_workload_changes_no_cell() {
    let mut stage = Stage::new(SHOP);
    let subject = labels("shop/backend");
    let before = stage.compile(&subject);
    stage.identities.allocate(labels("shop/frontend")).unwrap();
    assert_eq!(stage.compile(&subject), before);
}
