//! The counts of a relay, or of one client's own question: open seconds, closed windows, and what their numbers mean.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use proto::tycho::v1::Definitions;

use super::cells::{Cell, Cells};
use super::pods::Pods;
use super::series::{MOST_SERIES, SeriesKey, SeriesTables};
use super::store::{ClosedWindow, MOST_BYTES, WindowStore};

const SECOND_MS: u64 = 1_000;

/// How long after its end a second stays open: for flows of nodes that tell theirs a little later.
const GRACE_MS: u64 = 400;

/// Seconds that are closed one by one; beyond it the clock has jumped.
const MOST_APART: u64 = 60;

/// Seconds that can be open.
const MOST_OPEN: u64 = 4;

/// A second that is not over.
#[derive(Debug, Default)]
struct OpenSecond {
    cells: Cells,
    lost: u64,
    late: u64,
}

/// Counts and their meaning.
#[derive(Debug)]
pub(crate) struct DashboardCounts {
    /// The life of these counts.
    epoch: u64,
    pub(crate) tables: SeriesTables,
    store: WindowStore,
    /// By start, in units since 1970.
    open: BTreeMap<u64, OpenSecond>,
    /// Length of what is open.
    unit_ms: u64,
    /// What is closed next.
    next_second: u64,
    /// How many can be open. What is older counts in the oldest of them.
    most_open: u64,
    sequence: u64,
    in_other: u64,
    /// Names of pods that were seen.
    pub(crate) pods: Pods,
    /// Flows that were lost, by node.
    lost: BTreeMap<String, u64>,
    /// How long ago nothing could be forgotten: it is not tried at each flow.
    full_since_ms: Option<u64>,
}

/// How much is held.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    pub(crate) resolutions: Vec<(u64, u64, bool)>,
    pub(crate) series: usize,
    pub(crate) most_series: usize,
    pub(crate) bytes: usize,
    pub(crate) in_other: u64,
}

/// The counts, also if whoever had them has broken.
pub(crate) fn locked(counts: &Mutex<DashboardCounts>) -> MutexGuard<'_, DashboardCounts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DashboardCounts {
    pub(crate) fn new(epoch: u64, now_ms: u64) -> Self {
        Self {
            epoch,
            tables: SeriesTables::new(MOST_SERIES),
            store: WindowStore::new(MOST_BYTES),
            open: BTreeMap::new(),
            unit_ms: SECOND_MS,
            next_second: now_ms / SECOND_MS,
            most_open: MOST_OPEN,
            sequence: 0,
            in_other: 0,
            pods: Pods::default(),
            lost: BTreeMap::new(),
            full_since_ms: None,
        }
    }

    /// For a count of what was: nothing closes, and spans of `unit_ms` are told at the end.
    pub(crate) fn of_the_past(since_ms: u64, unit_ms: u64, units: u64) -> Self {
        Self {
            unit_ms,
            next_second: since_ms / unit_ms,
            most_open: units,
            ..Self::new(0, since_ms)
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The number of the newest second that is closed.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The number of a series; it may be that of "other".
    pub(crate) fn series(&mut self, key: SeriesKey, time_ms: u64) -> u32 {
        let (number, has_room) = self.tables.series(key, time_ms);
        if !has_room {
            self.in_other += 1;
            self.try_to_forget(time_ms);
        }
        number
    }

    /// Counts at a time; in the oldest second that is open if that of the time is closed.
    pub(crate) fn add(&mut self, series: u32, time_ms: u64, cell: &Cell) {
        self.tables.seen(series, time_ms);
        let (second, is_late) = self.open_at(time_ms);
        second.cells.add(series, cell);
        second.late += u64::from(is_late) * cell.connections;
    }

    /// A node tells of flows that are missing.
    pub(crate) fn add_lost(&mut self, node: &str, time_ms: u64, flows: u64) {
        self.open_at(time_ms).0.lost += flows;
        match self.lost.get_mut(node) {
            Some(lost) => *lost += flows,
            None => drop(self.lost.insert(node.to_owned(), flows)),
        }
    }

    /// Flows of a node that were lost since these counts began.
    pub(crate) fn lost_of(&self, node: &str) -> u64 {
        self.lost.get(node).copied().unwrap_or(0)
    }

    /// The spans of a count of the past, oldest first.
    pub(crate) fn spans(&self) -> Vec<ClosedWindow> {
        let open = self.open.iter().zip(1..);
        let spans = open.map(|((unit, open), sequence)| ClosedWindow {
            first_sequence: sequence,
            last_sequence: sequence,
            start_ms: unit * self.unit_ms,
            length_ms: self.unit_ms,
            cells: open.cells.encode(),
            lost: open.lost,
            late: 0,
        });
        spans.collect()
    }

    fn open_at(&mut self, time_ms: u64) -> (&mut OpenSecond, bool) {
        let second = time_ms / self.unit_ms;
        let is_late = second < self.next_second;
        // A clock that is ahead of ours must not open a second of next year.
        let newest = self.next_second + self.most_open - 1;
        let second = second.clamp(self.next_second, newest);
        (self.open.entry(second).or_default(), is_late)
    }

    /// Closes the seconds that are over; says whether there were any.
    pub(crate) fn tick(&mut self, now_ms: u64) -> bool {
        let before = self.sequence;
        let due = now_ms.saturating_sub(GRACE_MS) / SECOND_MS;
        if due.abs_diff(self.next_second) > MOST_APART {
            // The machine slept, or its clock was set: nobody counted in between, or counts that time again.
            self.close();
            self.next_second = due.saturating_sub(1);
            let open = std::mem::take(&mut self.open).into_values();
            self.open = open
                .zip(self.next_second..)
                .map(|(open, second)| (second, open))
                .collect();
        }
        while self.next_second < due {
            self.close();
        }
        self.sequence > before
    }

    fn close(&mut self) {
        let open = self.open.remove(&self.next_second).unwrap_or_default();
        self.sequence += 1;
        self.store.push(ClosedWindow {
            first_sequence: self.sequence,
            last_sequence: self.sequence,
            start_ms: self.next_second * SECOND_MS,
            length_ms: SECOND_MS,
            cells: open.cells.encode(),
            lost: open.lost,
            late: open.late,
        });
        self.next_second += 1;
    }

    /// Drops of the seconds that are open.
    pub(crate) fn early_drops(&self) -> Bytes {
        let mut drops = Cells::default();
        for open in self.open.values() {
            let of_drops = open.cells.encode_some(|series| self.tables.is_drop(series));
            drops.add_encoded(&of_drops);
        }
        drops.encode()
    }

    pub(crate) fn after(&self, sequence: u64) -> Vec<Arc<ClosedWindow>> {
        self.store.after(sequence)
    }

    pub(crate) fn within(&self, since_ms: u64, until_ms: u64) -> (u64, Vec<Arc<ClosedWindow>>) {
        self.store.within(since_ms, until_ms)
    }

    pub(crate) fn oldest_ms(&self) -> u64 {
        self.store.oldest_ms()
    }

    pub(crate) fn definitions_since(&self, revision: u64) -> Definitions {
        self.tables.definitions_since(revision, self.epoch)
    }

    pub(crate) fn extent(&self) -> Extent {
        Extent {
            resolutions: self.store.resolutions().collect(),
            series: self.tables.len(),
            most_series: self.tables.most(),
            bytes: self.store.bytes(),
            in_other: self.in_other,
        }
    }

    /// Makes room for series, at most once a minute.
    fn try_to_forget(&mut self, now_ms: u64) {
        const PAUSE_MS: u64 = 60_000;
        if self
            .full_since_ms
            .is_some_and(|tried_ms| now_ms < tried_ms + PAUSE_MS)
        {
            return;
        }
        self.full_since_ms = Some(now_ms);
        self.tables.forget_before(self.store.oldest_ms());
    }
}

#[cfg(test)]
mod tests {
    use proto::flow::{TrafficDirection, Verdict};

    use super::super::cells::decode;
    use super::*;

    const START_MS: u64 = 1_700_000_000_000;

    fn counts() -> DashboardCounts {
        DashboardCounts::new(7, START_MS)
    }

    fn series(counts: &mut DashboardCounts, verdict: Verdict) -> u32 {
        series_at(counts, verdict, 80)
    }

    fn series_at(counts: &mut DashboardCounts, verdict: Verdict, port: u16) -> u32 {
        let key = SeriesKey {
            source: 2,
            destination: 3,
            protocol: 6,
            port,
            direction: TrafficDirection::Ingress.into(),
            verdict: verdict.into(),
            drop_reason: 0,
            rule: 0,
            node: 0,
            counts: true,
        };
        counts.series(key, START_MS)
    }

    fn one() -> Cell {
        Cell {
            connections: 1,
            ..Cell::default()
        }
    }

    #[test]
    fn a_second_closes_when_nodes_have_had_time_to_tell_of_it() {
        let mut counts = counts();
        let series = series(&mut counts, Verdict::Forwarded);
        counts.add(series, START_MS + 999, &one());
        counts.add(series, START_MS + 1_000, &one());
        assert!(!counts.tick(START_MS + 1_399));
        assert!(counts.tick(START_MS + 1_400));
        let windows = counts.after(0);
        assert_eq!((windows.len(), windows[0].start_ms), (1, START_MS));
        assert_eq!(
            decode(&windows[0].cells).collect::<Vec<_>>(),
            [(series, one())]
        );
    }

    #[test]
    fn what_comes_late_or_from_another_time_is_counted_once_and_named() {
        let mut counts = counts();
        let series = series(&mut counts, Verdict::Forwarded);
        counts.tick(START_MS + 10_400);
        for time_ms in [START_MS, START_MS + 10_100, START_MS + 999_000_000] {
            counts.add(series, time_ms, &one());
        }
        counts.add_lost("n", START_MS, 5);
        counts.tick(START_MS + 20_400);
        let windows = counts.after(10);
        let connections: u64 = windows
            .iter()
            .flat_map(|window| decode(&window.cells))
            .map(|(_, cell)| cell.connections)
            .sum();
        assert_eq!(connections, 3);
        assert_eq!(windows.iter().map(|window| window.late).sum::<u64>(), 1);
        assert_eq!(windows.iter().map(|window| window.lost).sum::<u64>(), 5);
        assert_eq!((counts.lost_of("n"), counts.lost_of("m")), (5, 0));
    }

    #[test]
    fn after_a_day_the_bound_holds_and_the_oldest_minutes_have_gone() {
        const MOST: usize = 120_000;
        const DAY: u64 = 86_400;
        let mut counts = DashboardCounts {
            store: WindowStore::new(MOST),
            ..counts()
        };
        let ports = (0..12).map(|port| series_at(&mut counts, Verdict::Forwarded, port));
        let ports: Vec<u32> = ports.collect();
        let minutes = |counts: &DashboardCounts| {
            let resolutions = counts.extent().resolutions;
            resolutions
                .into_iter()
                .find(|(length_ms, ..)| *length_ms == 60_000)
        };
        let mut first_cut = None;
        for second in 0..DAY {
            // Half a minute in which every other one is used, and the same of the others.
            let used = ports.iter().skip((second / 30 % 2) as usize).step_by(2);
            for series in used {
                counts.add(*series, START_MS + second * 1_000, &one());
            }
            counts.tick(START_MS + second * 1_000 + 1_400);
            assert!(counts.extent().bytes <= MOST, "{second}");
            if first_cut.is_none() && minutes(&counts).is_some_and(|(.., is_cut)| is_cut) {
                first_cut = Some(second);
            }
        }
        let first_cut = first_cut.expect("a day has no room");
        assert!((7_200..DAY).contains(&first_cut), "{first_cut}");
        let end_ms = START_MS + DAY * 1_000;
        let told = counts.extent().resolutions;
        assert_eq!(told[0], (1_000, end_ms - 300_000, false));
        let (length_ms, oldest_ms, is_cut) = told[1];
        assert_eq!((length_ms, is_cut), (10_000, false));
        assert!((end_ms - oldest_ms).abs_diff(3_600_000) < 10_000);
        // What is left of the minutes is the newest of them, without a gap; who asks for the whole day gets that.
        let (_, oldest_ms, is_cut) = told[2];
        assert!(is_cut);
        let (length_ms, windows) = counts.within(START_MS, end_ms);
        assert_eq!((length_ms, windows[0].start_ms), (60_000, oldest_ms));
        assert!(windows.is_sorted_by(|a, b| a.end_ms() == b.start_ms));
        assert_eq!(windows.last().map(|window| window.end_ms()), Some(end_ms));
        let cells = windows.iter().flat_map(|window| decode(&window.cells));
        let connections: u64 = cells.map(|(_, cell)| cell.connections).sum();
        assert_eq!(connections, (end_ms - oldest_ms) / 1_000 * 6);
        // They go one by one: there was no room for one more.
        let minute = windows[0].cells.len();
        assert!(
            counts.extent().bytes + 4 * minute > MOST,
            "{}",
            counts.extent().bytes
        );
    }

    #[test]
    fn drops_are_told_before_their_second_is_over() {
        let mut counts = counts();
        let passed = series(&mut counts, Verdict::Forwarded);
        let dropped = series(&mut counts, Verdict::Dropped);
        counts.add(passed, START_MS, &one());
        counts.add(dropped, START_MS, &one());
        let early: Vec<_> = decode(&counts.early_drops()).collect();
        assert_eq!(early, [(dropped, one())]);
        counts.tick(START_MS + 1_400);
        assert!(counts.early_drops().is_empty());
    }

    #[test]
    fn a_clock_that_jumps_costs_no_count_and_makes_no_million_windows() {
        for jumped_ms in [START_MS + 86_400_000, START_MS - 86_400_000] {
            let mut counts = counts();
            let series = series(&mut counts, Verdict::Forwarded);
            counts.add(series, START_MS + 1_000, &one());
            counts.tick(jumped_ms);
            counts.add(series, jumped_ms, &one());
            counts.tick(jumped_ms + 5_000);
            assert!(
                (5..10).contains(&counts.sequence()),
                "{}",
                counts.sequence()
            );
            let windows = counts.after(0);
            let cells = windows.iter().flat_map(|window| decode(&window.cells));
            assert_eq!(cells.map(|(_, cell)| cell.connections).sum::<u64>(), 2);
        }
    }
}
