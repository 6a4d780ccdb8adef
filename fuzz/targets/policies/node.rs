//! A node on which the policies of one input can matter: who is there and what is sent, found in the input.

use policy::{
    Action, Compiler, Decision, Direction, Enforcement, Identities, Identity, Label, LabelSet,
    NamedPorts, Operator, PolicyModel, PolicySet, RuleKey, RuleSet, SOURCE_KUBERNETES, Selector,
    Verdict, evaluate, nearest, protocol,
};

/// As many policies' subjects as one input looks at: the work of an input has a bound.
const SUBJECTS: usize = 4;
/// As many networks of the rules as have an identity.
const NETWORKS: usize = 6;
/// As many numbers of the input as become ports.
const NUMBERS: usize = 6;
const PROTOCOLS: [u8; 6] = [
    protocol::TCP,
    protocol::UDP,
    protocol::SCTP,
    protocol::ICMP,
    protocol::ICMPV6,
    47,
];
const NAMED: [(&str, u16); 3] = [("http", 80), ("web", 8080), ("dns", 53)];

/// Who is there, and what is sent.
pub(crate) struct Node {
    subjects: Vec<LabelSet>,
    identities: Identities,
    named_ports: NamedPorts,
    /// Protocol and port.
    packets: Vec<(u8, u16)>,
}

impl Node {
    /// The subjects that the policies select, the networks that rules name, and the ports that the text names, with their
    /// neighbours.
    pub(crate) fn of(rules: &RuleSet, text: &str) -> Self {
        let selected = rules.policies().iter();
        let selected = selected.map(|policy| matching(&policy.subject));
        let mut subjects: Vec<LabelSet> = selected.take(SUBJECTS).collect();
        subjects
            .push(LabelSet::parse(["k8s:role=frontend", "unspec:x="]).expect("these are labels"));
        let mut identities = Identities::new();
        let mut named_ports = NamedPorts::new();
        for (labels, (name, port)) in subjects.iter().zip(NAMED.iter().cycle()) {
            let identity = identities.allocate(labels.clone());
            let identity = identity.expect("a few label sets find room");
            named_ports.insert(identity, labels, name, *port);
        }
        for (number, prefix) in (1u32..).zip(rules.prefixes().into_iter().take(NETWORKS)) {
            let identity = match Identity::of_family(prefix) {
                Some(family) => family,
                None => Identity(Identity::NODE_LOCAL_BIT | number),
            };
            // A selector may have asked for the very labels of a network.
            identities.insert_prefix(identity, prefix).ok();
        }
        let mut ports = vec![0, 8, u16::MAX];
        for port in numbers(text).take(NUMBERS) {
            ports.extend([port.saturating_sub(1), port, port.saturating_add(1)]);
        }
        ports.sort_unstable();
        ports.dedup();
        let packets = PROTOCOLS.iter();
        let packets = packets.flat_map(|protocol| ports.iter().map(move |port| (*protocol, *port)));
        Self {
            packets: packets.collect(),
            subjects,
            identities,
            named_ports,
        }
    }

    /// Every decision is the same by the specification, by the cells, and with the policies in another order.
    pub(crate) fn check(&self, rules: &RuleSet, reversed: &RuleSet) {
        for subject in &self.subjects {
            let (set, permuted) = (
                self.compile(rules, subject),
                self.compile(reversed, subject),
            );
            for direction in [Direction::Ingress, Direction::Egress] {
                for peer in self.identities.iter() {
                    for &packet in &self.packets {
                        let (protocol, port) = packet;
                        let model = self.model(rules);
                        let decision = evaluate(&model, subject, peer, direction, protocol, port);
                        let found = set.lookup(direction, peer.0, protocol, port);
                        assert_eq!(
                            found, decision,
                            "{subject} {direction} {} {packet:?}",
                            peer.0
                        );
                        let other = permuted.lookup(direction, peer.0, protocol, port);
                        assert_eq!(told(reversed, &other), told(rules, &decision));
                    }
                }
                self.near_misses(rules, subject, direction);
            }
        }
    }

    /// What is told of a refusal are rules that would do the opposite.
    fn near_misses(&self, rules: &RuleSet, subject: &LabelSet, direction: Direction) {
        let model = self.model(rules);
        for peer in self.identities.iter() {
            let (protocol, port) = self.packets[0];
            let decision = evaluate(&model, subject, peer, direction, protocol, port);
            let wanted = if decision.verdict == Verdict::Allowed {
                Action::Deny
            } else {
                Action::Allow
            };
            for miss in nearest(&model, subject, peer, direction, protocol, port, 3) {
                let rule = rules.rule(miss.rule).expect("it is one of these rules");
                assert_eq!(rule.key.action, wanted);
            }
        }
    }

    fn compile(&self, rules: &RuleSet, subject: &LabelSet) -> PolicySet {
        Compiler::new(self.model(rules), &self.identities).compile(subject)
    }

    fn model<'a>(&'a self, rules: &'a RuleSet) -> PolicyModel<'a> {
        PolicyModel {
            rules,
            enforcement: Enforcement::Default,
            named_ports: &self.named_ports,
        }
    }
}

/// A decision without references into its rules.
fn told<'a>(rules: &'a RuleSet, decision: &Decision) -> (Decision, Option<&'a RuleKey>) {
    let rule = decision.rule.and_then(|rule| rules.rule(rule));
    let without = Decision {
        rule: None,
        ..*decision
    };
    (without, rule.map(|rule| &rule.key))
}

/// Labels that meet what the selector asks for by name; it may forbid them all the same.
fn matching(selector: &Selector) -> LabelSet {
    let wanted = selector.requirements().iter().filter_map(|requirement| {
        let value = match requirement.operator() {
            Operator::In(values) => values.first()?.as_str(),
            Operator::Exists => "",
            Operator::NotIn(_) | Operator::DoesNotExist => return None,
        };
        let source = requirement.source().unwrap_or(SOURCE_KUBERNETES);
        Some(Label::new(source, requirement.key(), value))
    });
    wanted.collect()
}

/// The numbers of a text that could be ports.
fn numbers(text: &str) -> impl Iterator<Item = u16> {
    text.split(|character: char| !character.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
}
