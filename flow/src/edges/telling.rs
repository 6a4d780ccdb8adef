//! How far a client has been told of readings: everything first, then what has changed, in parts of a bounded size.

use std::sync::Arc;

use proto::tycho::v1::EdgesPart;

use super::PART_EDGES;

/// What a client was told, and what it is being told. `Place` is how far the current reading has come.
#[derive(Debug)]
pub(super) struct Telling<Reading, Place> {
    told: Option<Arc<Reading>>,
    current: Option<(Arc<Reading>, Place)>,
    reading: u64,
    part: u32,
    /// Edges in a part.
    pub(super) part_edges: usize,
}

/// A reading of which a part is to be told.
pub(super) struct Due<Reading, Place> {
    pub(super) reading: Arc<Reading>,
    pub(super) place: Place,
    /// The reading before, which the client has.
    pub(super) told: Option<Arc<Reading>>,
    /// The part, with its numbers.
    pub(super) part: EdgesPart,
}

impl<Reading, Place: Default> Telling<Reading, Place> {
    /// Nothing was told yet. At least one edge goes into a part.
    pub(super) fn new(part_edges: usize) -> Self {
        Self {
            told: None,
            current: None,
            reading: 0,
            part: 0,
            part_edges: part_edges.max(1),
        }
    }

    /// Begins a reading. One that was begun before must have come to its end.
    pub(super) fn begin(&mut self, reading: Arc<Reading>) {
        self.current = Some((reading, Place::default()));
        self.reading += 1;
        self.part = 0;
    }

    /// The client is to be told everything again.
    pub(super) fn forget(&mut self) {
        self.told = None;
    }

    /// What the next part is of; `None` after the last one.
    pub(super) fn due(&mut self) -> Option<Due<Reading, Place>> {
        let (reading, place) = self.current.take()?;
        let part = EdgesPart {
            reading: self.reading,
            part: self.part,
            whole: self.told.is_none(),
            ..EdgesPart::default()
        };
        self.part += 1;
        Some(Due {
            reading,
            place,
            told: self.told.clone(),
            part,
        })
    }

    /// A part that is not the last one has come so far.
    pub(super) fn goes_on(&mut self, reading: Arc<Reading>, place: Place) {
        self.current = Some((reading, place));
    }

    /// The last part is made: the client has the reading.
    pub(super) fn is_told(&mut self, reading: Arc<Reading>) {
        self.told = Some(reading);
    }
}

impl<Reading, Place: Default> Default for Telling<Reading, Place> {
    fn default() -> Self {
        Self::new(PART_EDGES)
    }
}
