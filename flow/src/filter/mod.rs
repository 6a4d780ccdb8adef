//! Filters: Hubble's `FlowFilter` lists, compiled once per request and run over columns.
//!
//! A flow passes if the whitelist is empty or one of its filters matches, and no filter of the blacklist matches. In one
//! filter every field that is set must match; of a field's values one must.

mod cluster_name;
mod compile;
mod drop_reason;
mod encrypted;
mod event_type;
mod identity;
mod interface;
mod ip;
mod ip_version;
mod label;
mod last;
mod metadata;
mod node_name;
mod pod;
mod port;
mod predicate;
mod protocol;
mod reply;
mod scan;
mod tcp_flags;
mod traffic_direction;
mod unbuilt;
mod uuid;
mod verdict;
mod window;
mod workload;

use std::sync::Arc;

use crate::interfaces::InterfaceTable;
use crate::metadata::MetadataTable;
use crate::reference::Epoch;

pub use compile::compile;
pub use scan::CompiledFilter;
pub use window::TimeWindow;

/// What filters are compiled against: the node whose flows they select.
#[derive(Debug, Clone)]
pub struct FilterContext {
    /// `<cluster>/<node>`; a name without a slash counts as of cluster `default`.
    pub node_name: String,
    /// This life of the observer, for flow references.
    pub epoch: Epoch,
    /// Who is behind a metadata index.
    pub metadata: Arc<MetadataTable>,
    /// Names of interfaces.
    pub interfaces: Arc<InterfaceTable>,
}

/// Why a filter is refused: the caller answers INVALID_ARGUMENT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A field that no flow of ours can match yet. Ignoring it would silently widen the filter.
    #[error("filter field {field} is not supported")]
    Unsupported {
        /// Name in `flow.FlowFilter`.
        field: &'static str,
    },
    /// A value that says nothing.
    #[error("invalid {field} filter {value:?}: {reason}")]
    Value {
        /// Name in `flow.FlowFilter`.
        field: &'static str,
        /// The value as given.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl FilterError {
    fn value(field: &'static str, value: impl ToString, reason: impl ToString) -> Self {
        Self::Value {
            field,
            value: value.to_string(),
            reason: reason.to_string(),
        }
    }
}

/// Which end of a flow a field is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
}

impl Side {
    /// The half of a word that holds this end's number.
    #[inline]
    const fn half(self, word: u64) -> u32 {
        match self {
            Self::Source => crate::row::low(word),
            Self::Destination => crate::row::high(word),
        }
    }
}
