//! Where records enter the pipeline: checked, counted, queued. Never blocks; what does not fit is counted and told.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::thread::Thread;

use bpf_events::record::{
    KIND_LOST, KIND_WATERMARK, LOST_KERNEL_RING, LOST_QUEUE, RECORD_VERSION, Record,
};
use flow::record::decode;
use ringbuf::traits::{Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use zerocopy::FromZeros;

use super::counts::{Counts, add};

/// The receiving end of the queue, and how its thread is woken.
pub(super) struct Queue {
    pub(super) records: HeapCons<Record>,
    pub(super) reader: Arc<OnceLock<Thread>>,
}

/// What became of one record's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// It is a record, written by this CPU with this sequence number.
    Record {
        /// The CPU that wrote it.
        cpu: u16,
        /// Its number among the records that this CPU attempted, low 32 bits.
        sequence: u32,
    },
    /// It is not a record of this version.
    Malformed,
}

/// The sending end: one thread pushes records in.
pub struct Inlet {
    records: HeapProd<Record>,
    counts: Arc<Counts>,
    reader: Arc<OnceLock<Thread>>,
    /// Losses that the queue had no room to tell of yet, by what lost them and the CPU.
    untold: BTreeMap<(u8, u16), Untold>,
}

/// Lost records, and when.
#[derive(Clone, Copy, Debug)]
struct Untold {
    count: u64,
    first_ns: u64,
    last_ns: u64,
}

impl std::fmt::Debug for Inlet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Inlet")
            .field("untold", &self.untold)
            .finish_non_exhaustive()
    }
}

pub(super) fn inlet(records: usize, counts: Arc<Counts>) -> (Inlet, Queue) {
    let (producer, consumer) = HeapRb::new(records).split();
    let reader = Arc::new(OnceLock::new());
    let inlet = Inlet {
        records: producer,
        counts,
        reader: Arc::clone(&reader),
        untold: BTreeMap::new(),
    };
    let queue = Queue {
        records: consumer,
        reader,
    };
    (inlet, queue)
}

impl Inlet {
    /// Takes the bytes of one record.
    pub fn accept(&mut self, bytes: &[u8]) -> Decoded {
        add(&self.counts.read, 1);
        let record = match decode(bytes) {
            // Those are made on this side only.
            Ok(record) if !matches!(record.kind, KIND_WATERMARK | KIND_LOST) => record,
            _ => {
                add(&self.counts.malformed, 1);
                return Decoded::Malformed;
            }
        };
        if self.records.try_push(record).is_ok() {
            add(&self.counts.queued, 1);
        } else {
            add(&self.counts.queue_lost, 1);
            self.lose(LOST_QUEUE, 0, 1, record.time_ns, record.time_ns);
        }
        Decoded::Record {
            cpu: record.cpu,
            sequence: record.sequence,
        }
    }

    /// Counts a record that an earlier process left behind, after it was accepted.
    pub fn was_before_start(&mut self) {
        add(&self.counts.before_start, 1);
    }

    /// Tells of records that the kernel could not put into its ring. Times are monotonic.
    pub fn lost_in_kernel(&mut self, cpu: u16, count: u64, first_ns: u64, last_ns: u64) {
        add(&self.counts.ring_losses_told, count);
        self.lose(LOST_KERNEL_RING, cpu, count, first_ns, last_ns);
    }

    /// Says that no record older than this monotonic time will come any more, and wakes the reader.
    pub fn watermark(&mut self, time_ns: u64) {
        self.tell_losses();
        let watermark = Record {
            version: RECORD_VERSION,
            kind: KIND_WATERMARK,
            time_ns,
            ..Record::new_zeroed()
        };
        // Without room the next one will do: a later watermark says more.
        self.records.try_push(watermark).ok();
        if let Some(reader) = self.reader.get() {
            reader.unpark();
        }
    }

    fn lose(&mut self, source: u8, cpu: u16, count: u64, first_ns: u64, last_ns: u64) {
        let untold = self.untold.entry((source, cpu)).or_insert(Untold {
            count: 0,
            first_ns,
            last_ns,
        });
        untold.count += count;
        untold.first_ns = untold.first_ns.min(first_ns);
        untold.last_ns = untold.last_ns.max(last_ns);
    }

    fn tell_losses(&mut self) {
        while let Some((&(source, cpu), &untold)) = self.untold.first_key_value() {
            // A row has room for 32 bits; the rest follows in another.
            let told = u32::try_from(untold.count).unwrap_or(u32::MAX);
            let record = Record {
                version: RECORD_VERSION,
                kind: KIND_LOST,
                reason: source,
                cpu,
                packets: told,
                time_ns: untold.first_ns,
                bytes: untold.last_ns,
                ..Record::new_zeroed()
            };
            if self.records.try_push(record).is_err() {
                return;
            }
            let rest = untold.count - u64::from(told);
            if rest == 0 {
                self.untold.remove(&(source, cpu));
            } else if let Some(untold) = self.untold.get_mut(&(source, cpu)) {
                untold.count = rest;
            }
        }
    }
}

impl Drop for Inlet {
    /// What was lost last is told, room permitting; the reader sees that the inlet has gone.
    fn drop(&mut self) {
        self.watermark(u64::MAX);
    }
}
