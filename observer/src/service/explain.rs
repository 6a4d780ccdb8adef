//! `Explain`: why a flow got its verdict, from its record and from the policies of its time.

use bpf_events::policy::RULE_LOCAL_HOST;
use bpf_events::record::DIRECTION_EGRESS;
use flow::encode::{Pen, ResponseEncoder, ResponseForm};
use flow::mask::Mask;
use flow::reference::FlowReference;
use flow::row::FlowRow;
use flow::rules::RuleInfo;
use policy::{MatchType, PolicyModel, RuleSet};
use prost::Message as _;
use proto::flow::{DropReason, Verdict};
use proto::tycho::v1::{Decision, Explanation, GetFlowsResponse, PolicyName, RuleName};
use tonic::Status;

use super::decide::{Asked, RulesOf, local_host, match_type};
use super::ends::Ends;
use super::policy_messages::rule_name;
use super::sentence::{Said, placed};
use crate::control::Snapshot;
use crate::node::Node;

/// `POLICY_DENIED`, the default deny.
const REASON_DEFAULT_DENY: u8 = 133;

/// `POLICY_DENY`, a deny rule.
const REASON_DENY_RULE: u8 = 181;

/// Answers a request from one state of the node.
pub(super) fn explain(uuid: &str, node: &Node, snapshot: &Snapshot) -> Result<Explanation, Status> {
    let (sequence, row) = find(uuid, node)?;
    let view = &snapshot.view;
    let ends = Ends::of(&row, node, snapshot);
    let revision = row.policy_revision;
    let (compared, compared_revision) = match view.rules_of(revision) {
        Some(earlier) => (earlier, revision),
        None => (&view.rules, view.revision),
    };
    let rules = RulesOf {
        model: PolicyModel {
            rules: compared,
            ..view.model()
        },
        numbers: &view.rule_numbers,
    };
    let asked = ends.asked(&row, snapshot);
    let info = node.names.rules.rule(row.rule);
    let info = info.as_ref().map(|rule| rule.info());
    let mut decision = recorded(&row, info, &rules, &asked);
    if is_decided_by_policy(&row) {
        decision.near = rules.near(&asked);
    }
    let yaml = text_of(&decision, rules.model.rules);
    let present = RulesOf {
        model: view.model(),
        numbers: &view.rule_numbers,
    };
    let others = revision != view.revision && is_decided_by_policy(&row);
    let now = others.then(|| present.decide(&asked));
    Ok(Explanation {
        flow: Some(message(sequence, &row, node)?),
        decision: Some(decision),
        revision: revision.into(),
        compared_revision: compared_revision.into(),
        yaml,
        now,
    })
}

/// The flow that a text refers to, if it is still held.
fn find(uuid: &str, node: &Node) -> Result<(u64, FlowRow), Status> {
    let reference: FlowReference = uuid.parse().map_err(|error| {
        Status::invalid_argument(format!(
            "flow: {error}; take the `uuid` that `tycho observe -o json` shows"
        ))
    })?;
    let (oldest, next) = node.store.range();
    let row = (reference.epoch == node.names.epoch)
        .then(|| node.store.row(reference.sequence))
        .flatten();
    let row = row.ok_or_else(|| {
        let why = if reference.epoch != node.names.epoch {
            "it was seen by another observer, or before this one started".to_owned()
        } else {
            format!("the last {} are held (`--flows`)", next - oldest)
        };
        Status::not_found(format!("flow: it is not held any more: {why}"))
    })?;
    if row.is_lost() {
        return Err(Status::invalid_argument(
            "flow: it tells of lost events, about which nothing is known",
        ));
    }
    Ok((reference.sequence, row))
}

/// The flow as GetFlows shows it.
fn message(sequence: u64, row: &FlowRow, node: &Node) -> Result<GetFlowsResponse, Status> {
    let mut encoder = ResponseEncoder::new(
        node.names.clone(),
        &ResponseForm::new(Mask::default(), true),
    );
    let mut bytes = Vec::new();
    encoder.encode(&mut Pen::default(), sequence, row, &mut bytes);
    GetFlowsResponse::decode(bytes.as_slice()).map_err(|error| Status::internal(error.to_string()))
}

/// Traffic of the node passes before any policy is asked. Other drops come before or after policy: a false source
/// address, a malformed header.
fn is_decided_by_policy(row: &FlowRow) -> bool {
    row.rule != RULE_LOCAL_HOST && matches!(row.reason, 0 | REASON_DEFAULT_DENY | REASON_DENY_RULE)
}

/// What decided, according to the record.
fn recorded(
    row: &FlowRow,
    info: Option<&RuleInfo>,
    rules: &RulesOf<'_>,
    asked: &Asked<'_>,
) -> Decision {
    if row.rule == RULE_LOCAL_HOST {
        return local_host();
    }
    let verdict = Verdict::try_from(i32::from(row.verdict)).unwrap_or_default();
    let found = MatchType::from_number(row.match_type).unwrap_or(MatchType::None);
    let mut decision = Decision {
        verdict: verdict.into(),
        match_type: match_type(found).to_owned(),
        ..Decision::default()
    };
    if !is_decided_by_policy(row) {
        let reason = DropReason::try_from(i32::from(row.reason)).unwrap_or_default();
        let name = reason.as_str_name().to_lowercase().replace('_', " ");
        decision.sentence = format!("dropped as {name} ({}); no policy decided", row.reason);
        return decision;
    }
    let (enforced, _) = rules.model.default_deny(asked.subject.1, asked.direction);
    decision.enforced = enforced;
    decision.rule = info.and_then(|info| rule_of(row.rule, info, rules));
    let by_default = decision.rule.is_none() && verdict != Verdict::Forwarded;
    if by_default {
        decision.default_deny = match info {
            Some(info) => info.policies.iter().map(policy_message).collect(),
            // What its number meant is forgotten.
            None => rules.default_denying(asked, verdict == Verdict::Audit),
        };
    }
    let placed: Vec<String> = decision
        .default_deny
        .iter()
        .map(|name| placed(rules.model.rules, name))
        .collect();
    let said = Said {
        verdict,
        rule: decision.rule.as_ref(),
        default_deny: &placed,
        by_default,
        subject: asked.called,
        direction: asked.direction,
    };
    decision.sentence = said.sentence();
    decision
}

fn policy_message(policy: &flow::rules::PolicyRef) -> PolicyName {
    PolicyName {
        kind: policy.kind.clone(),
        namespace: policy.namespace.clone(),
        name: policy.name.clone(),
    }
}

/// The rule of a number: as these rules have it, else as the table of numbers remembers it. None for a default deny.
fn rule_of(number: u32, info: &RuleInfo, rules: &RulesOf<'_>) -> Option<RuleName> {
    let mut known = rules.model.rules.rules();
    if let Some((reference, _)) =
        known.find(|(_, rule)| rules.numbers.get(&rule.key) == Some(&number))
    {
        return rule_name(rules.model.rules, rules.numbers, reference);
    }
    let index = info.index?;
    let deny = match info.action {
        flow::rules::RuleAction::Allow => "",
        flow::rules::RuleAction::Deny => "Deny",
    };
    let direction = match info.direction {
        DIRECTION_EGRESS => "egress",
        _ => "ingress",
    };
    Some(RuleName {
        policy: info.policies.first().map(policy_message),
        section: format!("{direction}{deny}"),
        index,
        number,
        ..RuleName::default()
    })
}

/// The text of the policy that decided; of several, the first.
fn text_of(decision: &Decision, rules: &RuleSet) -> String {
    let of_rule = decision.rule.as_ref().and_then(|rule| rule.policy.as_ref());
    let Some(name) = of_rule.or_else(|| decision.default_deny.first()) else {
        return String::new();
    };
    let policies = rules.policies().iter();
    let mut found = policies.filter(|policy| {
        policy.name.kind.to_string() == name.kind
            && policy.name.namespace == name.namespace
            && policy.name.name == name.name
    });
    found
        .next()
        .map_or_else(String::new, |policy| policy.text.to_string())
}
