//! `--cluster`, `--from-cluster`, `--to-cluster`: cluster names.

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "cluster",
        "NAME",
        "Flows with an end in this cluster",
        |pair, value| {
            pair.push_either(
                |f| &mut f.source_cluster_name,
                |f| &mut f.destination_cluster_name,
                value.to_owned(),
            );
            Ok(())
        },
    ),
    FilterFlag::new(
        "from-cluster",
        "NAME",
        "Flows from this cluster",
        |pair, value| {
            pair.push(|f| &mut f.source_cluster_name, value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::new(
        "to-cluster",
        "NAME",
        "Flows to this cluster",
        |pair, value| {
            pair.push(|f| &mut f.destination_cluster_name, value.to_owned());
            Ok(())
        },
    ),
];
