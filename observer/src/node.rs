//! What the services know of their node: names, flows, counts.

use std::sync::Arc;
use std::time::Instant;

use flow::encode::Names;
use flow::filter::FilterContext;
use flow::interfaces::InterfaceTable;
use flow::metadata::MetadataTable;
use flow::reference::Epoch;
use flow::rules::RuleTable;
use flow::store::Store;

use crate::agent_events::AgentEvents;
use crate::control::Board;
use crate::edges::EdgeBoard;
use crate::ledger::KernelSource;
use crate::peers::PeerBoard;
use crate::pipeline::{Counts, Pipeline, Rate, monotonic_ns, wall_ns};

/// Version of the Hubble API that is spoken.
pub const HUBBLE_API: &str = "1.19.4";

/// One node, as clients see it. Shared by all services; what changes in it has an owner elsewhere.
#[derive(Debug)]
pub struct Node {
    /// What numbers of flows stand for.
    pub names: Names,
    /// The flows.
    pub store: Arc<Store>,
    /// What passed each stage.
    pub counts: Arc<Counts>,
    /// How fast flows come.
    pub rate: Arc<Rate>,
    /// The kernel's counters; none when records come from elsewhere.
    pub kernel: Option<Arc<dyn KernelSource>>,
    /// What the control thread publishes, and the way to it.
    pub(crate) board: Arc<Board>,
    /// What the agent itself did lately.
    pub agent_events: Arc<AgentEvents>,
    /// What the kernel has counted of who talked to whom.
    pub edges: Arc<EdgeBoard>,
    /// The nodes that a relay may ask.
    pub peers: Arc<PeerBoard>,
    /// When this life began.
    pub started: Instant,
    /// The same in wall time, nanoseconds since 1970.
    pub started_ns: u64,
    /// How far its clock is set off from the machine's, for tests.
    pub clock_offset_ns: i64,
}

impl Node {
    /// A node called `<cluster>/<node>` whose flows are those of `pipeline`. It knows the reserved identities; whoever
    /// owns `names.metadata` and `names.rules` adds the rest.
    #[must_use]
    pub fn new(
        node_name: String,
        pipeline: &Pipeline,
        kernel: Option<Arc<dyn KernelSource>>,
    ) -> Self {
        let started_ns = wall_ns();
        Self {
            names: Names {
                node_name,
                epoch: Epoch::new(started_ns ^ monotonic_ns().rotate_left(32)),
                metadata: Arc::new(MetadataTable::new()),
                rules: Arc::new(RuleTable::new()),
                interfaces: Arc::new(InterfaceTable::new()),
            },
            store: Arc::clone(&pipeline.store),
            counts: Arc::clone(&pipeline.counts),
            rate: Arc::clone(&pipeline.rate),
            kernel,
            board: Arc::default(),
            agent_events: Arc::default(),
            edges: Arc::default(),
            peers: Arc::default(),
            started: Instant::now(),
            started_ns,
            clock_offset_ns: pipeline.clock_offset_ns,
        }
    }

    /// The version as clients see it: that of Hubble's API, then ours.
    #[must_use]
    pub fn version() -> String {
        format!("{HUBBLE_API}+tycho{}", env!("CARGO_PKG_VERSION"))
    }

    /// The node's clock, nanoseconds since 1970.
    #[must_use]
    pub fn wall_ns(&self) -> u64 {
        wall_ns().saturating_add_signed(self.clock_offset_ns)
    }

    /// How long this life has lasted.
    #[must_use]
    pub fn uptime_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// What filters of requests are compiled against.
    #[must_use]
    pub fn filter_context(&self) -> FilterContext {
        FilterContext {
            node_name: self.names.node_name.clone(),
            epoch: self.names.epoch,
            metadata: Arc::clone(&self.names.metadata),
            interfaces: Arc::clone(&self.names.interfaces),
        }
    }
}
