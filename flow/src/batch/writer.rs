//! The sending side of a stream of batches.

use bpf_events::record::KIND_LOST;
use bytes::Bytes;
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::{Batch, Lane};

use super::told::Told;
use super::{BATCH_ROWS, IMPORTED_LANE, ROW_BYTES};
use crate::encode::Names;
use crate::row::{
    FlowRow, ROW_WORDS, WORD_INTERFACE, WORD_METADATA, WORD_RULE, high, loss_row, low,
};
use crate::store::Loss;

/// Gathers rows into batches, each with the definitions that its rows are the first to need.
#[derive(Debug, Default)]
pub struct BatchWriter {
    lanes: Vec<Told>,
    batch: Batch,
    rows: Vec<u8>,
    sequences: Vec<u8>,
    row_lanes: Vec<u8>,
    /// Whether a row of this batch is of another lane than 0.
    mixed: bool,
    flows: u64,
}

impl BatchWriter {
    /// A stream without lanes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next lane, or gives one another node or another life of its node. Lanes are numbered from 0.
    pub fn set_lane(&mut self, lane: u16, names: Names) {
        self.batch.lanes.push(Lane {
            lane: lane.into(),
            node_name: names.node_name.clone(),
            epoch: names.epoch.number(),
        });
        let told = Told::new(lane.into(), names);
        match self.lanes.get_mut(usize::from(lane)) {
            Some(known) => *known = told,
            None => self.lanes.push(told),
        }
    }

    /// The node of a lane.
    #[must_use]
    pub fn lane(&self, lane: u16) -> Option<&Names> {
        Some(self.lanes.get(usize::from(lane))?.names())
    }

    /// Takes new views of a lane's tables: before rows are added that were written since the last time.
    pub fn refresh(&mut self, lane: u16) {
        if let Some(told) = self.lanes.get_mut(usize::from(lane)) {
            told.refresh();
        }
    }

    /// Adds a packed row.
    #[inline]
    pub fn push(&mut self, lane: u16, sequence: u64, words: &[u64; ROW_WORDS], is_flow: bool) {
        if let Some(told) = self.lanes.get_mut(usize::from(lane)) {
            let metadata = words[WORD_METADATA];
            told.tell(
                [low(metadata), high(metadata)],
                low(words[WORD_RULE]),
                low(words[WORD_INTERFACE]),
                &mut self.batch,
            );
        }
        if self.rows.capacity() == 0 {
            self.rows.reserve_exact(BATCH_ROWS / 8 * ROW_BYTES);
        }
        for word in words {
            self.rows.extend_from_slice(&word.to_le_bytes());
        }
        self.sequences.extend_from_slice(&sequence.to_le_bytes());
        self.row_lanes.extend_from_slice(&lane.to_le_bytes());
        self.mixed |= lane != 0;
        self.flows += u64::from(is_flow);
    }

    /// Adds what a reader of lane 0 missed in the store.
    pub fn push_loss(&mut self, lane: u16, next_sequence: u64, loss: &Loss) {
        for row in loss_rows(loss) {
            self.push(lane, next_sequence, &row.pack(), false);
        }
    }

    /// Adds a response of a node that has no rows: a flow, or a loss.
    pub fn push_response(&mut self, time_ns: u64, response: Bytes, is_flow: bool) {
        let row = FlowRow {
            time_ns,
            kind: if is_flow { 0 } else { KIND_LOST },
            ..FlowRow::default()
        };
        self.push(IMPORTED_LANE, 0, &row.pack(), is_flow);
        self.batch.responses.push(response);
    }

    /// Adds news of nodes.
    pub fn push_status(&mut self, status: NodeStatusEvent) {
        self.batch.node_status.push(status);
    }

    /// Says that nothing older will follow this batch.
    pub fn set_watermark(&mut self, watermark_ns: u64) {
        self.batch.watermark_ns = watermark_ns;
    }

    /// Says how many flows come before those that follow.
    pub fn set_expected(&mut self, flows: u64) {
        self.batch.expected = Some(flows);
    }

    /// Says which row of lane 0 is looked at next.
    pub fn set_next_sequence(&mut self, next_sequence: u64) {
        self.batch.next_sequence = Some(next_sequence);
    }

    /// Rows of the batch so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() / ROW_BYTES
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.batch == Batch::default()
    }

    /// Whether the batch should go out before more is added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= BATCH_ROWS
    }

    /// The batch, and how many flows are in it; a new one begins.
    pub fn take(&mut self) -> (Batch, u64) {
        let mut batch = std::mem::take(&mut self.batch);
        batch.rows = Bytes::from(std::mem::take(&mut self.rows));
        batch.sequences = Bytes::from(std::mem::take(&mut self.sequences));
        let row_lanes = std::mem::take(&mut self.row_lanes);
        if std::mem::take(&mut self.mixed) {
            batch.row_lanes = Bytes::from(row_lanes);
        }
        (batch, std::mem::take(&mut self.flows))
    }
}

/// The rows that tell of a loss: as many as its count needs, which is one but for absurd numbers.
fn loss_rows(loss: &Loss) -> impl Iterator<Item = FlowRow> + use<> {
    let loss = *loss;
    let limit = u64::from(u32::MAX);
    (0..loss.count.div_ceil(limit)).map(move |part| {
        let count = (loss.count - part * limit).min(limit);
        loss_row(count, loss.first_ns, loss.last_ns)
    })
}
