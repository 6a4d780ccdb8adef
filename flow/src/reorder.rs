//! Puts the nearly sorted rows of several CPUs into time order, within a bounded window.

use std::collections::VecDeque;

use crate::row::FlowRow;

/// Holds rows back until a watermark says that nothing older will come.
///
/// A row is put in place from the back, so a nearly sorted stream costs a comparison or two per row. All memory is
/// taken at construction: when the window is full, its oldest row leaves early.
#[derive(Debug)]
pub struct Reorder {
    capacity: usize,
    /// (time, slot) in the order of release; equal times keep their order of arrival.
    order: VecDeque<(u64, u32)>,
    rows: Vec<FlowRow>,
    free: Vec<u32>,
    released_ns: u64,
    late: u64,
    forced: u64,
}

impl Reorder {
    /// A window of at most `capacity` rows (at least one).
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        let slots = capacity.max(1);
        let capacity = slots as usize;
        Self {
            capacity,
            order: VecDeque::with_capacity(capacity),
            rows: vec![FlowRow::default(); capacity],
            free: (0..slots).rev().collect(),
            released_ns: 0,
            late: 0,
            forced: 0,
        }
    }

    /// Takes a row. A late one (older than the last released) is released at once and counted.
    pub fn push(&mut self, row: &FlowRow, mut release: impl FnMut(&FlowRow)) {
        if row.time_ns < self.released_ns {
            self.late += 1;
            release(row);
            return;
        }
        if self.order.len() == self.capacity {
            self.forced += 1;
            // The new row may itself be the oldest of all.
            if self
                .order
                .front()
                .is_some_and(|&(oldest_ns, _)| row.time_ns < oldest_ns)
            {
                self.released_ns = row.time_ns;
                release(row);
                return;
            }
            self.release_oldest(&mut release);
        }
        let slot = self
            .free
            .pop()
            .expect("a window that is not full has a free slot");
        self.rows[slot as usize] = *row;
        let place = self.place_of(row.time_ns);
        self.order.insert(place, (row.time_ns, slot));
    }

    /// Releases every row older than `time_ns` (wall time), oldest first.
    pub fn watermark(&mut self, time_ns: u64, mut release: impl FnMut(&FlowRow)) {
        while self
            .order
            .front()
            .is_some_and(|&(oldest_ns, _)| oldest_ns < time_ns)
        {
            self.release_oldest(&mut release);
        }
    }

    /// Releases everything, oldest first.
    pub fn flush(&mut self, mut release: impl FnMut(&FlowRow)) {
        while !self.order.is_empty() {
            self.release_oldest(&mut release);
        }
    }

    /// Rows held back now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.order.len()
    }

    /// Rows that came after a younger one had left: these are out of order.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Rows that left before their watermark because the window was full.
    #[must_use]
    pub fn forced(&self) -> u64 {
        self.forced
    }

    fn place_of(&self, time_ns: u64) -> usize {
        let younger = self
            .order
            .iter()
            .rev()
            .take_while(|&&(held_ns, _)| held_ns > time_ns)
            .count();
        self.order.len() - younger
    }

    fn release_oldest(&mut self, release: &mut impl FnMut(&FlowRow)) {
        if let Some((time_ns, slot)) = self.order.pop_front() {
            self.released_ns = time_ns;
            self.free.push(slot);
            release(&self.rows[slot as usize]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(time_ns: u64) -> FlowRow {
        FlowRow {
            time_ns,
            ..FlowRow::default()
        }
    }

    /// Pushes all times, then flushes; `None` is a watermark at the youngest time seen.
    fn run(capacity: u32, input: &[Option<u64>]) -> (Vec<u64>, u64, u64) {
        let mut reorder = Reorder::new(capacity);
        let mut out = Vec::new();
        let mut youngest = 0;
        for step in input {
            match *step {
                Some(time_ns) => {
                    youngest = youngest.max(time_ns);
                    reorder.push(&row(time_ns), |row| out.push(row.time_ns));
                }
                None => reorder.watermark(youngest, |row| out.push(row.time_ns)),
            }
        }
        reorder.flush(|row| out.push(row.time_ns));
        (out, reorder.late(), reorder.forced())
    }

    #[test]
    fn rows_leave_in_time_order_and_exceptions_are_counted() {
        let check = |capacity, input: &[Option<u64>], expect: &[u64], late, forced| {
            assert_eq!(run(capacity, input), (expect.to_vec(), late, forced));
        };
        check(8, &[Some(3), Some(1), Some(2)], &[1, 2, 3], 0, 0);
        check(8, &[Some(3), Some(1), None, Some(2)], &[1, 2, 3], 0, 0);
        check(
            8,
            &[Some(3), Some(5), None, Some(2), Some(4)],
            &[3, 2, 4, 5],
            1,
            0,
        );
        check(2, &[Some(3), Some(5), Some(4)], &[3, 4, 5], 0, 1);
        check(2, &[Some(3), Some(5), Some(2)], &[2, 3, 5], 0, 1);
    }

    proptest! {
        #[test]
        fn within_the_window_the_result_is_a_stable_sort(times in proptest::collection::vec(0u64..50, 0..200)) {
            let mut reorder = Reorder::new(256);
            let mut out = Vec::new();
            for (arrival, &time_ns) in times.iter().enumerate() {
                let row = FlowRow { time_ns, bytes: arrival as u64, ..FlowRow::default() };
                reorder.push(&row, |row| out.push((row.time_ns, row.bytes)));
            }
            reorder.flush(|row| out.push((row.time_ns, row.bytes)));
            let mut expect: Vec<_> = times.iter().enumerate().map(|(arrival, &time_ns)| (time_ns, arrival as u64)).collect();
            expect.sort();
            prop_assert_eq!(out, expect);
            prop_assert_eq!(reorder.late() + reorder.forced(), 0);
        }

        #[test]
        fn nothing_is_lost_and_order_breaks_only_by_late_rows(
            capacity in 1u32..16,
            input in proptest::collection::vec(proptest::option::weighted(0.9, 0u64..100), 0..200),
        ) {
            let (out, late, _) = run(capacity, &input);
            let mut sorted_out = out.clone();
            sorted_out.sort_unstable();
            let mut sorted_in: Vec<u64> = input.iter().flatten().copied().collect();
            sorted_in.sort_unstable();
            prop_assert_eq!(sorted_out, sorted_in);
            let mut youngest = 0;
            let older = out.iter().filter(|&&time_ns| { let old = time_ns < youngest; youngest = youngest.max(time_ns); old }).count();
            prop_assert_eq!(older as u64, late);
        }
    }
}
