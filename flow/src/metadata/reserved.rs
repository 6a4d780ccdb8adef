//! The reserved identities, whose metadata indexes are their numbers.

use policy::{Label, LabelSet, SOURCE_RESERVED};

use super::{MetadataContent, MetadataKind};

/// Names of the reserved identities 0 to 10, as in the labels `reserved:<name>`.
pub const RESERVED_NAMES: [&str; 11] = [
    "unknown",
    "host",
    "world",
    "unmanaged",
    "health",
    "init",
    "remote-node",
    "kube-apiserver",
    "ingress",
    "world-ipv4",
    "world-ipv6",
];

/// The first index that is not kept for reserved identities.
pub const FIRST_FREE_INDEX: u32 = 16;

/// What is known of a reserved identity.
#[must_use]
pub fn reserved_content(identity: u32) -> Option<MetadataContent> {
    let name = RESERVED_NAMES.get(usize::try_from(identity).ok()?)?;
    Some(MetadataContent {
        kind: MetadataKind::Reserved,
        identity,
        labels: LabelSet::from_iter([Label::new(SOURCE_RESERVED, *name, "")]),
        ..MetadataContent::default()
    })
}
