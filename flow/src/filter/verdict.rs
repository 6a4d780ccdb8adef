//! `verdict`: one of these.

/// Bit n is verdict n.
#[derive(Debug)]
pub(super) struct Verdicts(u64);

impl Verdicts {
    pub(super) fn new(verdicts: &[i32]) -> Self {
        // A verdict beyond the known ones is in no row.
        let bit = |&verdict: &i32| {
            u32::try_from(verdict)
                .ok()
                .and_then(|verdict| 1u64.checked_shl(verdict))
        };
        Self(
            verdicts
                .iter()
                .filter_map(bit)
                .fold(0, |bits, bit| bits | bit),
        )
    }

    #[inline]
    pub(super) fn test(&self, ports_word: u64) -> bool {
        let verdict = ports_word >> 40 & 0xff;
        verdict < 64 && self.0 >> verdict & 1 != 0
    }
}
