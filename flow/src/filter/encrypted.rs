//! `encrypted`: we see packets before any tunnel, so none is.

/// Whether the flows of this node match.
pub(super) fn matches_unencrypted(wanted: &[bool]) -> bool {
    wanted.contains(&false)
}
