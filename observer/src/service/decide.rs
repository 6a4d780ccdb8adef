//! What policies decide about one connection at one end.

use std::collections::HashMap;

use bpf_events::policy::RULE_LOCAL_HOST;
use policy::{
    Decision as Decided, Direction, Identity, LabelSet, MatchType, NearMiss as Near, PolicyModel,
    RuleKey, Verdict as PolicyVerdict, evaluate, nearest,
};
use proto::flow::Verdict;
use proto::tycho::v1::{Decision, Difference, NearMiss, PolicyName, RuleName};

use super::policy_messages::{policy_name, rule_name};
use super::sentence::{Said, placed};

/// Near misses that an answer names.
const NEAR: usize = 5;

/// The rule of what passes between a node and its own endpoints.
const LOCAL_HOST: &str = "reserved:local-host";

/// The rules of one revision, with the numbers that they have in records.
#[derive(Clone, Copy, Debug)]
pub(super) struct RulesOf<'a> {
    pub(super) model: PolicyModel<'a>,
    pub(super) numbers: &'a HashMap<RuleKey, u32>,
}

/// A new connection, from the side of the end whose policies are asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) subject: (Identity, &'a LabelSet),
    /// The subject in a sentence.
    pub(super) called: &'a str,
    pub(super) peer: (Identity, &'a LabelSet),
    pub(super) direction: Direction,
    pub(super) protocol: u8,
    pub(super) port: u16,
    /// Traffic between the node and its own endpoints passes before any policy.
    pub(super) local_host_passes: bool,
    /// Whether near misses are wanted.
    pub(super) with_near: bool,
}

impl RulesOf<'_> {
    /// What these rules decide.
    pub(super) fn decide(&self, asked: &Asked<'_>) -> Decision {
        if !has_policies(asked.subject.0) {
            return passes(format!(
                "forwarded: policies are for endpoints, and {} is none",
                asked.called
            ));
        }
        if asked.local_host_passes && asked.peer.0 == Identity::HOST {
            return local_host();
        }
        let decided = evaluate(
            &self.model,
            asked.subject.1,
            asked.peer,
            asked.direction,
            asked.protocol,
            asked.port,
        );
        let rules = self.model.rules;
        let rule = decided
            .rule
            .and_then(|rule| rule_name(rules, self.numbers, rule));
        let (enforced, _) = self.model.default_deny(asked.subject.1, asked.direction);
        let by_default = decided.verdict == PolicyVerdict::DefaultDeny;
        let default_deny = if by_default {
            self.default_denying(asked, decided.audited)
        } else {
            Vec::new()
        };
        let placed: Vec<String> = default_deny
            .iter()
            .map(|name| placed(rules, name))
            .collect();
        let said = Said {
            verdict: verdict(&decided),
            rule: rule.as_ref(),
            default_deny: &placed,
            by_default,
            subject: asked.called,
            direction: asked.direction,
        };
        Decision {
            verdict: verdict(&decided).into(),
            enforced,
            match_type: match_type(decided.match_type).to_owned(),
            near: self.near(asked),
            sentence: said.sentence(),
            default_deny,
            rule,
        }
    }

    /// What came closest to deciding otherwise.
    pub(super) fn near(&self, asked: &Asked<'_>) -> Vec<NearMiss> {
        if !asked.with_near {
            return Vec::new();
        }
        let near = nearest(
            &self.model,
            asked.subject.1,
            asked.peer,
            asked.direction,
            asked.protocol,
            asked.port,
            NEAR,
        );
        near.into_iter().map(|miss| self.near_miss(miss)).collect()
    }

    fn near_miss(&self, miss: Near) -> NearMiss {
        let differences = miss.differences.into_iter().map(|difference| Difference {
            what: difference.kind.to_string(),
            wanted: difference.wanted,
            found: difference.found,
        });
        NearMiss {
            rule: rule_name(self.model.rules, self.numbers, miss.rule),
            differences: differences.collect(),
        }
    }

    /// The policies of a default deny: those that are audited, or those that are not.
    pub(super) fn default_denying(&self, asked: &Asked<'_>, audited: bool) -> Vec<PolicyName> {
        self.model
            .rules
            .default_denying(asked.subject.1, asked.direction)
            .filter(|policy| policy.audited == audited)
            .map(|policy| policy_name(&policy.name))
            .collect()
    }
}

/// Only endpoints have policies, and they have numbers of label sets.
pub(super) fn has_policies(identity: Identity) -> bool {
    identity.is_allocated()
}

/// What passes without any rule.
pub(super) fn passes(sentence: String) -> Decision {
    Decision {
        verdict: Verdict::Forwarded.into(),
        match_type: match_type(MatchType::All).to_owned(),
        sentence,
        ..Decision::default()
    }
}

/// What passes before any policy is asked, by the rule that records carry for it.
pub(super) fn local_host() -> Decision {
    let rule = RuleName {
        policy: Some(PolicyName {
            name: LOCAL_HOST.to_owned(),
            ..PolicyName::default()
        }),
        description: "a node and its own endpoints always reach each other".to_owned(),
        number: RULE_LOCAL_HOST,
        ..RuleName::default()
    };
    Decision {
        rule: Some(rule),
        ..passes("allowed: traffic between a node and its own endpoints always passes".to_owned())
    }
}

fn verdict(decided: &Decided) -> Verdict {
    match decided.verdict {
        PolicyVerdict::Allowed => Verdict::Forwarded,
        _ if decided.audited => Verdict::Audit,
        _ => Verdict::Dropped,
    }
}

/// A match type as Cilium calls it.
pub(super) const fn match_type(match_type: MatchType) -> &'static str {
    match match_type {
        MatchType::None => "none",
        MatchType::L3Only => "L3-Only",
        MatchType::L3L4 => "L3-L4",
        MatchType::L4Only => "L4-Only",
        MatchType::All => "all",
        MatchType::L3Proto => "L3-Proto",
        MatchType::ProtoOnly => "Proto-Only",
    }
}

/// Of both ends together: dropped if either drops, audited if either would.
pub(super) fn together(egress: &Decision, ingress: &Decision) -> Verdict {
    let verdicts = [egress.verdict(), ingress.verdict()];
    [Verdict::Dropped, Verdict::Audit]
        .into_iter()
        .find(|verdict| verdicts.contains(verdict))
        .unwrap_or(Verdict::Forwarded)
}
