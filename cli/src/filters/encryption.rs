//! `--encrypted` and `--unencrypted`: whether the node encrypted the traffic.

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::switch(
        "encrypted",
        "true",
        "Flows that were encrypted",
        |pair, _| {
            pair.push(|f| &mut f.encrypted, true);
            Ok(())
        },
    ),
    FilterFlag::switch(
        "unencrypted",
        "true",
        "Flows that were not encrypted",
        |pair, _| {
            pair.push(|f| &mut f.encrypted, false);
            Ok(())
        },
    ),
];
