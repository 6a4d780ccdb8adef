//! What clients may ask the control thread to do, each with the way back for its answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use flow::edges::EdgeReading;
use policy::PolicyName;
use tokio::sync::oneshot;

use super::snapshot::EndpointView;

/// The way back.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, CommandError>>;

/// Everything that can be asked for. An answer comes when the maps say so.
#[derive(Debug)]
pub(crate) enum Command {
    /// Add an endpoint: as it stands in an endpoint file, and labels of its namespace.
    AddEndpoint(AddEndpoint, Answer<EndpointView>),
    /// Remove an endpoint by name; answered with what it was.
    RemoveEndpoint(String, Answer<EndpointView>),
    /// Change the labels of an endpoint.
    LabelEndpoint(LabelEndpoint, Answer<EndpointView>),
    /// Add or replace policies.
    ImportPolicies(ImportPolicies, Answer<Imported>),
    /// Remove a policy; answered with the revision without it.
    DeletePolicy(PolicyName, Answer<u64>),
    /// Read what rules have decided.
    CountHits(Answer<()>),
    /// Read what edges have counted.
    ReadEdges(Answer<Arc<EdgeReading>>),
}

/// An endpoint to add.
#[derive(Clone, Debug)]
pub(crate) struct AddEndpoint {
    /// YAML or JSON.
    pub(crate) text: String,
    /// Labels of its namespace, if no file says them.
    pub(crate) namespace_labels: BTreeMap<String, String>,
}

/// Labels to change.
#[derive(Clone, Debug)]
pub(crate) struct LabelEndpoint {
    /// `namespace/name`, or `name`.
    pub(crate) name: String,
    /// Labels to set.
    pub(crate) set: BTreeMap<String, String>,
    /// Keys to remove.
    pub(crate) remove: Vec<String>,
}

/// Policies to add.
#[derive(Clone, Debug)]
pub(crate) struct ImportPolicies {
    /// One or many documents.
    pub(crate) yaml: String,
    /// The name of the file, for messages.
    pub(crate) file: String,
}

/// Policies that were added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Imported {
    /// Their names.
    pub(crate) names: Vec<PolicyName>,
    /// The revision that has them.
    pub(crate) revision: u64,
}

/// Why a command was not carried out. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// Something else has the name or the address.
    #[error("{0}")]
    Taken(String),
    /// It belongs to a file.
    #[error("{0}")]
    OfFile(String),
    /// What was asked for is wrong.
    #[error("{0}")]
    Invalid(String),
    /// It could not be kept or brought into force.
    #[error("{0}")]
    Failed(String),
}
