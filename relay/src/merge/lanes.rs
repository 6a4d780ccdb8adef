//! What belongs to the nodes of a merged stream, by source and lane.

/// One value for each lane of each source.
#[derive(Debug)]
pub(crate) struct Lanes<T>(Vec<Vec<T>>);

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Lanes<T> {
    /// A lane is another node, or another life of it, from now on.
    pub(crate) fn set(&mut self, source: usize, lane: u16, value: T) {
        if self.0.len() <= source {
            self.0.resize_with(source + 1, Vec::new);
        }
        let lanes = &mut self.0[source];
        match lanes.get_mut(usize::from(lane)) {
            Some(known) => *known = value,
            // Lanes come by number.
            None => lanes.push(value),
        }
    }

    #[inline]
    pub(crate) fn lane_mut(&mut self, source: usize, lane: u16) -> Option<&mut T> {
        self.0.get_mut(source)?.get_mut(usize::from(lane))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lane_has_its_own() {
        let mut lanes = Lanes::default();
        for (source, lane, value) in [(1, 0, 'a'), (0, 0, 'b'), (1, 1, 'c'), (1, 0, 'd')] {
            lanes.set(source, lane, value);
        }
        let seen = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
            .map(|(source, lane)| lanes.lane_mut(source, lane).copied());
        assert_eq!(seen, [Some('b'), None, Some('d'), Some('c'), None]);
    }
}
