//! What services read: the policies, identities and endpoints as of the last change.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use flow::journal::Journal;
use policy::{
    Enforcement, Identities, Identity, NamedPorts, Policy, PolicyModel, RuleKey, RuleSet,
};

use super::{DesiredEndpoint, DesiredPrefix, EndpointJournal, IdentityJournal, Owner};

/// Earlier revisions of the policies that are remembered.
pub(super) const REVISIONS_REMEMBERED: usize = 64;

/// The rules by revision; the span says when the revision was the newest.
pub(crate) type RuleSetJournal = Journal<u32, Arc<RuleSet>>;

/// A state of everything that the planner knows. Made once per change; whoever has one keeps it as it was.
#[derive(Clone, Debug)]
pub(crate) struct PolicyView {
    /// The rules.
    pub(crate) rules: Arc<RuleSet>,
    /// Their revision, as verdicts carry it.
    pub(crate) revision: u32,
    /// The number of each rule in records.
    pub(crate) rule_numbers: Arc<HashMap<RuleKey, u32>>,
    /// The enforcement setting.
    pub(crate) enforcement: Enforcement,
    /// Every identity, those included that no endpoint has any more.
    pub(crate) identities: Arc<Identities>,
    /// How many endpoints of this node have an identity.
    pub(crate) endpoint_counts: Arc<HashMap<Identity, u32>>,
    /// The ports that have names.
    pub(crate) named_ports: Arc<NamedPorts>,
    /// The endpoints.
    pub(crate) endpoints: Arc<[DesiredEndpoint]>,
    /// The networks that have an identity.
    pub(crate) prefixes: Arc<[DesiredPrefix]>,
    /// Labels by identity over time; reserved identities are not in it.
    pub(crate) identity_journal: Arc<IdentityJournal>,
    /// Endpoints by name over time.
    pub(crate) endpoint_journal: Arc<EndpointJournal>,
    /// Rules by revision; of earlier ones the last few.
    pub(crate) revisions: Arc<RuleSetJournal>,
    /// The owner of each policy file that is none of the node's own files.
    pub(super) owners: Arc<BTreeMap<String, Owner>>,
}

impl PolicyView {
    /// Without anything, before the first change.
    pub(super) fn empty(enforcement: Enforcement) -> Self {
        Self {
            rules: Arc::default(),
            revision: 0,
            rule_numbers: Arc::default(),
            enforcement,
            identities: Arc::default(),
            endpoint_counts: Arc::default(),
            named_ports: Arc::default(),
            endpoints: Arc::default(),
            prefixes: Arc::default(),
            identity_journal: Arc::new(Journal::new(0, 0)),
            endpoint_journal: Arc::new(Journal::new(0, 0)),
            revisions: Arc::new(Journal::new(REVISIONS_REMEMBERED, 0)),
            owners: Arc::default(),
        }
    }

    /// What the evaluator needs.
    pub(crate) fn model(&self) -> PolicyModel<'_> {
        PolicyModel {
            rules: &self.rules,
            enforcement: self.enforcement,
            named_ports: &self.named_ports,
        }
    }

    /// Who defined a policy.
    pub(crate) fn owner(&self, policy: &Policy) -> Owner {
        let owner = self.owners.get(&policy.file);
        owner.copied().unwrap_or(Owner::File)
    }

    /// The rules of a revision, if they are still known.
    pub(crate) fn rules_of(&self, revision: u32) -> Option<&Arc<RuleSet>> {
        Some(&self.revisions.last(&revision)?.value)
    }
}
