//! What can go wrong with the registry.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// Why something of the registry does not work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegistryError {
    /// The backend cannot be reached.
    #[error("the registry {backend} cannot be reached")]
    Away {
        /// The backend, without secrets.
        backend: String,
        /// Why.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
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
