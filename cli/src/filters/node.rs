//! `--node-name` and `--node-label`: flows by the node that saw them.

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "node-name",
        "PATTERN",
        "Flows seen on these nodes: `node` or `cluster/node`, `*` matches any part",
        |pair, value| {
            pair.push(|f| &mut f.node_name, value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::new(
        "node-label",
        "SELECTOR",
        "Flows seen on nodes with these labels",
        |pair, value| {
            pair.push(|f| &mut f.node_labels, value.to_owned());
            Ok(())
        },
    ),
];
