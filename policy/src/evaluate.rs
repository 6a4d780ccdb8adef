//! The specification: what the rules decide, straight from the rules.
//!
//! The compiler, the kernel programs and every explanation are measured against this function. It knows neither cells
//! nor ranks: it looks at every rule and takes the first in the order of [`RuleKey`](crate::RuleKey).

use std::collections::BTreeSet;

use crate::identity::{Identity, OtherSide};
use crate::label::LabelSet;
use crate::match_type::MatchType;
use crate::named_ports::NamedPorts;
use crate::rule::{Action, Direction, L4Form, Peers, Rule};
use crate::rule_set::{RuleRef, RuleSet};

/// Cilium's policy enforcement setting, apart from an endpoint's mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Enforcement {
    /// A direction is enforced if a policy with default deny for it selects the endpoint.
    #[default]
    Default,
    /// Both directions of every endpoint are enforced.
    Always,
    /// Nothing is enforced, and no rule is looked at.
    Never,
}

/// All that decides besides the two ends and the packet.
#[derive(Clone, Copy, Debug)]
pub struct PolicyModel<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// The enforcement setting.
    pub enforcement: Enforcement,
    /// The ports that have names.
    pub named_ports: &'a NamedPorts,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A rule allows it, or the direction is not enforced and no rule denies it.
    Allowed,
    /// A deny rule matches.
    DeniedByRule,
    /// The direction is enforced and no rule matches.
    DefaultDeny,
}

/// A verdict and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict is no [`Verdict::Allowed`], and only policies that audit say so: the packet passes.
    pub audited: bool,
    /// The deciding rule, if a rule decided.
    pub rule: Option<RuleRef>,
    /// How the deciding rule matched. [`MatchType::None`] for a default deny, [`MatchType::All`] if no rule matched and
    /// the direction is not enforced. If several ports of the rule match, the widest counts; a rule for everybody
    /// matches without regard to the identity.
    pub match_type: MatchType,
}

impl Decision {
    /// Nothing is enforced and no rule matches.
    pub(crate) const UNENFORCED: Self = Self {
        verdict: Verdict::Allowed,
        audited: false,
        rule: None,
        match_type: MatchType::All,
    };

    /// No rule matches where something is enforced, or would be.
    pub(crate) fn default_deny(audited: bool) -> Self {
        Self {
            verdict: Verdict::DefaultDeny,
            audited,
            rule: None,
            match_type: MatchType::None,
        }
    }

    /// The decision of a rule.
    pub(crate) fn by_rule(
        rule: RuleRef,
        action: Action,
        audited: bool,
        match_type: MatchType,
    ) -> Self {
        let verdict = if action == Action::Deny {
            Verdict::DeniedByRule
        } else {
            Verdict::Allowed
        };
        Self {
            verdict,
            audited,
            rule: Some(rule),
            match_type,
        }
    }

    /// Whether the packet passes: it is allowed, or only audited.
    pub fn passes(&self) -> bool {
        self.verdict == Verdict::Allowed || self.audited
    }
}

/// Decides one new connection of `subject` with `peer` (its identity and that identity's labels).
///
/// `port` is the service port, which is the destination's; for ICMP and ICMPv6 it is the type, for other protocols
/// without ports 0.
///
/// Deny rules of policies that enforce come first, then allow rules of all policies, then the default deny of policies that
/// enforce. What passes by then is held against the policies that only audit: their deny rules, and, if no rule allowed
/// it, their default deny. Within each step the smallest rule decides.
pub fn evaluate(
    model: &PolicyModel<'_>,
    subject: &LabelSet,
    peer: (Identity, &LabelSet),
    direction: Direction,
    protocol: u8,
    port: u16,
) -> Decision {
    if model.enforcement == Enforcement::Never {
        return Decision::UNENFORCED;
    }
    let other = OtherSide::new(peer.0, peer.1);
    let matching: Vec<Matching<'_>> = model
        .rules
        .rules()
        .filter(|(_, rule)| rule.key.direction == direction && rule.subject.matches(subject))
        .filter_map(|(reference, rule)| {
            let form = model.form(rule, &other, protocol, port)?;
            let audited = model.rules.is_audited(reference);
            Some(Matching {
                reference,
                rule,
                form,
                audited,
            })
        })
        .collect();
    let deny = |audited| {
        smallest(&matching, |one| {
            one.rule.key.action == Action::Deny && one.audited == audited
        })
    };
    let allow = smallest(&matching, |one| one.rule.key.action == Action::Allow);
    let (enforced, audited) = model.default_deny(subject, direction);
    if let Some(denied) = deny(false) {
        denied
    } else if allow.is_none() && enforced {
        Decision::default_deny(false)
    } else if let Some(denied) = deny(true) {
        denied
    } else if let Some(allowed) = allow {
        allowed
    } else if audited {
        Decision::default_deny(true)
    } else {
        Decision::UNENFORCED
    }
}

/// A rule that matches the packet, and with which form of its ports.
struct Matching<'a> {
    reference: RuleRef,
    rule: &'a Rule,
    form: L4Form,
    audited: bool,
}

fn smallest(matching: &[Matching<'_>], wanted: impl Fn(&Matching<'_>) -> bool) -> Option<Decision> {
    let first = matching
        .iter()
        .filter(|one| wanted(one))
        .min_by(|a, b| a.rule.key.cmp(&b.rule.key))?;
    let action = first.rule.key.action;
    let audited = action == Action::Deny && first.audited;
    let match_type = MatchType::of(first.rule.peers != Peers::Any, first.form);
    Some(Decision::by_rule(
        first.reference,
        action,
        audited,
        match_type,
    ))
}

impl PolicyModel<'_> {
    /// Whether what no rule allows is dropped, and whether policies that only audit would drop it.
    pub fn default_deny(&self, subject: &LabelSet, direction: Direction) -> (bool, bool) {
        let by = |audited| {
            self.rules
                .default_denying(subject, direction)
                .any(|policy| policy.audited == audited)
        };
        match self.enforcement {
            Enforcement::Default => (by(false), by(true)),
            Enforcement::Always => (true, by(true)),
            Enforcement::Never => (false, false),
        }
    }

    /// The ports that a rule means by a name: for ingress those of the endpoints that it is for, for egress those of its
    /// peers.
    pub fn ports_of_name(&self, rule: &Rule, name: &str) -> BTreeSet<u16> {
        self.named_ports
            .ports(name, |identity, labels| match rule.key.direction {
                Direction::Ingress => rule.subject.matches(labels),
                Direction::Egress => rule.peers.contain(&OtherSide::new(identity, labels)),
            })
    }

    fn form(&self, rule: &Rule, other: &OtherSide<'_>, protocol: u8, port: u16) -> Option<L4Form> {
        if rule.peers.contain(other) {
            rule.ports
                .form(protocol, port, |name| self.ports_of_name(rule, name))
        } else {
            None
        }
    }
}
