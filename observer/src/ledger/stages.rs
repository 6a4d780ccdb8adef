//! The stages of a record's way, and what is lost or under way between them.

use proto::tycho::v1::LedgerRow;

use super::reading::KernelReading;
use crate::pipeline::PipelineReading;

/// The counters that the rows are made of.
pub(super) struct Stages<'a> {
    pub(super) pipeline: PipelineReading,
    pub(super) kernel: Option<&'a KernelReading>,
}

impl Stages<'_> {
    /// Records in the kernel's ring that were not read yet.
    fn in_ring(&self) -> u64 {
        self.kernel.map_or(0, |kernel| {
            kernel.emitted.saturating_sub(self.read_since_start())
        })
    }

    /// Records read that were written since the start.
    fn read_since_start(&self) -> u64 {
        self.pipeline
            .read
            .saturating_sub(self.pipeline.before_start)
    }

    /// Records between the queue's entrance and the store.
    fn in_flight(&self) -> u64 {
        self.pipeline.queued.saturating_sub(self.pipeline.stored)
    }

    /// Whether every stage equals the next one plus the named losses between them.
    pub(super) fn closed(&self) -> bool {
        let PipelineReading {
            read,
            malformed,
            queued,
            queue_lost,
            stored,
            ring_losses_told,
            ..
        } = self.pipeline;
        let kernel_closes = self.kernel.is_none_or(|kernel| {
            kernel.attempted == kernel.emitted + kernel.reserve_failed
                && kernel.emitted == self.read_since_start()
                && kernel.reserve_failed == ring_losses_told
        });
        kernel_closes && read == malformed + queue_lost + queued && queued == stored
    }

    /// The rows, in the order in which a record passes the stages.
    /// A row of the ledger.
    pub(super) fn rows(&self) -> Vec<LedgerRow> {
        let mut rows = Vec::new();
        if let Some(kernel) = self.kernel {
            rows.extend(self.kernel_rows(kernel));
        }
        let reading = &self.pipeline;
        let decoded = reading.read.saturating_sub(reading.malformed);
        rows.extend([
            row("read", reading.read, "records taken from the ring"),
            row(
                "lost: malformed",
                reading.malformed,
                "records that are not of this version's format",
            ),
            row("decoded", decoded, "records that were understood"),
            row(
                "lost: observer queue",
                reading.queue_lost,
                "records that found the queue behind the reader full",
            ),
            row("queued", reading.queued, "records that entered the queue"),
            row(
                "in flight: queue",
                self.in_flight(),
                "records in the queue, or held back to put them in order",
            ),
            row("stored", reading.stored, "records that became flows"),
            row(
                "stored late",
                reading.late,
                "of those, flows stored after a younger one",
            ),
            row(
                "stored early",
                reading.forced,
                "of those, flows stored before it was sure that nothing older would come",
            ),
            row(
                "loss events",
                reading.loss_rows,
                "events in the store that tell of losses",
            ),
            row(
                "delivered",
                reading.delivered,
                "flows sent to clients; each client counts",
            ),
        ]);
        rows
    }

    fn kernel_rows(&self, kernel: &KernelReading) -> [LedgerRow; 5] {
        [
            row(
                "attempted",
                kernel.attempted,
                "events that the kernel programs wanted to tell",
            ),
            row(
                "lost: kernel ring",
                kernel.reserve_failed,
                "events that found the ring full",
            ),
            row("emitted", kernel.emitted, "events written to the ring"),
            row(
                "before this start",
                self.pipeline.before_start,
                "records read that an earlier observer had left in the ring",
            ),
            row(
                "in flight: kernel ring",
                self.in_ring(),
                "events in the ring that were not read yet",
            ),
        ]
    }
}

pub(super) fn row(stage: &str, count: u64, meaning: &str) -> LedgerRow {
    LedgerRow {
        stage: stage.to_owned(),
        count,
        meaning: meaning.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_closes_only_when_every_difference_is_named() {
        let kernel = KernelReading {
            attempted: 110,
            emitted: 100,
            reserve_failed: 10,
            ..KernelReading::default()
        };
        let pipeline = PipelineReading {
            read: 105,
            before_start: 5,
            malformed: 1,
            queue_lost: 4,
            queued: 100,
            stored: 100,
            ring_losses_told: 10,
            ..PipelineReading::default()
        };
        let check = |change: fn(&mut PipelineReading, &mut KernelReading), expect| {
            let (mut pipeline, mut kernel) = (pipeline, kernel.clone());
            change(&mut pipeline, &mut kernel);
            let stages = Stages {
                pipeline,
                kernel: Some(&kernel),
            };
            assert_eq!(stages.closed(), expect, "{pipeline:?} {kernel:?}");
        };
        check(|_, _| {}, true);
        check(|pipeline, _| pipeline.stored = 99, false);
        check(|pipeline, _| pipeline.malformed = 0, false);
        check(|pipeline, _| pipeline.before_start = 4, false);
        check(|pipeline, _| pipeline.ring_losses_told = 9, false);
        check(|_, kernel| kernel.attempted = 111, false);
        check(
            |_, kernel| (kernel.attempted, kernel.emitted) = (111, 101),
            false,
        );
    }
}
