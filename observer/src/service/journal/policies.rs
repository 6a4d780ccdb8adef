//! Each policy over time, from the revisions of all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use flow::journal::Span;
use policy::{Policy, PolicyName};
use proto::tycho::v1::{JournalRule, PolicyVersion};

use crate::desired::PolicyView;
use crate::service::policy_messages::{policy_name, section, source};

/// A policy that stayed as it was for some revisions.
pub(super) struct PolicySpan<'a> {
    pub(super) policy: &'a Policy,
    /// When.
    pub(super) span: Span<()>,
    first_revision: u32,
    last_revision: u32,
}

/// Every version of every policy that is remembered. Another place in its file makes no other version.
pub(super) fn policy_spans(view: &PolicyView) -> Vec<PolicySpan<'_>> {
    let mut ended = Vec::new();
    let mut open: BTreeMap<&PolicyName, PolicySpan<'_>> = BTreeMap::new();
    for (revision, span) in view.revisions.all_spans() {
        let mut before = std::mem::take(&mut open);
        for policy in span.value.policies() {
            let policy: &Arc<Policy> = policy;
            let known = before.remove(&*policy.name);
            let (same, other) = match known {
                Some(known) if known.policy.text == policy.text => (Some(known), None),
                other => (None, other),
            };
            ended.extend(other.map(|old| old.until(span.from_ns)));
            let mut held =
                same.unwrap_or_else(|| PolicySpan::begin(policy, span.from_ns, *revision));
            held.last_revision = *revision;
            held.policy = policy;
            open.insert(&policy.name, held);
        }
        ended.extend(before.into_values().map(|old| old.until(span.from_ns)));
        if let Some(until_ns) = span.until_ns {
            // The next revision begins then, or nothing holds any more.
            open.values_mut()
                .for_each(|held| held.span.until_ns = Some(until_ns));
        } else {
            open.values_mut().for_each(|held| held.span.until_ns = None);
        }
    }
    ended.extend(open.into_values());
    ended
}

/// Of times before, policies may be missing.
pub(super) fn known_since_ns(view: &PolicyView) -> u64 {
    let first = view.revisions.all_spans().next();
    let first_ns = first.map_or(0, |(_, span)| span.from_ns);
    view.revisions.known_since_ns().max(first_ns)
}

impl<'a> PolicySpan<'a> {
    fn begin(policy: &'a Policy, from_ns: u64, revision: u32) -> Self {
        Self {
            policy,
            span: Span {
                value: (),
                from_ns,
                until_ns: None,
            },
            first_revision: revision,
            last_revision: revision,
        }
    }

    fn until(mut self, until_ns: u64) -> Self {
        self.span.until_ns = Some(until_ns);
        self
    }

    /// The policy as the client reads it.
    pub(super) fn message(&self) -> PolicyVersion {
        let rules = self.policy.rules.iter().map(|rule| JournalRule {
            section: section(rule),
            index: rule.key.index,
            description: rule.to_string(),
        });
        PolicyVersion {
            name: Some(policy_name(&self.policy.name)),
            first_revision: self.first_revision,
            last_revision: self.last_revision,
            rules: rules.collect(),
            source: source(self.policy),
        }
    }
}
