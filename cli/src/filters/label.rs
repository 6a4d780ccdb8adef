//! `--label`, `--from-label`, `--to-label`: label selectors; commas AND inside one, several are ORed.

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "label",
        "SELECTOR",
        "Flows with an end whose labels match, such as `role=frontend` or `k8s:tier in (web,api)`",
        |pair, value| {
            pair.push_either(
                |f| &mut f.source_label,
                |f| &mut f.destination_label,
                value.to_owned(),
            );
            Ok(())
        },
    )
    .short('l'),
    FilterFlag::new(
        "from-label",
        "SELECTOR",
        "Flows whose source's labels match",
        |pair, value| {
            pair.push(|f| &mut f.source_label, value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::new(
        "to-label",
        "SELECTOR",
        "Flows whose destination's labels match",
        |pair, value| {
            pair.push(|f| &mut f.destination_label, value.to_owned());
            Ok(())
        },
    ),
];
