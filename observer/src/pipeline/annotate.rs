//! The annotate thread: takes records from the queue, puts them in order, stores flows.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bpf_events::record::{KIND_LOST, KIND_WATERMARK, Record};
use flow::annotate::annotate;
use flow::clock::Clock;
use flow::reorder::Reorder;
use flow::row::FlowRow;
use flow::store::Writer;
use ringbuf::traits::{Consumer, Observer as _};
use zerocopy::FromZeros;

use super::clocks::wall_clock;
use super::counts::{Counts, add};
use super::inlet::Queue;
use super::rate::Rate;

/// Records taken from the queue at a time; flows are published as often.
const BATCH: usize = 1_024;

/// The offset to wall time, and the rate, are refreshed this often.
const REFRESH: Duration = Duration::from_secs(1);

/// An idle thread looks for the end of its inlet this often; records wake it at once.
const IDLE: Duration = Duration::from_millis(200);

/// The state of the thread.
pub struct Annotator {
    queue: Queue,
    batch: Box<[Record]>,
    clock: Clock,
    clock_offset_ns: i64,
    refreshed: Instant,
    reorder: Reorder,
    writer: Writer,
    counts: Arc<Counts>,
    rate: Arc<Rate>,
}

impl std::fmt::Debug for Annotator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Annotator")
    }
}

impl Annotator {
    pub(super) fn new(
        queue: Queue,
        writer: Writer,
        reorder: Reorder,
        clock_offset_ns: i64,
        counts: Arc<Counts>,
        rate: Arc<Rate>,
    ) -> Self {
        Self {
            queue,
            batch: vec![Record::new_zeroed(); BATCH].into(),
            clock: clock(clock_offset_ns),
            clock_offset_ns,
            refreshed: Instant::now(),
            reorder,
            writer,
            counts,
            rate,
        }
    }

    /// Works until the inlet is gone and everything is stored.
    pub fn run(mut self) {
        self.queue
            .reader
            .get_or_init(|| std::thread::current().clone());
        loop {
            // Asked before the queue is emptied: what was pushed before the end is not missed.
            let ended = !self.queue.records.write_is_held();
            if self.step() > 0 {
                continue;
            }
            if ended {
                break;
            }
            self.refresh();
            std::thread::park_timeout(IDLE);
        }
        self.finish();
    }

    /// Stores what is in the queue, at most a batch; returns how many records it took.
    pub fn step(&mut self) -> usize {
        let taken = self.queue.records.pop_slice(&mut self.batch);
        if taken == 0 {
            return 0;
        }
        let mut tally = Tally::default();
        let mut promised_ns = 0;
        for record in self.batch.iter().take(taken) {
            match record.kind {
                KIND_WATERMARK => {
                    let watermark_ns = self.clock.wall_ns(record.time_ns);
                    self.reorder
                        .watermark(watermark_ns, |row| tally.append(&mut self.writer, row));
                    promised_ns = watermark_ns.max(promised_ns);
                }
                // It tells of a span, not of a moment, so it has no place among the others.
                KIND_LOST => tally.append(&mut self.writer, &annotate(record, &self.clock)),
                _ => {
                    tally.annotated += 1;
                    let row = annotate(record, &self.clock);
                    self.reorder
                        .push(&row, |row| tally.append(&mut self.writer, row));
                }
            }
        }
        self.publish(&tally);
        if promised_ns > 0 {
            self.writer.promise(promised_ns);
        }
        if self.refreshed.elapsed() >= REFRESH {
            self.refresh();
        }
        taken
    }

    /// Stores everything that is held back.
    fn finish(&mut self) {
        let mut tally = Tally::default();
        self.reorder
            .flush(|row| tally.append(&mut self.writer, row));
        self.publish(&tally);
    }

    fn publish(&mut self, tally: &Tally) {
        self.writer.publish();
        let counts = &self.counts;
        add(&counts.annotated, tally.annotated);
        add(&counts.loss_rows, tally.losses);
        add(&counts.stored, tally.flows);
        counts.late.store(self.reorder.late(), Ordering::Release);
        counts
            .forced
            .store(self.reorder.forced(), Ordering::Release);
    }

    fn refresh(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.refreshed) >= REFRESH {
            self.refreshed = now;
            self.clock = clock(self.clock_offset_ns);
            self.rate
                .sample(now, self.counts.stored.load(Ordering::Relaxed));
        }
    }
}

/// The machine's clock, set off.
fn clock(offset_ns: i64) -> Clock {
    Clock::from_offset_ns(wall_clock().offset_ns().saturating_add(offset_ns))
}

/// What one batch stored.
#[derive(Default)]
struct Tally {
    annotated: u64,
    flows: u64,
    losses: u64,
}

impl Tally {
    fn append(&mut self, writer: &mut Writer, row: &FlowRow) {
        writer.append(row);
        if row.is_lost() {
            self.losses += 1;
        } else {
            self.flows += 1;
        }
    }
}
