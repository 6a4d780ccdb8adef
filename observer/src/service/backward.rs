//! Where the last N matching flows begin: a search from the newest segment back, a segment at a time.

use std::sync::Arc;

use flow::filter::CompiledFilter;
use flow::store::{Segment, Store};

/// A search under way.
#[derive(Debug)]
pub(super) struct Backward {
    /// Segments that were not looked at, oldest first.
    segments: Vec<Arc<Segment>>,
    /// Matching flows that were asked for.
    wanted: u64,
    /// Those still to be found.
    missing: u64,
    /// Where the answer begins if there are fewer than asked for.
    floor: u64,
    /// The sequence number behind the newest flow of the search.
    end: u64,
    offsets: Vec<u16>,
}

impl Backward {
    pub(super) fn new(store: &Store, since_ns: u64, number: u64) -> Self {
        let (oldest, end) = store.range();
        let floor = store.first_at(since_ns).clamp(oldest, end);
        let segments = store.segments();
        Self {
            segments: segments
                .into_iter()
                .filter(|segment| segment.base() >= floor && segment.base() < end)
                .collect(),
            wanted: number,
            missing: number,
            floor,
            end,
            offsets: Vec::new(),
        }
    }

    /// Where flows begin that came after the search did.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// How many flows it has found.
    pub(super) fn found(&self) -> u64 {
        self.wanted - self.missing
    }

    /// Looks at one more segment; the place where the answer begins, once it is known.
    pub(super) fn step(&mut self, filter: &mut CompiledFilter) -> Option<u64> {
        let Some(segment) = self.segments.pop() else {
            return Some(self.floor);
        };
        let window = filter.window();
        if segment.oldest_ns() > window.until_ns || segment.youngest_ns() < window.since_ns {
            return None;
        }
        let published = usize::try_from(self.end - segment.base()).unwrap_or(usize::MAX);
        self.offsets.clear();
        filter.scan(&segment, 0..published, &mut self.offsets);
        if !segment.has_losses() {
            let found = self.offsets.len() as u64;
            if found < self.missing {
                self.missing -= found;
                return None;
            }
        }
        for &offset in self.offsets.iter().rev() {
            // Losses do not count.
            let is_lost =
                segment.has_losses() && segment.row(offset.into()).is_some_and(|row| row.is_lost());
            if !is_lost {
                self.missing -= 1;
            }
            if self.missing == 0 {
                return Some(segment.base() + u64::from(offset));
            }
        }
        None
    }
}
