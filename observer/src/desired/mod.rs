//! What the kernel's maps should say, worked out from endpoints and policies; no contact with the kernel.
//!
//! The [`Planner`] takes inputs and gives steps, each a whole [`Desired`]. Within a step, policy sets are to be written
//! before addresses and networks, since a set may have cells for identities that no address has yet; what is gone is
//! taken away in the opposite order. Numbers that nothing uses any more come back through [`Planner::reclaim`].

mod addresses;
mod adopt;
mod book;
mod clash;
mod compiled;
mod content;
mod endpoint;
mod error;
mod history;
mod identities;
mod inventory;
mod numbering;
mod plan;
mod planned;
mod policies;
mod reclaim;
mod remotes;
mod retiring;
mod rule;
mod series;
mod set_aside;
mod view;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use bpf_events::endpoint::EndpointRow;
use policy::{Cidr, Identity, LabelSet, PolicySet, RuleRef};
use registry::endpoint_file::{Attachment, EndpointSpec};

pub(crate) use addresses::{RemoteAddress, RemoteAddresses, is_usable};
pub(crate) use book::Book;
pub(crate) use clash::{OF_REGISTRY, Taken};
pub(crate) use error::BookError;
pub(crate) use history::EndpointVersion;
use history::{EndpointJournal, IdentityJournal};
pub(crate) use inventory::Owner;
pub(crate) use numbering::{Contradictions, NumbersWanted};
pub(crate) use plan::{PlanSettings, Planner};
pub(crate) use reclaim::{InUse, Reclaimed};
pub(crate) use rule::policy_labels;
pub(crate) use view::PolicyView;

/// Everything the maps should say, but for what depends on interfaces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desired {
    /// The endpoints.
    pub(crate) endpoints: Vec<DesiredEndpoint>,
    /// Endpoints that cannot be as their definition says yet; those that were there before stay as they were.
    pub(crate) waiting: Vec<WaitingEndpoint>,
    /// The networks that have an identity.
    pub(crate) prefixes: Vec<DesiredPrefix>,
    /// The addresses of other nodes and their endpoints. What did not change is the same object as in the step before.
    pub(crate) remotes: Arc<RemoteAddresses>,
    /// The policy sets, by number. A set that did not change is the same one as in the step before.
    pub(crate) sets: BTreeMap<u32, Arc<PolicySet>>,
    /// The number of each rule that a cell refers to.
    pub(crate) rules: Arc<HashMap<RuleRef, u32>>,
    /// Of each policy set, the rule numbers that name the policies of its default deny: ingress and egress.
    pub(crate) default_rules: HashMap<u32, [u32; 2]>,
    /// The revision of the policies.
    pub(crate) revision: u32,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DesiredEndpoint {
    /// `namespace/name`, or `name`.
    pub(crate) name: String,
    /// Where its interface is found.
    pub(crate) attachment: Attachment,
    /// Its addresses.
    pub(crate) addresses: Vec<IpAddr>,
    /// Its row; the loader knows the "other" slot.
    pub(crate) row: EndpointRow,
    /// What it may send from besides its addresses.
    pub(crate) sources: Vec<Cidr>,
    /// Who defined it.
    pub(crate) owner: Owner,
    /// Where, as `file:line`.
    pub(crate) source: Arc<str>,
    /// Its definition.
    pub(crate) spec: Arc<EndpointSpec>,
    /// All its labels.
    pub(crate) labels: LabelSet,
}

/// An endpoint for which some number is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WaitingEndpoint {
    /// `namespace/name`, or `name`.
    pub(crate) name: String,
    /// Who defined it.
    pub(crate) owner: Owner,
    /// Where, as `file:line`.
    pub(crate) source: Arc<str>,
    /// Its definition.
    pub(crate) spec: Arc<EndpointSpec>,
    /// All its labels.
    pub(crate) labels: LabelSet,
    /// What is missing.
    pub(crate) reason: String,
    /// Whether the registry was asked and has not answered yet.
    pub(crate) asked: bool,
}

/// A network that a rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DesiredPrefix {
    /// The network.
    pub(crate) cidr: Cidr,
    /// What its addresses are, if nothing longer says otherwise.
    pub(crate) identity: Identity,
    /// What flows say of it.
    pub(crate) metadata: u32,
}

#[cfg(test)]
mod tests;
