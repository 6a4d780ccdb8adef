//! What came closest to deciding otherwise, and what would have to be different.

use std::fmt;

use crate::evaluate::{PolicyModel, evaluate};
use crate::identity::{Identity, OtherSide};
use crate::label::LabelSet;
use crate::rule::{Action, Direction, Peer, Peers, PortRange, Ports, Rule, protocol_name};
use crate::rule_set::RuleRef;
use crate::selector::{Requirement, Selector};

/// A rule that does not match, and what would have to be different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The rule.
    pub rule: RuleRef,
    /// What differs. Nothing differs of an allow rule that matches what a deny rule denied.
    pub differences: Vec<Difference>,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which part of the connection.
    pub kind: DifferenceKind,
    /// What the rule wants.
    pub wanted: String,
    /// What there is.
    pub found: String,
}

/// A part of a connection that a rule looks at, the easiest to change first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceKind {
    /// The port, or the ICMP type.
    Port,
    /// The IP protocol.
    Protocol,
    /// The other side.
    Peer,
    /// The endpoint whose policies were asked.
    Subject,
    /// Ingress or egress.
    Direction,
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Port => "port",
            Self::Protocol => "protocol",
            Self::Peer => "peer",
            Self::Subject => "subject",
            Self::Direction => "direction",
        })
    }
}

/// The rules that came closest to deciding otherwise, at most so many, the closest first: allow rules of what was denied
/// (audited or not), deny rules of what was allowed. Closer is what differs in fewer parts, then in fewer points, then in
/// parts that are easier to change, then the smaller rule. A rule about neither of the two ends is not near, nor is one
/// that no packet can match.
pub fn nearest(
    model: &PolicyModel<'_>,
    subject: &LabelSet,
    peer: (Identity, &LabelSet),
    direction: Direction,
    protocol: u8,
    port: u16,
    limit: usize,
) -> Vec<NearMiss> {
    let decision = evaluate(model, subject, peer, direction, protocol, port);
    let wanted = match decision.verdict {
        crate::Verdict::Allowed => Action::Deny,
        crate::Verdict::DeniedByRule | crate::Verdict::DefaultDeny => Action::Allow,
    };
    let asked = Asked {
        model,
        subject,
        other: OtherSide::new(peer.0, peer.1),
        direction,
        protocol,
        port,
    };
    let mut near: Vec<(Distance, NearMiss)> = model
        .rules
        .rules()
        .filter(|(_, rule)| rule.key.action == wanted)
        .filter_map(|(rule, entry)| {
            let differences = asked.differences(entry)?;
            Some((Distance::of(&differences)?, NearMiss { rule, differences }))
        })
        .collect();
    // Rules come in the order of their keys, and the sort is stable.
    near.sort_by(|(a, _), (b, _)| a.cmp(b));
    near.into_iter().take(limit).map(|(_, miss)| miss).collect()
}

/// How far a rule is from matching: how many parts differ, in how many points, and which parts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Distance {
    parts: usize,
    points: usize,
    kinds: Vec<DifferenceKind>,
}

impl Distance {
    /// `None` if the rule is about neither of the two ends.
    fn of(differences: &[Difference]) -> Option<Self> {
        let mut kinds: Vec<DifferenceKind> = differences.iter().map(|one| one.kind).collect();
        kinds.sort_unstable_by(|a, b| b.cmp(a));
        kinds.dedup();
        let about_others = [DifferenceKind::Subject, DifferenceKind::Peer]
            .iter()
            .all(|kind| kinds.contains(kind));
        (!about_others).then_some(Self {
            parts: kinds.len(),
            points: differences.len(),
            kinds,
        })
    }
}

struct Asked<'a> {
    model: &'a PolicyModel<'a>,
    subject: &'a LabelSet,
    other: OtherSide<'a>,
    direction: Direction,
    protocol: u8,
    port: u16,
}

impl Asked<'_> {
    /// `None` if no packet can match the rule.
    fn differences(&self, rule: &Rule) -> Option<Vec<Difference>> {
        let mut differences = Vec::new();
        if rule.key.direction != self.direction {
            differences.push(Difference {
                kind: DifferenceKind::Direction,
                wanted: rule.key.direction.to_string(),
                found: self.direction.to_string(),
            });
        }
        differences.extend(failing(
            DifferenceKind::Subject,
            &rule.subject,
            self.subject,
        ));
        differences.extend(self.of_peers(&rule.peers)?);
        differences.extend(self.of_ports(rule)?);
        Some(differences)
    }

    /// Of several peers the one that differs least.
    fn of_peers(&self, peers: &Peers) -> Option<Vec<Difference>> {
        match peers {
            Peers::Any => Some(Vec::new()),
            peers if peers.contain(&self.other) => Some(Vec::new()),
            Peers::Of(peers) => peers
                .iter()
                .map(|peer| self.of_peer(peer))
                .min_by_key(Vec::len),
        }
    }

    fn of_peer(&self, peer: &Peer) -> Vec<Difference> {
        let whole = |wanted: String| {
            vec![Difference {
                kind: DifferenceKind::Peer,
                wanted,
                found: self.other.to_string(),
            }]
        };
        match peer {
            Peer::Labels(selector) => {
                let failing = failing(DifferenceKind::Peer, selector, self.other.labels);
                if failing.is_empty() {
                    // Only the unknown identity differs although its labels match.
                    whole(peer.to_string())
                } else {
                    failing
                }
            }
            Peer::AnyEndpoint => whole("any endpoint".to_owned()),
            Peer::Entity(entity) => whole(format!("entity {entity}")),
            Peer::Cidr(cidr) => whole(cidr.to_string()),
        }
    }

    fn of_ports(&self, rule: &Rule) -> Option<Option<Difference>> {
        let named = |name: &str| self.model.ports_of_name(rule, name);
        let Ports::Of(specs) = &rule.ports else {
            return Some(None);
        };
        if specs.is_empty() {
            return None;
        }
        if rule.ports.form(self.protocol, self.port, named).is_some() {
            return Some(None);
        }
        let wanted: Vec<String> = specs
            .iter()
            .filter(|spec| spec.protocol == self.protocol)
            .map(|spec| match &spec.ports {
                PortRange::Named(name) => format!("{name} ({})", joined(named(name))),
                ports => ports.to_string(),
            })
            .collect();
        Some(Some(if wanted.is_empty() {
            let mut names: Vec<u8> = specs.iter().map(|spec| spec.protocol).collect();
            names.dedup();
            Difference {
                kind: DifferenceKind::Protocol,
                wanted: joined(names.into_iter().map(protocol_name)),
                found: protocol_name(self.protocol),
            }
        } else {
            Difference {
                kind: DifferenceKind::Port,
                wanted: wanted.join(", "),
                found: self.port.to_string(),
            }
        }))
    }
}

fn failing(kind: DifferenceKind, selector: &Selector, labels: &LabelSet) -> Vec<Difference> {
    selector
        .requirements()
        .iter()
        .filter(|requirement| !requirement.matches(labels))
        .map(|requirement| Difference {
            kind,
            wanted: requirement.to_string(),
            found: found(requirement, labels),
        })
        .collect()
}

/// The labels that a requirement is about.
fn found(requirement: &Requirement, labels: &LabelSet) -> String {
    let about: Vec<String> = labels
        .iter()
        .filter(|label| label.key == requirement.key())
        .filter(|label| {
            requirement
                .source()
                .is_none_or(|source| source == label.source)
        })
        .map(ToString::to_string)
        .collect();
    if about.is_empty() {
        "no such label".to_owned()
    } else {
        about.join(",")
    }
}

fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() {
        "none".to_owned()
    } else {
        items.join(", ")
    }
}
