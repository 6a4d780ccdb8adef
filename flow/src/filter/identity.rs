//! `source_identity`, `destination_identity`: one of these numbers.

use super::Side;

#[derive(Debug)]
pub(super) struct Identities {
    side: Side,
    sorted: Vec<u32>,
}

impl Identities {
    pub(super) fn new(side: Side, identities: &[u32]) -> Self {
        let mut sorted = identities.to_vec();
        sorted.sort_unstable();
        Self { side, sorted }
    }

    #[inline]
    pub(super) fn test(&self, identity_word: u64) -> bool {
        self.sorted
            .binary_search(&self.side.half(identity_word))
            .is_ok()
    }
}
