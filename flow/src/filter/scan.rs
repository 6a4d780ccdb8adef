//! Runs a compiled filter over the rows of a segment.

use std::ops::Range;
use std::sync::atomic::Ordering;

use bpf_events::record::KIND_LOST;

use super::TimeWindow;
use super::predicate::{BLOCK, Predicate, keep_bits};
use crate::row::WORD_PORTS;
use crate::store::Segment;

/// The filters of one request, ready to run.
#[derive(Debug)]
pub struct CompiledFilter {
    whitelist: Vec<Conjunction>,
    blacklist: Vec<Conjunction>,
    window: TimeWindow,
}

/// Conditions that must all be met; none is met by every row.
#[derive(Debug)]
pub(super) struct Conjunction {
    predicates: Vec<Predicate>,
}

impl Conjunction {
    pub(super) fn new(predicates: Vec<Predicate>) -> Self {
        Self { predicates }
    }

    fn refine(&self, segment: &Segment, start: usize, mask: u64) -> u64 {
        self.predicates.iter().fold(mask, |mask, predicate| {
            if mask == 0 {
                0
            } else {
                predicate.refine(segment, start, mask)
            }
        })
    }
}

impl CompiledFilter {
    pub(super) fn new(
        whitelist: Vec<Conjunction>,
        blacklist: Vec<Conjunction>,
        window: TimeWindow,
    ) -> Self {
        Self {
            whitelist,
            blacklist,
            window,
        }
    }

    /// The times that the filter lets through.
    #[must_use]
    pub fn window(&self) -> TimeWindow {
        self.window
    }

    /// Whether every row passes.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.whitelist.is_empty()
            && self.blacklist.is_empty()
            && self.window == TimeWindow::default()
    }

    /// Appends the offsets in `range` (cut to what is published) of the rows that pass, in order. Losses pass every
    /// filter but the time window.
    pub fn scan(&mut self, segment: &Segment, range: Range<usize>, out: &mut Vec<u16>) {
        let end = range.end.min(segment.len());
        // After the length was read: rows below it carry only indexes that the tables have by now.
        for conjunction in self.whitelist.iter_mut().chain(&mut self.blacklist) {
            conjunction
                .predicates
                .iter_mut()
                .for_each(Predicate::prepare);
        }
        let windowed = !self.window.holds_segment(segment);
        let losses = segment.has_losses();
        let mut start = range.start / BLOCK * BLOCK;
        while start < end {
            let mut mask = u64::MAX;
            if start < range.start {
                mask <<= range.start - start;
            }
            if end - start < BLOCK {
                mask &= (1 << (end - start)) - 1;
            }
            if windowed {
                mask = self.window.refine(segment, start, mask);
            }
            let lost = if losses {
                lost_rows(segment, start, mask)
            } else {
                0
            };
            push_bits(self.pass(segment, start, mask) | lost, start, out);
            start += BLOCK;
        }
    }

    fn pass(&self, segment: &Segment, start: usize, mask: u64) -> u64 {
        let mut passed = if self.whitelist.is_empty() { mask } else { 0 };
        for conjunction in &self.whitelist {
            passed |= conjunction.refine(segment, start, mask & !passed);
        }
        for conjunction in &self.blacklist {
            passed &= !conjunction.refine(segment, start, passed);
        }
        passed
    }
}

fn lost_rows(segment: &Segment, start: usize, mask: u64) -> u64 {
    let column = segment.column(WORD_PORTS);
    keep_bits(mask, |bit| {
        column[start + bit].load(Ordering::Relaxed) >> 48 & 0xff == u64::from(KIND_LOST)
    })
}

fn push_bits(mask: u64, start: usize, out: &mut Vec<u16>) {
    let mut rest = mask;
    while rest != 0 {
        let offset = start + rest.trailing_zeros() as usize;
        rest &= rest - 1;
        out.push(u16::try_from(offset).expect("a segment has 4,096 rows"));
    }
}
