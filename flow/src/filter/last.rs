//! Where the last N matching flows begin.

use super::CompiledFilter;
use crate::store::Store;

impl CompiledFilter {
    /// The sequence number from which on exactly the last `number` matching flows follow; the oldest held if fewer
    /// match, the next one if `number` is 0. Losses do not count, though they pass.
    ///
    /// Looks at segments from the youngest back, so a few flows cost a few segments.
    pub fn last_matching(&mut self, store: &Store, number: u64) -> u64 {
        let segments = store.segments();
        let next = segments
            .last()
            .map_or(0, |segment| segment.base() + segment.len() as u64);
        if number == 0 {
            return next;
        }
        let mut missing = number;
        let mut offsets = Vec::new();
        for segment in segments.iter().rev() {
            offsets.clear();
            self.scan(segment, 0..segment.len(), &mut offsets);
            for &offset in offsets.iter().rev() {
                let is_lost = segment.has_losses()
                    && segment.row(offset.into()).is_some_and(|row| row.is_lost());
                missing -= u64::from(!is_lost);
                if missing == 0 {
                    return segment.base() + u64::from(offset);
                }
            }
        }
        segments.first().map_or(next, |segment| segment.base())
    }
}
