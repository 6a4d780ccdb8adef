//! Definitions in parts that a browser reads without a pause.

use proto::tycho::v1::Definitions;

/// Definitions of one kind in a part.
const PART: usize = 1_000;

/// The same in parts: what others refer to first, and at least one, which says the epoch.
pub(super) fn in_parts(all: Definitions) -> impl Iterator<Item = Definitions> {
    let epoch = all.epoch;
    let named = Definitions {
        series: Vec::new(),
        label_sets: Vec::new(),
        ..all.clone()
    };
    let parts = move |count: usize| count.div_ceil(PART);
    let (label_sets, series) = (all.label_sets, all.series);
    let label_set_parts = (0..parts(label_sets.len())).map(move |part| Definitions {
        epoch,
        label_sets: label_sets
            .iter()
            .skip(part * PART)
            .take(PART)
            .cloned()
            .collect(),
        ..Definitions::default()
    });
    let series_parts = (0..parts(series.len())).map(move |part| Definitions {
        epoch,
        series: series
            .iter()
            .skip(part * PART)
            .take(PART)
            .cloned()
            .collect(),
        ..Definitions::default()
    });
    std::iter::once(named)
        .chain(label_set_parts)
        .chain(series_parts)
}

#[cfg(test)]
mod tests {
    use proto::tycho::v1::{LabelSetDefinition, SeriesDefinition};

    use super::*;

    #[test]
    fn nothing_is_left_out_and_no_part_is_large() {
        let count = |parts: &[Definitions]| {
            let series: usize = parts.iter().map(|part| part.series.len()).sum();
            let label_sets: usize = parts.iter().map(|part| part.label_sets.len()).sum();
            (series, label_sets)
        };
        for (series, label_sets) in [(0, 0), (1, 1), (2_500, 1_000)] {
            let all = Definitions {
                epoch: 5,
                series: vec![SeriesDefinition::default(); series],
                label_sets: vec![LabelSetDefinition::default(); label_sets],
                ..Definitions::default()
            };
            let parts: Vec<Definitions> = in_parts(all).collect();
            assert_eq!(count(&parts), (series, label_sets));
            assert!(parts.iter().all(|part| part.epoch == 5));
            assert!(parts.iter().all(|part| part.series.len() <= PART));
        }
    }
}
