//! `--fqdn`, `--from-fqdn`, `--to-fqdn`: domain names.

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "fqdn",
        "PATTERN",
        "Flows with an end whose domain name matches; `*` matches any part",
        |pair, value| {
            pair.push_either(
                |f| &mut f.source_fqdn,
                |f| &mut f.destination_fqdn,
                value.to_owned(),
            );
            Ok(())
        },
    ),
    FilterFlag::new(
        "from-fqdn",
        "PATTERN",
        "Flows whose source has a domain name that matches",
        |pair, value| {
            pair.push(|f| &mut f.source_fqdn, value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::new(
        "to-fqdn",
        "PATTERN",
        "Flows whose destination has a domain name that matches",
        |pair, value| {
            pair.push(|f| &mut f.destination_fqdn, value.to_owned());
            Ok(())
        },
    ),
];
