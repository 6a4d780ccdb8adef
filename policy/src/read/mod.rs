//! Policies from YAML text: one or many documents, every field either understood or refused with its place.

mod cilium;
mod document;
mod error;
mod icmp;
mod network_policy;
mod networks;
mod owner;
mod peers;
mod place;
mod ports;
mod selectors;
mod split;
mod unsupported;
mod yaml;

pub use document::{read_each, read_policies};
pub use error::{ReadError, ReadReason};
pub use selectors::{NAMESPACE_LABEL, NAMESPACE_LABELS_PREFIX};
