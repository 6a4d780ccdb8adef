//! Scopes and spans of identities in words.

use prost_types::Timestamp;
use proto::tycho::v1::{Identity, IdentityScope};

use crate::clock::format::TimeFormat;

pub(super) fn scope(identity: &Identity) -> &'static str {
    match identity.scope() {
        IdentityScope::Unspecified => "unknown",
        IdentityScope::Reserved => "reserved",
        IdentityScope::Cluster => "cluster",
        IdentityScope::Node => "node",
    }
}

/// A point in time; what has none is `-`.
pub(super) fn time(time: Option<&Timestamp>) -> String {
    match time {
        Some(time) => TimeFormat::Rfc3339.write(Some(time)),
        None => "-".to_owned(),
    }
}
