//! The VERDICT column.

use policy::MatchType;
use proto::flow::{Flow, Policy, TrafficDirection, Verdict};
use proto::tycho::v1::FlowDetails;

use super::color::Paint;
use super::flow_type;

/// The verdict in words and how to paint it. On a policy verdict it says what the policy said, with
/// `policy_names` also which policies did.
pub(super) fn text(flow: &Flow, policy_names: bool) -> (String, Option<Paint>) {
    let Ok(verdict) = Verdict::try_from(flow.verdict) else {
        return (flow.verdict.to_string(), None);
    };
    let of_policy = flow_type::number(flow) == flow_type::POLICY_VERDICT;
    let by = |allowed| {
        if policy_names {
            policies(flow, allowed)
        } else {
            String::new()
        }
    };
    let plain = verdict.as_str_name();
    match verdict {
        Verdict::Forwarded | Verdict::Redirected if of_policy => {
            (format!("ALLOWED{}", by(true)), Some(Paint::Good))
        }
        Verdict::Dropped | Verdict::Error if of_policy => {
            (format!("DENIED{}", by(false)), Some(Paint::Bad))
        }
        Verdict::Audit if of_policy => ("AUDITED".to_owned(), Some(Paint::Noteworthy)),
        Verdict::Forwarded | Verdict::Redirected => (plain.to_owned(), Some(Paint::Good)),
        Verdict::Dropped | Verdict::Error => (plain.to_owned(), Some(Paint::Bad)),
        Verdict::Audit | Verdict::Traced | Verdict::Translated => {
            (plain.to_owned(), Some(Paint::Noteworthy))
        }
        Verdict::Unknown => (plain.to_owned(), None),
    }
}

/// Whether a rule decided. "All" is what a rule for everybody is called, and also that nothing is enforced.
pub(crate) fn has_rule(flow: &Flow, details: Option<&FlowDetails>) -> bool {
    let all = i64::from(flow.policy_match_type) == i64::from(MatchType::All as u8);
    if all {
        let numbered = details.is_some_and(|details| details.rule != 0);
        return numbered || !deciding(flow, flow.verdict() != Verdict::Dropped).is_empty();
    }
    flow.policy_match_type != 0
}

/// ` BY namespace/name (kind), …` for the policies that decided in the flow's direction.
fn policies(flow: &Flow, allowed: bool) -> String {
    by(&deciding(flow, allowed))
}

/// ` BY …, …`, or nothing.
pub(super) fn by(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!(" BY {}", names.join(", "))
}

/// `namespace/name (kind)` of each policy that decided in the flow's direction.
pub(super) fn deciding(flow: &Flow, allowed: bool) -> Vec<String> {
    let deciding: &[Policy] = match (TrafficDirection::try_from(flow.traffic_direction), allowed) {
        (Ok(TrafficDirection::Ingress), true) => &flow.ingress_allowed_by,
        (Ok(TrafficDirection::Ingress), false) => &flow.ingress_denied_by,
        (Ok(TrafficDirection::Egress), true) => &flow.egress_allowed_by,
        (Ok(TrafficDirection::Egress), false) => &flow.egress_denied_by,
        _ => &[],
    };
    deciding.iter().map(policy).collect()
}

fn policy(policy: &Policy) -> String {
    let name = if policy.namespace.is_empty() {
        policy.name.clone()
    } else {
        format!("{}/{}", policy.namespace, policy.name)
    };
    if policy.kind.is_empty() {
        name
    } else {
        format!("{name} ({})", policy.kind)
    }
}
