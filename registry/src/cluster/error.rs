//! What can go wrong with the registry.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Why something of the registry does not work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegistryError {
    /// A setting cannot work.
    #[error("the registry's setting `{setting}` cannot be used: {reason}")]
    Setting {
        /// Which.
        setting: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The backend cannot be reached, or does not do what it is asked.
    #[error("the registry {backend} cannot be used now")]
    Away {
        /// The backend, without secrets.
        backend: String,
        /// Why.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The backend is there, but this process may not do that.
    #[error("the registry {backend} denies this")]
    Denied {
        /// The backend, without secrets.
        backend: String,
        /// What was denied.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The etcd belongs to another cluster.
    #[error("{}", foreign(backend, found, expected, path.as_deref()))]
    Foreign {
        /// The backend, without secrets.
        backend: String,
        /// The id in it.
        found: String,
        /// The id of this node's cluster.
        expected: String,
        /// Where the node keeps it.
        path: Option<PathBuf>,
    },
    /// The etcd holds nothing any more.
    #[error("{}", wiped(backend, expected, path.as_deref()))]
    Wiped {
        /// The backend, without secrets.
        backend: String,
        /// The id of this node's cluster.
        expected: String,
        /// Where the node keeps it.
        path: Option<PathBuf>,
    },
    /// Another observer publishes under this node's name.
    #[error(
        "another observer is the node {node} too, and started later{}: names of nodes must be unique. This one \
         publishes nothing until the other has gone",
        address.as_deref().map(|address| format!(" (at {address})")).unwrap_or_default()
    )]
    NameTaken {
        /// The node.
        node: String,
        /// Where the other can be reached.
        address: Option<String>,
    },
    /// Every number is in use or rests.
    #[error(
        "no identity is free: of the {} numbers {} to {}, {used} are in use and {resting} rest for {rest:?} after \
         their last use; use fewer distinct label sets (`tycho registry identities` shows them), or leave labels \
         out of identities",
        range.end() - range.start() + 1, range.start(), range.end()
    )]
    Exhausted {
        /// The numbers there are.
        range: RangeInclusive<u32>,
        /// How many some node uses.
        used: usize,
        /// How many nobody uses, but did until lately.
        resting: usize,
        /// For how long they rest.
        rest: Duration,
    },
    /// What was given cannot be kept in the registry.
    #[error("{what} cannot be kept in the registry: {reason}")]
    Invalid {
        /// What was given.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry's task has ended.
    #[error("the registry {backend} is closed: this process is shutting down")]
    Closed {
        /// The backend, without secrets.
        backend: String,
    },
}

fn foreign(backend: &str, found: &str, expected: &str, path: Option<&Path>) -> String {
    let move_there = match path {
        Some(path) => format!("stop its observer, remove {}, and start it", path.display()),
        None => "start its observer".to_owned(),
    };
    format!(
        "{backend} holds the cluster {found}, but this node belongs to the cluster {expected}: check the address and \
         the prefix; if the node shall move to that cluster, {move_there} again"
    )
}

fn wiped(backend: &str, expected: &str, path: Option<&Path>) -> String {
    let begin_anew = match path {
        Some(path) => format!("remove {} on each", path.display()),
        None => "remove what they keep of it".to_owned(),
    };
    format!(
        "{backend} holds no cluster, but this node belongs to the cluster {expected}: the data was lost, or the \
         prefix is another; restore etcd from a snapshot, or, to begin anew, stop the observers of all nodes, \
         {begin_anew}, and start them again"
    )
}
