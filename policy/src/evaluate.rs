//! The specification: what the rules decide, straight from the rules.
//!
//! The compiler, the kernel programs and every explanation are measured against this function. It knows neither cells
//! nor ranks: it looks at every rule and takes the first in the order of [`RuleKey`](crate::RuleKey).

use crate::identity::Identity;
use crate::label::LabelSet;
use crate::match_type::MatchType;
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
    /// The deciding rule, if a rule decided.
    pub rule: Option<RuleRef>,
    /// How the deciding rule matched. [`MatchType::None`] for a default deny, [`MatchType::All`] if no rule matched and
    /// the direction is not enforced. If several ports of the rule match, the widest counts; a rule for everybody
    /// matches without regard to the identity.
    pub match_type: MatchType,
}

impl Decision {
    /// The decision when no rule matches.
    pub(crate) fn without_rule(enforced: bool) -> Self {
        if enforced {
            Self {
                verdict: Verdict::DefaultDeny,
                rule: None,
                match_type: MatchType::None,
            }
        } else {
            Self {
                verdict: Verdict::Allowed,
                rule: None,
                match_type: MatchType::All,
            }
        }
    }

    /// The decision of a rule.
    pub(crate) fn by_rule(rule: RuleRef, action: Action, match_type: MatchType) -> Self {
        let verdict = if action == Action::Deny {
            Verdict::DeniedByRule
        } else {
            Verdict::Allowed
        };
        Self {
            verdict,
            rule: Some(rule),
            match_type,
        }
    }
}

/// Decides one new connection of `subject` with `peer` (its identity and that identity's labels).
///
/// `port` is the service port, which is the destination's; for ICMP and ICMPv6 it is the type, for other protocols
/// without ports 0.
pub fn evaluate(
    rules: &RuleSet,
    enforcement: Enforcement,
    subject: &LabelSet,
    peer: (Identity, &LabelSet),
    direction: Direction,
    protocol: u8,
    port: u16,
) -> Decision {
    if enforcement == Enforcement::Never {
        return Decision::without_rule(false);
    }
    let deciding = rules
        .rules()
        .filter(|(_, rule)| rule.key.direction == direction && rule.subject.matches(subject))
        .filter_map(|(reference, rule)| {
            Some((rule, reference, matching(rule, peer, protocol, port)?))
        })
        .min_by(|(a, ..), (b, ..)| a.key.cmp(&b.key));
    match deciding {
        Some((rule, reference, form)) => {
            let by_identity = rule.peers != Peers::Any;
            Decision::by_rule(reference, rule.key.action, MatchType::of(by_identity, form))
        }
        None => Decision::without_rule(is_enforced(rules, enforcement, subject, direction)),
    }
}

/// Whether what no rule matches is dropped.
pub(crate) fn is_enforced(
    rules: &RuleSet,
    enforcement: Enforcement,
    subject: &LabelSet,
    direction: Direction,
) -> bool {
    match enforcement {
        Enforcement::Always => true,
        Enforcement::Never => false,
        Enforcement::Default => rules.default_denying(subject, direction).next().is_some(),
    }
}

fn matching(
    rule: &Rule,
    (identity, labels): (Identity, &LabelSet),
    protocol: u8,
    port: u16,
) -> Option<L4Form> {
    if rule.peers.contain(identity, labels) {
        rule.ports.form(protocol, port)
    } else {
        None
    }
}
