//! The reserved identities, whose metadata indexes are their numbers.

use policy::Identity;

use super::{MetadataContent, MetadataKind};

/// The first index that is not kept for reserved identities.
pub const FIRST_FREE_INDEX: u32 = 16;

/// What is known of a reserved identity.
#[must_use]
pub fn reserved_content(identity: u32) -> Option<MetadataContent> {
    Some(MetadataContent {
        kind: MetadataKind::Reserved,
        identity,
        labels: Identity(identity).reserved_labels()?,
        ..MetadataContent::default()
    })
}
