//! The rules that decide: what a rule id in a record means.

use std::sync::Arc;

use prost::Message as _;

use crate::snapshot::{IndexLimit, Snapshot, SnapshotTable};

/// What a rule does to what it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RuleAction {
    /// It lets pass.
    #[default]
    Allow,
    /// It drops.
    Deny,
}

/// A policy, as a flow names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyRef {
    /// Its kind: `CiliumNetworkPolicy`, `NetworkPolicy`, ….
    pub kind: String,
    /// Its namespace, empty for cluster-wide ones.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels, as `source:key=value`.
    pub labels: Vec<String>,
}

/// One rule of one policy, or the default deny of several.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleInfo {
    /// The policy of the rule; of a default deny, all that ask for it (none if the node's setting does).
    pub policies: Vec<PolicyRef>,
    /// Place of the rule in its section of the policy, from 0; `None` for built-in rules and default denies.
    pub index: Option<u32>,
    /// `DIRECTION_*` of `bpf_events::record`; 0 if it has none.
    pub direction: u8,
    /// Allow or deny.
    pub action: RuleAction,
    /// The rule in words, such as `CiliumNetworkPolicy/shop/backend ingress[0]`.
    pub description: String,
}

/// A rule with its protobuf form.
#[derive(Debug)]
pub struct Rule {
    info: RuleInfo,
    policy_bytes: Box<[Box<[u8]>]>,
}

impl Rule {
    /// A rule, with its policies encoded.
    #[must_use]
    pub fn new(info: RuleInfo) -> Self {
        let policy_bytes = info.policies.iter().map(encoded).collect();
        Self { info, policy_bytes }
    }

    /// What the rule is.
    #[must_use]
    pub fn info(&self) -> &RuleInfo {
        &self.info
    }

    /// Each policy as an encoded `flow.Policy` without its revision, which each flow adds.
    pub fn policy_bytes(&self) -> impl Iterator<Item = &[u8]> {
        self.policy_bytes.iter().map(AsRef::as_ref)
    }
}

/// Rules by id. A rule id is given out, and reused, by whoever compiles policies.
#[derive(Debug, Default)]
pub struct RuleTable {
    rules: SnapshotTable<Rule>,
}

impl RuleTable {
    /// No rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what a rule id means from now on.
    ///
    /// # Errors
    /// If the id is beyond the table's limit.
    pub fn set(&self, rule: u32, info: RuleInfo) -> Result<(), IndexLimit> {
        self.adopt(rule, Arc::new(Rule::new(info)))
    }

    /// The same with a rule that is ready.
    ///
    /// # Errors
    /// If the id is beyond the table's limit.
    pub fn adopt(&self, number: u32, rule: Arc<Rule>) -> Result<(), IndexLimit> {
        self.rules.set(number, rule)
    }

    /// Forgets rules that nothing names any more.
    pub fn remove(&self, rules: &[u32]) {
        self.rules.remove(rules);
    }

    /// One rule; for many lookups take a [`RuleTable::snapshot`].
    #[must_use]
    pub fn rule(&self, rule: u32) -> Option<Arc<Rule>> {
        self.rules.entry(rule)
    }

    /// A view for lookups without a lock.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<Rule> {
        self.rules.snapshot()
    }

    /// Grows with every rule written.
    #[must_use]
    pub fn edits(&self) -> u64 {
        self.rules.edits()
    }
}

fn encoded(policy: &PolicyRef) -> Box<[u8]> {
    let policy = proto::flow::Policy {
        name: policy.name.clone(),
        namespace: policy.namespace.clone(),
        labels: policy.labels.clone(),
        revision: 0,
        kind: policy.kind.clone(),
    };
    policy.encode_to_vec().into()
}
