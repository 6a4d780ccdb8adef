//! What was counted in a span of time, by series: in memory as numbers, on the wire and in store as varints.

use std::collections::HashMap;

use bytes::{Buf as _, Bytes};
use prost::encoding::{decode_varint, encode_varint};

/// What is counted of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// New connections, or attempts.
    pub(crate) connections: u64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl Cell {
    fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.packets = self.packets.saturating_add(other.packets);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// Counts of one span.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    by_series: HashMap<u32, Cell>,
}

impl Cells {
    pub(crate) fn add(&mut self, series: u32, cell: &Cell) {
        self.by_series.entry(series).or_default().add(cell);
    }

    /// Adds what another span has, as its varints.
    pub(crate) fn add_encoded(&mut self, cells: &Bytes) {
        for (series, cell) in decode(cells) {
            self.add(series, &cell);
        }
    }

    /// As varints: each series' number less that of the one before, and its counts.
    pub(crate) fn encode(&self) -> Bytes {
        self.encode_some(|_| true)
    }

    /// The same of some series only.
    pub(crate) fn encode_some(&self, mut wanted: impl FnMut(u32) -> bool) -> Bytes {
        let mut sorted: Vec<(u32, &Cell)> = self
            .by_series
            .iter()
            .map(|(series, cell)| (*series, cell))
            .filter(|(series, _)| wanted(*series))
            .collect();
        sorted.sort_unstable_by_key(|(series, _)| *series);
        let mut out = Vec::with_capacity(sorted.len() * 8);
        let mut before = 0;
        for (series, cell) in sorted {
            encode_varint(u64::from(series - before), &mut out);
            encode_varint(cell.connections, &mut out);
            encode_varint(cell.packets, &mut out);
            encode_varint(cell.bytes, &mut out);
            before = series;
        }
        // A copy takes what it needs; an allocator may leave a vector that shrinks as large as it was.
        Bytes::copy_from_slice(&out)
    }
}

/// The counts of a span. They are our own, so what cannot be read ends them.
pub(crate) fn decode(cells: &Bytes) -> impl Iterator<Item = (u32, Cell)> {
    let mut rest = cells.clone();
    let mut series = 0_u64;
    std::iter::from_fn(move || {
        if !rest.has_remaining() {
            return None;
        }
        series += decode_varint(&mut rest).ok()?;
        let cell = Cell {
            connections: decode_varint(&mut rest).ok()?,
            packets: decode_varint(&mut rest).ok()?,
            bytes: decode_varint(&mut rest).ok()?,
        };
        Some((u32::try_from(series).ok()?, cell))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(connections: u64, packets: u64, bytes: u64) -> Cell {
        Cell {
            connections,
            packets,
            bytes,
        }
    }

    #[test]
    fn a_small_cell_takes_four_bytes() {
        let mut cells = Cells::default();
        cells.add(3, &cell(1, 2, 100));
        cells.add(5, &cell(0, 7, 127));
        assert_eq!(&cells.encode()[..], [3, 1, 2, 100, 2, 0, 7, 127]);
        assert_eq!(&cells.encode_some(|series| series == 5)[..], [5, 0, 7, 127]);
    }

    proptest! {
        #[test]
        fn sums_of_spans_are_the_sums_of_their_cells(
            spans in prop::collection::vec(
                prop::collection::vec((0..50_u32, 0..1_000_u64, any::<u32>(), any::<u32>()), 0..40),
                0..5,
            ),
        ) {
            let mut plain: std::collections::BTreeMap<u32, Cell> = Default::default();
            let mut sum = Cells::default();
            for span in spans {
                let mut cells = Cells::default();
                for (series, connections, packets, bytes) in span {
                    let counted = cell(connections, packets.into(), bytes.into());
                    cells.add(series, &counted);
                    plain.entry(series).or_default().add(&counted);
                }
                sum.add_encoded(&cells.encode());
            }
            let decoded: Vec<_> = decode(&sum.encode()).collect();
            prop_assert_eq!(decoded, plain.into_iter().collect::<Vec<_>>());
        }
    }
}
