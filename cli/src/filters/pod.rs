//! `--pod`, `--from-pod`, `--to-pod`: names of pods.

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "pod",
        "[NS/]PREFIX",
        "Flows with an end at a pod whose name begins so",
        |pair, value| {
            pair.push_either(
                |f| &mut f.source_pod,
                |f| &mut f.destination_pod,
                value.to_owned(),
            );
            Ok(())
        },
    ),
    FilterFlag::new(
        "from-pod",
        "[NS/]PREFIX",
        "Flows whose source is a pod whose name begins so",
        |pair, value| {
            pair.push(|f| &mut f.source_pod, value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::new(
        "to-pod",
        "[NS/]PREFIX",
        "Flows whose destination is a pod whose name begins so",
        |pair, value| {
            pair.push(|f| &mut f.destination_pod, value.to_owned());
            Ok(())
        },
    ),
];
