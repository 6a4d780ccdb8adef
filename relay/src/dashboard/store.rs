//! The windows that are held: of a second for five minutes, of ten for an hour, of a minute for a day.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::cells::Cells;

/// Bytes that all windows may take together; beyond it the oldest go first. What the allocator adds is up to a third, and all
/// that is counted has to fit 256 MiB: `page-day` measures it.
pub(crate) const MOST_BYTES: usize = 160 << 20;

/// What a window takes beside its cells.
const WINDOW_BYTES: usize = 96;

const SECOND_MS: u64 = 1_000;

/// Lengths of windows in seconds, and how many of each are held.
const RESOLUTIONS: [(u64, usize); 3] = [(1, 300), (10, 360), (60, 1_440)];

/// What was counted in a span that is over.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClosedWindow {
    /// Numbers of the seconds in it.
    pub(crate) first_sequence: u64,
    pub(crate) last_sequence: u64,
    pub(crate) start_ms: u64,
    pub(crate) length_ms: u64,
    pub(crate) cells: Bytes,
    pub(crate) lost: u64,
    pub(crate) late: u64,
}

impl ClosedWindow {
    pub(crate) fn end_ms(&self) -> u64 {
        self.start_ms + self.length_ms
    }

    fn bytes(&self) -> usize {
        self.cells.len() + WINDOW_BYTES
    }

    pub(crate) fn message(&self) -> proto::tycho::v1::Window {
        proto::tycho::v1::Window {
            first_sequence: self.first_sequence,
            last_sequence: self.last_sequence,
            start_ms: as_ms(self.start_ms),
            length_ms: u32::try_from(self.length_ms).unwrap_or(u32::MAX),
            cells: self.cells.clone(),
            lost: self.lost,
            late: self.late,
        }
    }

    /// One window of several, in their order.
    pub(crate) fn merged(windows: &[Arc<Self>]) -> Self {
        let mut cells = Cells::default();
        let mut sum = Self::default();
        for window in windows {
            cells.add_encoded(&window.cells);
            sum.lost += window.lost;
            sum.late += window.late;
        }
        if let (Some(first), Some(last)) = (windows.first(), windows.last()) {
            sum.first_sequence = first.first_sequence;
            sum.last_sequence = last.last_sequence;
            sum.start_ms = first.start_ms;
            sum.length_ms = last.end_ms().saturating_sub(first.start_ms);
        }
        sum.cells = cells.encode();
        sum
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 have 41 bits"
)]
pub(crate) fn as_ms(ms: u64) -> f64 {
    ms as f64
}

/// Windows of one length.
#[derive(Debug)]
struct Held {
    length_ms: u64,
    most: usize,
    windows: VecDeque<Arc<ClosedWindow>>,
    /// Finer windows that do not fill one of this length yet.
    pending: Vec<Arc<ClosedWindow>>,
    /// Windows were given up early.
    cut: bool,
}

/// All windows that are held.
#[derive(Debug)]
pub(crate) struct WindowStore {
    held: [Held; 3],
    bytes: usize,
    most_bytes: usize,
}

impl WindowStore {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self {
            held: RESOLUTIONS.map(|(seconds, most)| Held {
                length_ms: seconds * SECOND_MS,
                most,
                windows: VecDeque::new(),
                pending: Vec::new(),
                cut: false,
            }),
            bytes: 0,
            most_bytes,
        }
    }

    /// Takes the next second.
    pub(crate) fn push(&mut self, window: ClosedWindow) {
        let mut finer = Some(Arc::new(window));
        for index in 0..self.held.len() {
            let Some(window) = finer.take() else { break };
            let next = self.held.get(index + 1).map(|held| held.length_ms);
            self.keep(index, Arc::clone(&window));
            let Some(length_ms) = next else { break };
            // A coarser window ends where the clock's does, so that all of them have the same bounds.
            let is_last = window.end_ms() % length_ms == 0;
            let coarser = &mut self.held[index + 1];
            let is_other = coarser
                .pending
                .first()
                .is_some_and(|first| first.start_ms / length_ms != window.start_ms / length_ms);
            if is_other {
                // The clock was set: what there is becomes a window as it is.
                let pending = std::mem::take(&mut coarser.pending);
                self.keep(index + 1, Arc::new(ClosedWindow::merged(&pending)));
            }
            let coarser = &mut self.held[index + 1];
            coarser.pending.push(window);
            if is_last {
                let pending = std::mem::take(&mut coarser.pending);
                finer = Some(Arc::new(ClosedWindow::merged(&pending)));
            }
        }
        self.make_room();
    }

    fn keep(&mut self, index: usize, window: Arc<ClosedWindow>) {
        self.bytes += window.bytes();
        let held = &mut self.held[index];
        held.windows.push_back(window);
        if held.windows.len() > held.most
            && let Some(oldest) = held.windows.pop_front()
        {
            self.bytes -= oldest.bytes();
        }
    }

    /// Gives up what is oldest, that is, of the coarsest windows that there are.
    fn make_room(&mut self) {
        while self.bytes > self.most_bytes {
            let with_some = self
                .held
                .iter_mut()
                .rev()
                .find(|held| !held.windows.is_empty());
            let Some(held) = with_some else { return };
            if let Some(oldest) = held.windows.pop_front() {
                held.cut = true;
                self.bytes -= oldest.bytes();
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lengths, the start of the oldest window of each, and whether there were older ones.
    pub(crate) fn resolutions(&self) -> impl Iterator<Item = (u64, u64, bool)> {
        self.held.iter().filter_map(|held| {
            let oldest = held.windows.front()?;
            Some((held.length_ms, oldest.start_ms, held.cut))
        })
    }

    /// The start of the oldest window of any length.
    pub(crate) fn oldest_ms(&self) -> u64 {
        self.resolutions()
            .map(|(_, oldest_ms, _)| oldest_ms)
            .min()
            .unwrap_or(0)
    }

    /// Seconds behind a number; none of those that are not held any more.
    pub(crate) fn after(&self, sequence: u64) -> Vec<Arc<ClosedWindow>> {
        let seconds = &self.held[0].windows;
        let from = seconds.partition_point(|window| window.last_sequence <= sequence);
        seconds.range(from..).cloned().collect()
    }

    /// The finest windows that cover a span, as far as one is covered: the coarser ones first, then those of the time that
    /// they do not have yet. Gives the length of the coarsest, too.
    pub(crate) fn within(&self, since_ms: u64, until_ms: u64) -> (u64, Vec<Arc<ClosedWindow>>) {
        let covers = |held: &&Held| {
            let oldest = held.windows.front();
            oldest.is_some_and(|oldest| oldest.start_ms <= since_ms)
        };
        let finest = self.held.iter().position(|held| covers(&held));
        // Nothing reaches back so far: whatever reaches furthest.
        let furthest = || {
            let starts = self
                .held
                .iter()
                .enumerate()
                .filter_map(|(index, held)| Some((held.windows.front()?.start_ms, index)));
            starts.min().map(|(_, index)| index)
        };
        let Some(begin) = finest.or_else(furthest) else {
            return (SECOND_MS, Vec::new());
        };
        let mut found: Vec<Arc<ClosedWindow>> = Vec::new();
        for held in self.held[..=begin].iter().rev() {
            let from_ms = found.last().map_or(0, |last| last.end_ms());
            let windows = held.windows.iter().filter(|window| {
                window.end_ms() > since_ms
                    && window.start_ms < until_ms
                    && window.start_ms >= from_ms
            });
            let more: Vec<_> = windows.cloned().collect();
            found.extend(more);
        }
        (self.held[begin].length_ms, found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::cells::{Cell, decode};
    use super::*;

    fn second(sequence: u64, start_ms: u64) -> ClosedWindow {
        let mut cells = Cells::default();
        let cell = Cell {
            connections: 1,
            packets: sequence,
            bytes: 0,
        };
        cells.add(1, &cell);
        ClosedWindow {
            first_sequence: sequence,
            last_sequence: sequence,
            start_ms,
            length_ms: SECOND_MS,
            cells: cells.encode(),
            lost: 1,
            late: 0,
        }
    }

    fn filled(seconds: u64, most_bytes: usize) -> WindowStore {
        let mut store = WindowStore::new(most_bytes);
        // Not at a full minute, as no relay starts there.
        for sequence in 1..=seconds {
            store.push(second(sequence, 7_013_000 + sequence * 1_000));
        }
        store
    }

    fn connections(windows: &[Arc<ClosedWindow>]) -> u64 {
        let cells = windows.iter().flat_map(|window| decode(&window.cells));
        cells.map(|(_, cell)| cell.connections).sum()
    }

    #[test]
    fn a_span_has_each_second_once_whatever_it_is_made_of() {
        let store = filled(4_000, MOST_BYTES);
        let end_ms = 7_013_000 + 4_001 * 1_000;
        for back in [10, 250, 900, 3_000, 3_999] {
            let since_ms = end_ms - back * 1_000;
            let (length_ms, windows) = store.within(since_ms, u64::MAX);
            let first_ms = windows[0].start_ms;
            assert!(first_ms <= since_ms, "{back}");
            assert!(
                since_ms - first_ms < length_ms,
                "{back}: rounded to a window"
            );
            assert_eq!(connections(&windows), (end_ms - first_ms) / 1_000, "{back}");
            assert!(
                windows.is_sorted_by(|a, b| a.end_ms() == b.start_ms),
                "{back}"
            );
            let lost: u64 = windows.iter().map(|window| window.lost).sum();
            assert_eq!(lost, (end_ms - first_ms) / 1_000);
        }
        let (length_ms, windows) = store.within(0, u64::MAX);
        assert_eq!(
            (length_ms, connections(&windows)),
            (60_000, 4_000),
            "all that there is"
        );
    }

    #[test]
    fn who_follows_gets_what_comes_behind() {
        let store = filled(400, MOST_BYTES);
        let sequences: Vec<u64> = store
            .after(398)
            .iter()
            .map(|window| window.first_sequence)
            .collect();
        assert_eq!(sequences, [399, 400]);
        assert_eq!(store.after(400).len(), 0);
        assert_eq!(store.after(0).len(), 300, "older ones are not held");
    }

    #[test]
    fn without_room_the_oldest_go_first_and_it_is_told() {
        let store = filled(4_000, 50_000);
        assert!(store.bytes() <= 50_000);
        let told: Vec<_> = store.resolutions().collect();
        assert_eq!((told[0].0, told[0].2), (1_000, false));
        assert!(told.len() < 3 || told[2].2, "{told:?}");
    }

    #[test]
    fn a_clock_that_is_set_mixes_no_windows() {
        let mut store = WindowStore::new(MOST_BYTES);
        for (sequence, start_ms) in (1..).zip([1_000, 2_000, 3_000, 500_000, 501_000, 509_000]) {
            store.push(second(sequence, start_ms));
        }
        let (_, windows) = store.within(0, u64::MAX);
        assert_eq!(connections(&windows), 6);
    }
}
