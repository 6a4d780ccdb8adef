//! Batches: how flows travel from node to relay, as rows and what their numbers stand for (`tycho.v1.Batch`).
//!
//! [`BatchWriter`] is the sending side of one stream, [`BatchReader`] the receiving one. A row travels as it lies in the
//! store; a definition travels once in a stream, before the first row that needs it.

mod definitions;
mod lane;
mod reader;
mod told;
mod writer;

pub use lane::{Interner, Lane};
pub use reader::{BatchError, BatchReader, Entry, Rows, Told};
pub use writer::BatchWriter;

/// Bytes of a row.
pub const ROW_BYTES: usize = crate::row::ROW_WORDS * 8;

/// Rows of one batch at most: enough that its own cost does not count, so few that those of many nodes stay in the
/// processor's caches from the socket to the merge, and that they fit one frame of HTTP/2, 16 KiB.
pub const BATCH_ROWS: usize = 112;

/// The lane of a row that stands for an imported response.
pub const IMPORTED_LANE: u16 = u16::MAX;

/// Nodes of one stream at most.
pub const LANES: usize = 4_096;
