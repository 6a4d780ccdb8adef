//! `--service`, `--from-service`, `--to-service`: names of services.

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "service",
        "[NS/]PREFIX",
        "Flows with an end at a service whose name begins so",
        |pair, value| {
            pair.push_either(
                |f| &mut f.source_service,
                |f| &mut f.destination_service,
                value.to_owned(),
            );
            Ok(())
        },
    ),
    FilterFlag::new(
        "from-service",
        "[NS/]PREFIX",
        "Flows whose source is a service whose name begins so",
        |pair, value| {
            pair.push(|f| &mut f.source_service, value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::new(
        "to-service",
        "[NS/]PREFIX",
        "Flows whose destination is a service whose name begins so",
        |pair, value| {
            pair.push(|f| &mut f.destination_service, value.to_owned());
            Ok(())
        },
    ),
];
