//! 4,096 rows in columns of atomic words: one writer, any number of readers, no lock and no `unsafe`.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::row::{FlowRow, ROW_WORDS, WORD_TIME};

/// Rows of one segment.
pub const SEGMENT_FLOWS: usize = 4_096;

/// One word of each row.
pub(crate) type Column = [AtomicU64; SEGMENT_FLOWS];

/// Rows `base .. base + len`; the open segment's length grows.
///
/// The words are stored relaxed and become readable by the release of `published`, so a reader that loaded the length
/// sees every word below it. Rows are written once; a segment is only reused when nobody else holds it.
#[derive(Debug)]
pub struct Segment {
    base: u64,
    columns: [Box<Column>; ROW_WORDS],
    published: AtomicUsize,
    oldest_ns: AtomicU64,
    youngest_ns: AtomicU64,
    losses: AtomicU32,
}

impl Segment {
    pub(crate) fn new(base: u64) -> Self {
        let column = || -> Box<Column> {
            let words: Box<[AtomicU64]> = (0..SEGMENT_FLOWS).map(|_| AtomicU64::new(0)).collect();
            words
                .try_into()
                .expect("as many words were collected as a column has")
        };
        Self {
            base,
            columns: std::array::from_fn(|_word| column()),
            published: AtomicUsize::new(0),
            oldest_ns: AtomicU64::new(u64::MAX),
            youngest_ns: AtomicU64::new(0),
            losses: AtomicU32::new(0),
        }
    }

    /// Empties a segment that nobody else holds.
    pub(crate) fn reset(&mut self, base: u64) {
        self.base = base;
        *self.published.get_mut() = 0;
        *self.oldest_ns.get_mut() = u64::MAX;
        *self.youngest_ns.get_mut() = 0;
        *self.losses.get_mut() = 0;
    }

    /// Sequence number of the first row.
    #[must_use]
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Rows that may be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.published.load(Ordering::Acquire)
    }

    /// Whether no row may be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Time of the oldest published row; `u64::MAX` without rows.
    #[must_use]
    pub fn oldest_ns(&self) -> u64 {
        self.oldest_ns.load(Ordering::Relaxed)
    }

    /// Time of the youngest published row; 0 without rows.
    #[must_use]
    pub fn youngest_ns(&self) -> u64 {
        self.youngest_ns.load(Ordering::Relaxed)
    }

    /// Whether any published row is a loss.
    #[must_use]
    pub fn has_losses(&self) -> bool {
        self.losses.load(Ordering::Relaxed) != 0
    }

    /// The row at an offset from the base, if published.
    #[must_use]
    pub fn row(&self, offset: usize) -> Option<FlowRow> {
        (offset < self.len()).then(|| self.published_row(offset))
    }

    /// Wall time of the row at an offset, if published: cheaper than the whole row.
    #[must_use]
    pub fn time_ns(&self, offset: usize) -> Option<u64> {
        (offset < self.len()).then(|| self.columns[WORD_TIME][offset].load(Ordering::Relaxed))
    }

    /// The packed row at an offset, if published.
    #[must_use]
    pub fn words(&self, offset: usize) -> Option<[u64; ROW_WORDS]> {
        (offset < self.len()).then(|| self.published_words(offset))
    }

    /// The row at an offset which the caller knows to be published.
    pub(crate) fn published_row(&self, offset: usize) -> FlowRow {
        FlowRow::unpack(&self.published_words(offset))
    }

    fn published_words(&self, offset: usize) -> [u64; ROW_WORDS] {
        std::array::from_fn(|word| self.columns[word][offset].load(Ordering::Relaxed))
    }

    pub(crate) fn column(&self, word: usize) -> &Column {
        &self.columns[word]
    }

    /// Writes a row at an offset that is not published yet.
    pub(crate) fn write(&self, offset: usize, row: &FlowRow) {
        let words = row.pack();
        for (column, word) in self.columns.iter().zip(words) {
            column[offset].store(word, Ordering::Relaxed);
        }
        if row.is_lost() {
            self.losses.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Makes the rows below `len` readable; their times are between `oldest_ns` and `youngest_ns`.
    pub(crate) fn publish(&self, len: usize, oldest_ns: u64, youngest_ns: u64) {
        self.oldest_ns.fetch_min(oldest_ns, Ordering::Relaxed);
        self.youngest_ns.fetch_max(youngest_ns, Ordering::Relaxed);
        self.published.store(len, Ordering::Release);
    }
}
