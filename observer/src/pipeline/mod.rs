//! From records to stored flows: inlet → queue → annotate thread → store.
//!
//! Whoever has records pushes them into an [`Inlet`]; a thread puts them in time order, gives them wall time and appends
//! them to the store. Nothing here knows where records come from, so recorded bytes take the same path as the kernel's.

mod annotate;
mod clocks;
mod counts;
mod inlet;
mod rate;
mod settled;

use std::sync::Arc;

use daemon::tasks::Tasks;
use flow::reorder::Reorder;
use flow::store::Store;

pub use annotate::Annotator;
pub use clocks::{monotonic_ns, wall_clock, wall_ns};
pub use counts::{Counts, PipelineReading};
pub use inlet::{Decoded, Inlet};
pub use rate::Rate;
pub(crate) use settled::Settled;

/// Records between the inlet and the annotate thread, 128 bytes each.
pub const QUEUE_RECORDS: usize = 65_536;

/// Records held back to put those of several CPUs in order.
const REORDER_RECORDS: u32 = 16_384;

/// A store that is being filled.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Where the flows are.
    pub store: Arc<Store>,
    /// What passed each stage.
    pub counts: Arc<Counts>,
    /// How fast flows come.
    pub rate: Arc<Rate>,
    /// How far the clock of its flows is set off from the machine's, for tests.
    pub clock_offset_ns: i64,
}

impl Pipeline {
    /// A pipeline for at least `flows` flows: the end to push records into, and the work of its thread.
    #[must_use]
    pub fn new(flows: u64) -> (Self, Inlet, Annotator) {
        Self::with_clock_offset(flows, 0)
    }

    /// The same with a clock that is set off.
    #[must_use]
    pub fn with_clock_offset(flows: u64, clock_offset_ns: i64) -> (Self, Inlet, Annotator) {
        let (store, writer) = Store::new(flows);
        let counts = Arc::new(Counts::default());
        let rate = Arc::new(Rate::new());
        let (inlet, queue) = inlet::inlet(QUEUE_RECORDS, Arc::clone(&counts));
        let pipeline = Self {
            store,
            counts: Arc::clone(&counts),
            rate: Arc::clone(&rate),
            clock_offset_ns,
        };
        let annotator = Annotator::new(
            queue,
            writer,
            Reorder::new(REORDER_RECORDS),
            clock_offset_ns,
            counts,
            rate,
        );
        (pipeline, inlet, annotator)
    }

    /// The same with its thread started. The thread ends when the inlet is dropped and all is stored.
    #[must_use]
    pub fn start(flows: u64, tasks: &Tasks) -> (Self, Inlet) {
        Self::start_with_clock_offset(flows, 0, tasks)
    }

    /// The same with a clock that is set off.
    #[must_use]
    pub fn start_with_clock_offset(
        flows: u64,
        clock_offset_ns: i64,
        tasks: &Tasks,
    ) -> (Self, Inlet) {
        let (pipeline, inlet, annotator) = Self::with_clock_offset(flows, clock_offset_ns);
        tasks.spawn_blocking("annotate", || annotator.run());
        (pipeline, inlet)
    }
}
