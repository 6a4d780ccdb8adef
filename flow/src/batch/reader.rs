//! The receiving side of a stream of batches. What comes from another machine is checked.

use std::collections::VecDeque;
use std::sync::Arc;

use bpf_events::record::KIND_LOST;
use bytes::Bytes;
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::Batch;

use super::definitions::{metadata_version, rule_info};
use super::{IMPORTED_LANE, Interner, LANES, Lane, ROW_BYTES};
use crate::row::ROW_WORDS;
use crate::snapshot::IndexLimit;

/// Why a batch cannot be read: the peer is of another version, or broken.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Parts of the batch do not fit together.
    #[error("a batch has {rows} bytes of rows, {sequences} of sequences and {lanes} of lanes")]
    Sizes {
        /// Bytes of rows.
        rows: usize,
        /// Bytes of sequences.
        sequences: usize,
        /// Bytes of row lanes.
        lanes: usize,
    },
    /// A lane that the stream has not told of, or one too many.
    #[error("a batch refers to lane {lane}, and the stream has told of {known} lanes")]
    Lane {
        /// The lane.
        lane: u32,
        /// How many there are.
        known: usize,
    },
    /// A row stands for a response that is not there.
    #[error("a batch has {rows} rows for responses, and {responses} responses")]
    Responses {
        /// Rows that stand for responses.
        rows: usize,
        /// Responses.
        responses: usize,
    },
    /// A number that no node gives.
    #[error("a batch defines a number that no node gives")]
    Index(#[from] IndexLimit),
    /// An end that cannot be read.
    #[error("a batch defines metadata {index} with bytes that are no endpoint")]
    Endpoint {
        /// The metadata index.
        index: u32,
        /// Why.
        #[source]
        source: prost::DecodeError,
    },
    /// Labels that are none.
    #[error("a batch defines metadata {index} with labels that are none")]
    Labels {
        /// The metadata index.
        index: u32,
        /// Why.
        #[source]
        source: policy::LabelError,
    },
}

/// Reads the batches of one stream.
#[derive(Debug)]
pub struct BatchReader {
    lanes: Vec<Lane>,
    interner: Arc<Interner>,
}

/// The rows of one batch, to be taken one by one.
#[derive(Debug, Default)]
pub struct Rows {
    rows: Bytes,
    sequences: Bytes,
    row_lanes: Bytes,
    responses: VecDeque<Bytes>,
    next: usize,
}

/// What stands next in a batch.
#[derive(Debug)]
pub enum Entry {
    /// A row of a node, whose words were written out.
    Row {
        /// The node's lane.
        lane: u16,
        /// Its place in the node's store.
        sequence: u64,
    },
    /// A response as its node has sent it.
    Response(Bytes),
}

/// What a batch says beside its rows.
#[derive(Debug, Default)]
pub struct Told {
    /// Lanes that are new, or of a new life of their node.
    pub lanes: Vec<u16>,
    /// Lanes whose tables have grown.
    pub defined: Vec<u16>,
    /// Nothing older will come; 0 says nothing.
    pub watermark_ns: u64,
    /// How many flows come before those that follow.
    pub expected: Option<u64>,
    /// Which row of lane 0 is looked at next.
    pub next_sequence: Option<u64>,
    /// News of nodes.
    pub node_status: Vec<NodeStatusEvent>,
}

impl BatchReader {
    /// A reader that has been told nothing.
    #[must_use]
    pub fn new(interner: Arc<Interner>) -> Self {
        Self {
            lanes: Vec::new(),
            interner,
        }
    }

    /// The lanes that the stream has told of, by number.
    #[must_use]
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Takes a batch: its definitions hold from now on, so the rows of the batch before must have been taken.
    ///
    /// # Errors
    /// If its parts do not fit together; then the stream cannot be read on.
    pub fn accept(&mut self, batch: Batch) -> Result<(Rows, Told), BatchError> {
        let mut told = Told {
            watermark_ns: batch.watermark_ns,
            expected: batch.expected,
            next_sequence: batch.next_sequence,
            ..Told::default()
        };
        for lane in &batch.lanes {
            told.lanes.push(self.begin_lane(lane)?);
        }
        self.define(&batch, &mut told)?;
        let rows = Rows {
            rows: batch.rows,
            sequences: batch.sequences,
            row_lanes: batch.row_lanes,
            responses: batch.responses.into(),
            next: 0,
        };
        rows.check(self.lanes.len())?;
        told.node_status = batch.node_status;
        Ok((rows, told))
    }

    fn begin_lane(&mut self, lane: &proto::tycho::v1::Lane) -> Result<u16, BatchError> {
        let place = lane.lane as usize;
        if place > self.lanes.len() || place >= LANES {
            return Err(self.unknown(lane.lane));
        }
        let begun = Lane::new(lane.node_name.clone(), lane.epoch);
        match self.lanes.get_mut(place) {
            Some(known) => *known = begun,
            None => self.lanes.push(begun),
        }
        u16::try_from(lane.lane).map_err(|_beyond| self.unknown(lane.lane))
    }

    fn define(&mut self, batch: &Batch, told: &mut Told) -> Result<(), BatchError> {
        for definition in &batch.metadata {
            let lane = self.known(definition.lane)?;
            let names = self.lanes[lane].names();
            let key = (names.epoch.number(), definition.index, definition.from_ns);
            let version = self
                .interner
                .metadata(key, &definition.endpoint, || metadata_version(definition))?;
            names.metadata.adopt(version)?;
            told.note(definition.lane);
        }
        for definition in &batch.rules {
            let lane = self.known(definition.lane)?;
            let names = self.lanes[lane].names();
            let key = (names.epoch.number(), definition.number);
            let rule = self.interner.rule(key, rule_info(definition));
            names.rules.adopt(definition.number, rule)?;
            told.note(definition.lane);
        }
        for part in batch.interfaces.chunk_by(|a, b| a.lane == b.lane) {
            let Some(first) = part.first() else { continue };
            let lane = self.known(first.lane)?;
            let named = part.iter().map(|each| (each.index, each.name.clone()));
            self.lanes[lane].add_interfaces(named);
            told.note(first.lane);
        }
        Ok(())
    }

    fn known(&self, lane: u32) -> Result<usize, BatchError> {
        let place = lane as usize;
        if place < self.lanes.len() {
            Ok(place)
        } else {
            Err(self.unknown(lane))
        }
    }

    fn unknown(&self, lane: u32) -> BatchError {
        BatchError::Lane {
            lane,
            known: self.lanes.len(),
        }
    }
}

impl Told {
    fn note(&mut self, lane: u32) {
        if let Ok(lane) = u16::try_from(lane)
            && self.defined.last() != Some(&lane)
        {
            self.defined.push(lane);
        }
    }
}

impl Rows {
    /// Whether all rows were taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next * ROW_BYTES >= self.rows.len()
    }

    /// The time of the next row, and whether it tells of a loss.
    #[inline]
    #[must_use]
    pub fn head(&self) -> Option<(u64, bool)> {
        let row = self.rows.get(self.next * ROW_BYTES..)?;
        let time_ns = word(row, 0)?;
        let kind = word(row, crate::row::WORD_PORTS)? >> 48 & 0xff;
        Some((time_ns, kind == u64::from(KIND_LOST)))
    }

    /// Takes the next row; its words are written to `words`, once.
    #[inline]
    pub fn pop(&mut self, words: &mut [u64; ROW_WORDS]) -> Option<Entry> {
        let row = self.rows.get(self.next * ROW_BYTES..)?;
        read_words(row, words)?;
        let lane = if self.row_lanes.is_empty() {
            0
        } else {
            let lane = self.row_lanes.get(self.next * 2..)?.first_chunk()?;
            u16::from_le_bytes(*lane)
        };
        let sequence = word(self.sequences.get(self.next * 8..)?, 0)?;
        self.next += 1;
        if lane == IMPORTED_LANE {
            return self.responses.pop_front().map(Entry::Response);
        }
        Some(Entry::Row { lane, sequence })
    }

    fn check(&self, lanes: usize) -> Result<(), BatchError> {
        let rows = self.rows.len() / ROW_BYTES;
        let fits = self.rows.len().is_multiple_of(ROW_BYTES)
            && self.sequences.len() == rows * 8
            && (self.row_lanes.is_empty() || self.row_lanes.len() == rows * 2);
        if !fits {
            return Err(BatchError::Sizes {
                rows: self.rows.len(),
                sequences: self.sequences.len(),
                lanes: self.row_lanes.len(),
            });
        }
        let mut imported = 0;
        for lane in self.row_lanes.as_chunks().0 {
            let lane = u16::from_le_bytes(*lane);
            if lane == IMPORTED_LANE {
                imported += 1;
            } else if usize::from(lane) >= lanes {
                return Err(BatchError::Lane {
                    lane: lane.into(),
                    known: lanes,
                });
            }
        }
        if self.row_lanes.is_empty() && rows > 0 && lanes == 0 {
            return Err(BatchError::Lane { lane: 0, known: 0 });
        }
        if imported != self.responses.len() {
            return Err(BatchError::Responses {
                rows: imported,
                responses: self.responses.len(),
            });
        }
        Ok(())
    }
}

#[inline]
fn word(bytes: &[u8], index: usize) -> Option<u64> {
    let word = bytes.get(index * 8..)?.first_chunk()?;
    Some(u64::from_le_bytes(*word))
}

#[inline]
fn read_words(bytes: &[u8], words: &mut [u64; ROW_WORDS]) -> Option<()> {
    let (row, _) = bytes.get(..ROW_BYTES)?.as_chunks::<8>();
    for (word, bytes) in words.iter_mut().zip(row) {
        *word = u64::from_le_bytes(*bytes);
    }
    Some(())
}
