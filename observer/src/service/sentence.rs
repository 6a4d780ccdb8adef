//! A decision in one sentence, for people.

use policy::{Direction, PolicyName, RuleSet};
use proto::flow::Verdict;
use proto::tycho::v1::{PolicyName as NameMessage, RuleName};

/// Policies that a sentence names; the rest is counted.
const NAMED: usize = 3;

/// What a sentence is made of.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub(super) verdict: Verdict,
    pub(super) rule: Option<&'a RuleName>,
    /// For a default deny: the policies that ask for it, each with its place.
    pub(super) default_deny: &'a [String],
    /// Nothing allows it, and that is why.
    pub(super) by_default: bool,
    /// Whose policies were asked.
    pub(super) subject: &'a str,
    pub(super) direction: Direction,
}

impl Said<'_> {
    /// For example `denied: nothing allows it; CiliumNetworkPolicy/shop/db (db.yaml:3) puts shop/db into default deny
    /// for ingress`.
    pub(super) fn sentence(&self) -> String {
        let denied = match self.verdict {
            Verdict::Audit => "would be denied, passes as audited",
            _ => "denied",
        };
        match (self.verdict, self.rule) {
            (Verdict::Dropped | Verdict::Audit, Some(rule)) => {
                format!("{denied} by {}", in_words(rule))
            }
            (Verdict::Dropped | Verdict::Audit, None) if self.by_default => {
                format!("{denied}: nothing allows it; {}", self.why())
            }
            (Verdict::Dropped | Verdict::Audit, None) => denied.to_owned(),
            (_, Some(rule)) => format!("allowed by {}", in_words(rule)),
            (_, None) => format!(
                "allowed: no policy restricts the {} of {}",
                self.direction, self.subject
            ),
        }
    }

    /// Who puts an end into default deny.
    fn why(&self) -> String {
        let Self {
            subject, direction, ..
        } = self;
        let policies = self.default_deny;
        if policies.is_empty() {
            return format!(
                "policy enforcement is `always`, which puts {subject} into default deny for {direction}"
            );
        }
        let mut named = policies[..policies.len().min(NAMED)].join(", ");
        if policies.len() > NAMED {
            named += &format!(" and {} more", policies.len() - NAMED);
        }
        let put = if policies.len() == 1 { "puts" } else { "put" };
        format!("{named} {put} {subject} into default deny for {direction}")
    }
}

/// A policy as text.
pub(super) fn full_name(name: &NameMessage) -> String {
    let parts = [&name.kind, &name.namespace, &name.name];
    let parts: Vec<&str> = parts
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("/")
}

/// A policy with its place, if these rules have it.
pub(super) fn placed(rules: &RuleSet, name: &NameMessage) -> String {
    let text = full_name(name);
    let is_it = |known: &PolicyName| known.to_string() == text;
    match rules.policies().iter().find(|policy| is_it(&policy.name)) {
        Some(policy) => format!("{text} ({}:{})", policy.file, policy.line),
        None => text,
    }
}

/// A rule with its place and what it says.
fn in_words(rule: &RuleName) -> String {
    let policy = rule.policy.clone().unwrap_or_default();
    let mut words = full_name(&policy);
    if !rule.section.is_empty() {
        words += &format!(" {}[{}]", rule.section, rule.index);
    }
    if !rule.source.is_empty() {
        words += &format!(" ({})", rule.source);
    }
    if !rule.description.is_empty() {
        words += &format!(": {}", rule.description);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let rule = RuleName {
            policy: Some(NameMessage {
                kind: "NetworkPolicy".to_owned(),
                namespace: "shop".to_owned(),
                name: "db".to_owned(),
            }),
            section: "ingress".to_owned(),
            index: 2,
            source: "db.yaml:9".to_owned(),
            description: "from everybody; TCP 80".to_owned(),
            number: 17,
        };
        let texts = |count: usize| vec!["K/a (f:1)".to_owned(); count];
        let check = |verdict, with_rule: bool, by_default, policies: usize, expect: &str| {
            let said = Said {
                verdict,
                rule: with_rule.then_some(&rule),
                default_deny: &texts(policies),
                by_default,
                subject: "shop/db",
                direction: Direction::Ingress,
            };
            assert_eq!(said.sentence(), expect);
        };
        let words = "NetworkPolicy/shop/db ingress[2] (db.yaml:9): from everybody; TCP 80";
        check(
            Verdict::Forwarded,
            true,
            false,
            0,
            &format!("allowed by {words}"),
        );
        check(
            Verdict::Forwarded,
            false,
            false,
            0,
            "allowed: no policy restricts the ingress of shop/db",
        );
        check(
            Verdict::Dropped,
            true,
            false,
            0,
            &format!("denied by {words}"),
        );
        check(
            Verdict::Dropped,
            false,
            true,
            1,
            "denied: nothing allows it; K/a (f:1) puts shop/db into default deny for ingress",
        );
        check(
            Verdict::Audit,
            false,
            true,
            5,
            "would be denied, passes as audited: nothing allows it; K/a (f:1), K/a (f:1), K/a (f:1) and 2 more put shop/db into default deny for ingress",
        );
        check(
            Verdict::Dropped,
            false,
            true,
            0,
            "denied: nothing allows it; policy enforcement is `always`, which puts shop/db into default deny for ingress",
        );
    }
}
