//! A small cluster to hold policies against: who talks to whom, and what comes of it at both ends.

use std::net::IpAddr;

use policy::{
    Compiler, Decision, Direction, Enforcement, Identities, Identity, LabelSet, NAMESPACE_LABEL,
    NAMESPACE_LABELS_PREFIX, NamedPorts, PolicyRepository, Verdict, protocol,
};

/// `namespace/name`, labels, and the port called `http`.
const ENDPOINTS: [(&str, &[&str], Option<u16>); 9] = [
    ("default/web", &["app=web"], Some(80)),
    ("default/api", &["app=bookstore", "role=api"], Some(8080)),
    ("default/db", &["app=bookstore", "role=db"], None),
    (
        "default/frontend",
        &["app=bookstore", "role=frontend"],
        None,
    ),
    ("default/monitor", &["type=monitoring"], None),
    ("other/web", &["app=web"], Some(81)),
    ("other/bookstore", &["app=bookstore"], None),
    ("other/monitor", &["type=monitoring"], None),
    ("kube-system/dns", &["k8s-app=kube-dns"], None),
];

pub(crate) struct Cluster {
    policies: PolicyRepository,
    identities: Identities,
    named_ports: NamedPorts,
}

impl Cluster {
    /// With these policies in force, and identities for exactly the networks that they name.
    pub(crate) fn new(yaml: &str) -> Self {
        let mut policies = PolicyRepository::new();
        policies.replace_file("p.yaml", yaml).unwrap();
        let (mut identities, mut named_ports) = (Identities::new(), NamedPorts::new());
        for (name, own, http) in ENDPOINTS {
            let labels = labels(name, own);
            let identity = identities.allocate(labels.clone()).unwrap();
            if let Some(port) = http {
                named_ports.insert(identity, &labels, "http", port);
            }
        }
        for (number, prefix) in (1u32..).zip(policies.rules().prefixes()) {
            let local = Identity(Identity::NODE_LOCAL_BIT | number);
            let identity = Identity::of_family(prefix).unwrap_or(local);
            identities.insert_prefix(identity, prefix).unwrap();
        }
        Self {
            policies,
            identities,
            named_ports,
        }
    }

    /// What comes of `from -> to port/protocol`: where it is dropped or audited, or who lets it pass; and by which rules.
    pub(crate) fn talk(&self, talk: &str) -> String {
        let (from, rest) = talk.split_once(" -> ").unwrap();
        let (to, rest) = rest.split_once(' ').unwrap();
        let (port, protocol) = rest.split_once('/').unwrap();
        let port = port.parse().unwrap();
        let protocol = match protocol {
            "tcp" => protocol::TCP,
            "udp" => protocol::UDP,
            "sctp" => protocol::SCTP,
            "icmp" => protocol::ICMP,
            "icmp6" => protocol::ICMPV6,
            other => panic!("no protocol {other}"),
        };
        let (from, to) = (self.identity(from), self.identity(to));
        let mut passed_by = Vec::new();
        for (subject, peer, direction) in [
            (from, to, Direction::Egress),
            (to, from, Direction::Ingress),
        ] {
            if !subject.is_allocated() {
                continue;
            }
            let decision = self.decide(subject, peer, direction, protocol, port);
            let rule = decision
                .rule
                .and_then(|rule| self.policies.rules().rule(rule));
            let by = rule.map(|rule| rule.key.to_string());
            if decision.verdict != Verdict::Allowed {
                let what = if decision.audited { "audit" } else { "drop" };
                let by = by.map_or_else(String::new, |by| format!(" by {by}"));
                return format!("{what} at {direction}{by}");
            }
            passed_by.extend(by);
        }
        match passed_by.as_slice() {
            [] => "pass".to_owned(),
            rules => format!("pass by {}", rules.join(" and ")),
        }
    }

    fn decide(
        &self,
        subject: Identity,
        peer: Identity,
        direction: Direction,
        protocol: u8,
        port: u16,
    ) -> Decision {
        let model = self.policies.model(Enforcement::Default, &self.named_ports);
        let labels = |identity| self.identities.labels(identity).unwrap();
        let subject = labels(subject);
        let other = (peer, labels(peer));
        let decision = policy::evaluate(&model, subject, other, direction, protocol, port);
        let set = Compiler::new(model, &self.identities).compile(subject);
        assert_eq!(set.lookup(direction, peer, protocol, port), decision);
        decision
    }

    /// Of `namespace/name`, of an address outside, or of a reserved name.
    fn identity(&self, name: &str) -> Identity {
        if let Ok(address) = name.parse::<IpAddr>() {
            let rules = self.policies.rules();
            let longest = rules
                .prefixes()
                .into_iter()
                .filter(|prefix| prefix.contains(address))
                .max_by_key(|prefix| prefix.bits());
            return longest.map_or(Identity::WORLD, |prefix| {
                let labels = Identity::prefix_labels(prefix);
                self.identities.identity(&labels).unwrap()
            });
        }
        let endpoint = ENDPOINTS.iter().find(|(known, ..)| *known == name);
        endpoint.map_or_else(
            || Identity::from_name(name).unwrap(),
            |(name, own, _)| self.identities.identity(&labels(name, own)).unwrap(),
        )
    }
}

fn labels(name: &str, own: &[&str]) -> LabelSet {
    let (namespace, _) = name.split_once('/').unwrap();
    let mut texts = vec![
        format!("k8s:{NAMESPACE_LABEL}={namespace}"),
        format!("k8s:{NAMESPACE_LABELS_PREFIX}kubernetes.io/metadata.name={namespace}"),
    ];
    if namespace == "other" {
        texts.push(format!("k8s:{NAMESPACE_LABELS_PREFIX}purpose=production"));
    }
    texts.extend(own.iter().map(|label| format!("k8s:{label}")));
    LabelSet::parse(texts).unwrap()
}
