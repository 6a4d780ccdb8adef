//! The cluster's shared truth: nodes, endpoints, identities, policies

pub mod api_store;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod directory;
pub mod endpoint_file;
pub mod numbers;
pub mod watch;
