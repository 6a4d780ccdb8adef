//! A reader's place in the store, and what it finds there.

use std::ops::Range;
use std::sync::Arc;

use super::{SEGMENT_FLOWS, Segment, Store};

/// Where a reader is. It keeps its segment, so a reader takes the store's lock once per segment.
#[derive(Debug, Clone)]
pub struct Cursor {
    next_sequence: u64,
    pub(super) segment: Option<Arc<Segment>>,
}

/// What a read found.
#[derive(Debug)]
pub enum Read {
    /// Rows at these offsets of this segment; the cursor has moved behind them.
    Rows(Arc<Segment>, Range<usize>),
    /// The reader was too slow: so many rows are gone, and the cursor is at the oldest held.
    Lost(Loss),
    /// Nothing new.
    Empty,
}

/// Rows that a reader missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// How many rows, exactly.
    pub count: u64,
    /// Time of the first of them, to the segment (or of the oldest one still remembered).
    pub first_ns: u64,
    /// Time of the last of them.
    pub last_ns: u64,
}

impl Cursor {
    /// A cursor at a sequence number, held or not.
    #[must_use]
    pub fn at(next_sequence: u64) -> Self {
        Self {
            next_sequence,
            segment: None,
        }
    }

    /// The sequence number that is read next.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Moves on to another sequence number, for instance back to a row that was read but could not be sent.
    pub fn seek(&mut self, next_sequence: u64) {
        self.next_sequence = next_sequence;
    }

    /// The rest of the kept segment, if the cursor is in it.
    fn rest_of_segment(&self) -> Option<(&Arc<Segment>, Range<usize>)> {
        let segment = self.segment.as_ref()?;
        let offset = usize::try_from(self.next_sequence.checked_sub(segment.base())?).ok()?;
        (offset < SEGMENT_FLOWS).then(|| (segment, offset..segment.len().max(offset)))
    }
}

impl Store {
    /// Reads what follows the cursor, at most to the end of its segment, and moves the cursor behind it.
    pub fn read(&self, cursor: &mut Cursor) -> Read {
        if cursor.rest_of_segment().is_none() {
            match self.find(cursor.next_sequence) {
                Ok(Some(segment)) => cursor.segment = Some(segment),
                Ok(None) => {
                    cursor.segment = None;
                    return Read::Empty;
                }
                Err(loss) => {
                    cursor.segment = None;
                    cursor.next_sequence += loss.count;
                    return Read::Lost(loss);
                }
            }
        }
        let Some((segment, range)) = cursor.rest_of_segment() else {
            return Read::Empty;
        };
        if range.is_empty() {
            return Read::Empty;
        }
        let read = Read::Rows(Arc::clone(segment), range.clone());
        cursor.next_sequence += range.len() as u64;
        read
    }

    /// The segment of a sequence number; none if it is still to come; a loss if it is gone.
    fn find(&self, sequence: u64) -> Result<Option<Arc<Segment>>, Loss> {
        self.read_segments(|segments| {
            let Some(oldest) = segments.live.front().map(|segment| segment.base()) else {
                return Ok(None);
            };
            if sequence >= oldest {
                return Ok(segments.holding(sequence));
            }
            let end_of = |base: u64| base + SEGMENT_FLOWS as u64;
            let first = segments
                .dropped
                .iter()
                .find(|span| sequence < end_of(span.base));
            let last = segments.dropped.back();
            Err(Loss {
                count: oldest - sequence,
                first_ns: first.map_or(0, |span| span.oldest_ns),
                last_ns: last.map_or(0, |span| span.youngest_ns),
            })
        })
    }
}
