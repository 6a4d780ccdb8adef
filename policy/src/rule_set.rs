//! All policies at one revision, their rules in deciding order.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cidr::Cidr;
use crate::label::LabelSet;
use crate::rank::Ranks;
use crate::rule::{Direction, Policy, Rule};

/// The position of a rule in one [`RuleSet`]. It means nothing in another: [`crate::RuleKey`] is what lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleRef(pub u32);

/// An immutable snapshot of all policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSet {
    policies: Vec<Arc<Policy>>,
    entries: Vec<Entry>,
    /// The rules of each policy, as `policies`.
    by_policy: Vec<Vec<RuleRef>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    rule: Arc<Rule>,
    policy: usize,
    rank: u32,
}

impl RuleSet {
    /// The rules of all policies in deciding order. Ranks come from `ranks`, which is brought up to date.
    pub fn new(policies: impl IntoIterator<Item = Arc<Policy>>, ranks: &mut Ranks) -> Self {
        let mut policies: Vec<Arc<Policy>> = policies.into_iter().collect();
        policies.sort_by(|a, b| a.name.cmp(&b.name));
        let mut entries: Vec<Entry> = policies
            .iter()
            .enumerate()
            .flat_map(|(policy, owner)| {
                owner.rules.iter().map(move |rule| Entry {
                    rule: Arc::new(rule.clone()),
                    policy,
                    rank: 0,
                })
            })
            .collect();
        entries.sort_by(|a, b| a.rule.key.cmp(&b.rule.key));
        ranks.update(entries.iter().map(|entry| &entry.rule.key));
        for entry in &mut entries {
            entry.rank = ranks
                .rank(&entry.rule.key)
                .expect("update gave every key a rank");
        }
        let mut by_policy = vec![Vec::new(); policies.len()];
        for (reference, entry) in (0u32..).map(RuleRef).zip(&entries) {
            by_policy[entry.policy].push(reference);
        }
        Self {
            policies,
            entries,
            by_policy,
        }
    }

    /// The policies, by name.
    pub fn policies(&self) -> &[Arc<Policy>] {
        &self.policies
    }

    /// The rules with their references, the first decides.
    pub fn rules(&self) -> impl Iterator<Item = (RuleRef, &Arc<Rule>)> {
        (0u32..)
            .map(RuleRef)
            .zip(self.entries.iter().map(|entry| &entry.rule))
    }

    /// One rule; `None` if the reference is another set's.
    pub fn rule(&self, reference: RuleRef) -> Option<&Arc<Rule>> {
        Some(&self.entry(reference)?.rule)
    }

    /// The rank of a rule: the smaller decides.
    pub fn rank(&self, reference: RuleRef) -> Option<u32> {
        Some(self.entry(reference)?.rank)
    }

    /// The policy that a rule belongs to.
    pub fn policy_of(&self, reference: RuleRef) -> Option<&Arc<Policy>> {
        self.policies.get(self.entry(reference)?.policy)
    }

    /// How many rules.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The policies that select a subject, by name.
    pub fn selecting<'a>(&'a self, subject: &'a LabelSet) -> impl Iterator<Item = &'a Arc<Policy>> {
        self.policies
            .iter()
            .filter(|policy| policy.subject.matches(subject))
    }

    /// The policies that put a subject into default deny in a direction, those that only audit included: whom a default
    /// deny names, see [`Policy::audited`].
    pub fn default_denying<'a>(
        &'a self,
        subject: &'a LabelSet,
        direction: Direction,
    ) -> impl Iterator<Item = &'a Arc<Policy>> {
        self.selecting(subject)
            .filter(move |policy| policy.default_deny(direction))
    }

    /// Every network that a rule names, exceptions included: each needs an identity, and no other does. A rule for the
    /// entity `world-ipv4` names `0.0.0.0/0`, one for `world-ipv6` `::/0`.
    pub fn prefixes(&self) -> BTreeSet<Cidr> {
        self.rules()
            .flat_map(|(_, rule)| rule.peers.prefixes())
            .collect()
    }

    /// The positions of the policies that select a subject.
    pub(crate) fn positions_selecting(&self, subject: &LabelSet) -> Box<[usize]> {
        let policies = self.policies.iter().enumerate();
        policies
            .filter(|(_, policy)| policy.subject.matches(subject))
            .map(|(position, _)| position)
            .collect()
    }

    /// The rules of the policy at a position.
    pub(crate) fn rules_of(&self, policy: usize) -> &[RuleRef] {
        self.by_policy.get(policy).map_or(&[], Vec::as_slice)
    }

    /// Whether a rule's policy only audits.
    pub(crate) fn is_audited(&self, reference: RuleRef) -> bool {
        self.policy_of(reference)
            .is_some_and(|policy| policy.audited)
    }

    fn entry(&self, reference: RuleRef) -> Option<&Entry> {
        self.entries.get(usize::try_from(reference.0).ok()?)
    }
}
