//! What one end's policies decided, in lines.

use proto::flow::Verdict;
use proto::tycho::v1::{Decision, Difference, NearMiss, RuleName};

use super::name;

/// What fits a terminal beside what stands before it.
const LINE: usize = 80;

/// The verdict and the reason for it.
pub(crate) fn sentence(decision: &Decision) -> String {
    let verdict = verdict(decision.verdict());
    if decision.sentence.is_empty() {
        verdict.to_owned()
    } else {
        format!("{verdict}: {}", decision.sentence)
    }
}

/// The verdict as `tycho observe` writes it.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    verdict.as_str_name()
}

/// The rule or the default deny that decided; nothing where nothing is enforced.
pub(crate) fn by(decision: &Decision) -> Vec<String> {
    match &decision.rule {
        Some(decider) => rule(decider),
        None => decision
            .default_deny
            .iter()
            .map(|policy| format!("default deny of {}", name::shown(policy)))
            .collect(),
    }
}

/// The rules that came closest to deciding otherwise, each with what differs.
pub(crate) fn near(decision: &Decision) -> Vec<String> {
    decision.near.iter().flat_map(near_miss).collect()
}

fn near_miss(near: &NearMiss) -> Vec<String> {
    let mut lines = near.rule.as_ref().map(rule).unwrap_or_default();
    lines.extend(near.differences.iter().flat_map(difference));
    lines
}

/// One line, or two if they are long: labels can be.
fn difference(difference: &Difference) -> Vec<String> {
    let wants = format!("  {}: it wants {}", difference.what, difference.wanted);
    let found = format!("there is {}", difference.found);
    if wants.chars().count() + found.chars().count() <= LINE {
        vec![format!("{wants}, {found}")]
    } else {
        vec![wants, format!("    {found}")]
    }
}

/// Its name and place, and below them what it says.
fn rule(rule: &RuleName) -> Vec<String> {
    let policy = rule.policy.as_ref().map(name::shown).unwrap_or_default();
    let mut first = if rule.section.is_empty() {
        policy
    } else {
        format!("{policy} {}[{}]", rule.section, rule.index)
    };
    if !rule.source.is_empty() {
        first.push_str(&format!(", {}", rule.source));
    }
    let mut lines = vec![first];
    if !rule.description.is_empty() {
        lines.push(format!("  {}", rule.description));
    }
    lines
}
