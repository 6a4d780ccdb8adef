//! A list by number whose numbers may lie far apart: memory is taken by the chunk.

/// Entries of one chunk.
const CHUNK: usize = 128;

/// Entries by number, in chunks that are made when they are first written to.
#[derive(Debug)]
pub(crate) struct Sparse<T> {
    chunks: Vec<Option<Box<[Option<T>]>>>,
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Sparse<T> {
    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        let (chunk, slot) = place(number);
        self.chunks.get(chunk)?.as_ref()?.get(slot)?.as_ref()
    }

    /// The entry's place, empty or not.
    #[inline]
    pub(crate) fn slot(&mut self, number: u32) -> &mut Option<T> {
        let (chunk, slot) = place(number);
        if self.chunks.len() <= chunk {
            self.chunks.resize_with(chunk + 1, || None);
        }
        let entries = self.chunks[chunk]
            .get_or_insert_with(|| std::iter::repeat_with(|| None).take(CHUNK).collect());
        &mut entries[slot]
    }

    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
    }

    /// Keeps the entries that `keep` wants.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(u32, &T) -> bool) {
        for (chunk, entries) in (0..).zip(&mut self.chunks) {
            let entries = entries.iter_mut().flat_map(|entries| entries.iter_mut());
            for (slot, entry) in (0..).zip(entries) {
                if entry
                    .as_ref()
                    .is_some_and(|entry| !keep(chunk * CHUNK as u32 + slot, entry))
                {
                    *entry = None;
                }
            }
        }
    }
}

const fn place(number: u32) -> (usize, usize) {
    (number as usize / CHUNK, number as usize % CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_under_their_numbers() {
        let mut sparse = Sparse::default();
        for number in [0, 127, 128, 1_000_000] {
            assert_eq!(sparse.get(number), None);
            *sparse.slot(number) = Some(number + 1);
        }
        assert_eq!(sparse.get(128), Some(&129));
        assert_eq!(sparse.get(129), None);
        sparse.retain(|number, entry| {
            assert_eq!(*entry, number + 1);
            number != 127
        });
        assert_eq!(
            [0, 127, 1_000_000].map(|number| sparse.get(number).copied()),
            [Some(1), None, Some(1_000_001)]
        );
        sparse.clear();
        assert_eq!(sparse.get(0), None);
    }
}
