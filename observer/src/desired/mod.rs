//! What the kernel's maps should say, worked out from the endpoint file and the policies; no contact with the kernel.

mod book;
mod content;
mod endpoint;
mod plan;
mod rule;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use bpf_events::endpoint::EndpointRow;
use policy::{PolicySet, RuleRef};
use registry::endpoint_file::{Attachment, Cidr};

pub(crate) use book::{Book, BookError};
pub(crate) use plan::{PlanSettings, Planner};

/// Everything the maps should say, but for what depends on interfaces.
#[derive(Debug, Default)]
pub(crate) struct Desired {
    /// The endpoints.
    pub(crate) endpoints: Vec<DesiredEndpoint>,
    /// The policy sets, by number.
    pub(crate) sets: BTreeMap<u32, PolicySet>,
    /// The number of each rule that a cell refers to.
    pub(crate) rules: HashMap<RuleRef, u32>,
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
}
