//! Policies and rules as clients see them.

use std::collections::HashMap;

use policy::{Action, Policy, PolicyKind, PolicyName, Rule, RuleKey, RuleRef, RuleSet};
use proto::tycho::v1::{PolicyName as NameMessage, Rule as RuleMessage, RuleName};
use tonic::Status;

use super::selection::timestamp;
use crate::control::Hits;

/// The kinds, by the name that the wire has.
const KINDS: [PolicyKind; 3] = [
    PolicyKind::CiliumNetworkPolicy,
    PolicyKind::CiliumClusterwideNetworkPolicy,
    PolicyKind::NetworkPolicy,
];

pub(super) fn policy_name(name: &PolicyName) -> NameMessage {
    NameMessage {
        kind: name.kind.to_string(),
        namespace: name.namespace.clone(),
        name: name.name.clone(),
    }
}

/// The name of a policy in a request.
pub(super) fn read_policy_name(name: Option<NameMessage>) -> Result<PolicyName, Status> {
    let name = name.unwrap_or_default();
    let kind = KINDS.into_iter().find(|kind| kind.to_string() == name.kind);
    let Some(kind) = kind else {
        let known: Vec<String> = KINDS.iter().map(ToString::to_string).collect();
        return Err(Status::invalid_argument(format!(
            "name.kind: `{}` is none of {}",
            name.kind,
            known.join(", ")
        )));
    };
    if name.name.is_empty() {
        return Err(Status::invalid_argument("name.name: is empty"));
    }
    Ok(PolicyName {
        kind,
        namespace: name.namespace,
        name: name.name,
    })
}

/// `ingress`, `ingressDeny`, `egress` or `egressDeny`.
pub(super) fn section(rule: &Rule) -> String {
    let suffix = match rule.key.action {
        Action::Allow => "",
        Action::Deny => "Deny",
    };
    format!("{}{suffix}", rule.key.direction)
}

/// `file:line` of a policy.
pub(super) fn source(policy: &Policy) -> String {
    format!("{}:{}", policy.file, policy.line)
}

/// A rule of a rule set, with the numbers that its rules have in records.
pub(super) fn rule_name(
    rules: &RuleSet,
    numbers: &HashMap<RuleKey, u32>,
    reference: RuleRef,
) -> Option<RuleName> {
    let (rule, policy) = (rules.rule(reference)?, rules.policy_of(reference)?);
    Some(RuleName {
        policy: Some(policy_name(&policy.name)),
        section: section(rule),
        index: rule.key.index,
        source: format!("{}:{}", policy.file, rule.line),
        description: rule.to_string(),
        number: numbers.get(&rule.key).copied().unwrap_or(0),
    })
}

/// A rule of a policy, with what it has decided.
pub(super) fn rule_message(rule: &Rule, number: u32, hits: &Hits) -> RuleMessage {
    let decided = hits.of(number);
    RuleMessage {
        section: section(rule),
        index: rule.key.index,
        description: rule.to_string(),
        number,
        line: rule.line,
        packets: decided.total.packets,
        bytes: decided.total.bytes,
        last_hit: (decided.last_ns != 0).then(|| timestamp(decided.last_ns)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let name = PolicyName {
            kind: PolicyKind::NetworkPolicy,
            namespace: "shop".to_owned(),
            name: "db".to_owned(),
        };
        assert_eq!(
            read_policy_name(Some(policy_name(&name))).unwrap(),
            name.clone()
        );
        for (kind, called, field) in [
            ("Networkpolicy", "db", "name.kind"),
            ("NetworkPolicy", "", "name.name"),
        ] {
            let message = NameMessage {
                kind: kind.to_owned(),
                name: called.to_owned(),
                ..NameMessage::default()
            };
            let status = read_policy_name(Some(message)).unwrap_err();
            assert!(status.message().starts_with(field), "{status}");
        }
        assert!(read_policy_name(None).is_err());
    }
}
