//! `traffic_direction`: one of these.

/// Bit n is direction n.
#[derive(Debug)]
pub(super) struct Directions(u16);

impl Directions {
    pub(super) fn new(directions: &[i32]) -> Self {
        let bit = |&direction: &i32| {
            u32::try_from(direction)
                .ok()
                .and_then(|direction| 1u16.checked_shl(direction))
        };
        Self(
            directions
                .iter()
                .filter_map(bit)
                .fold(0, |bits, bit| bits | bit),
        )
    }

    #[inline]
    pub(super) fn test(&self, event_word: u64) -> bool {
        self.0 >> (event_word >> 56 & 15) & 1 != 0
    }
}
