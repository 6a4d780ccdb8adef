//! Exact totals of edges: a node's reading of them, how it travels, and how those of many nodes become one.
//!
//! A node makes an [`EdgeReading`] of what its kernel has counted. A [`PartWriter`] tells a client of it, and then of what
//! has changed in later ones. An [`EdgeMerge`] takes the parts of any number of nodes and knows the totals by label set, in
//! which each connection counts once. A [`MergedWriter`] tells of those.

pub mod asked;
mod counts;
mod deltas;
mod merge;
mod merged_writer;
mod node;
mod pair;
mod reading;
mod telling;
mod writer;

pub use deltas::{EdgeDelta, EdgeDeltas};
pub use merge::{EdgeMerge, EdgesError};
pub use merged_writer::MergedWriter;
pub use pair::{Decision, Labels, MergedReading, MergedTotal, Pair};
pub use reading::{EdgeId, EdgeNames, EdgeReading, EdgeTotal};
pub use writer::PartWriter;

/// Edges in one part: some 100 kB.
pub const PART_EDGES: usize = 1_000;

/// Label sets, or rules, that one stream has told of before it starts again with a whole reading.
const MAX_NAMES: usize = 1 << 17;
