//! `--ip`, `--from-ip`, `--to-ip`, `--snat-ip`: addresses and CIDR ranges.

use std::net::IpAddr;

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "ip",
        "IP|CIDR",
        "Flows with an end at this address or in this range",
        |pair, value| {
            let address = parse(value)?;
            pair.push_either(|f| &mut f.source_ip, |f| &mut f.destination_ip, address);
            Ok(())
        },
    ),
    FilterFlag::new(
        "from-ip",
        "IP|CIDR",
        "Flows from this address or range",
        |pair, value| {
            pair.push(|f| &mut f.source_ip, parse(value)?);
            Ok(())
        },
    ),
    FilterFlag::new(
        "to-ip",
        "IP|CIDR",
        "Flows to this address or range",
        |pair, value| {
            pair.push(|f| &mut f.destination_ip, parse(value)?);
            Ok(())
        },
    ),
    FilterFlag::new(
        "snat-ip",
        "IP|CIDR",
        "Flows whose source was translated to this address or range",
        |pair, value| {
            pair.push(|f| &mut f.source_ip_xlated, parse(value)?);
            Ok(())
        },
    ),
];

/// Checks the form; the text goes to the server as it was given.
fn parse(value: &str) -> Result<String, String> {
    let valid = match value.split_once('/') {
        None => value.parse::<IpAddr>().is_ok(),
        Some((address, length)) => {
            let longest = match address.parse() {
                Ok(IpAddr::V4(_)) => Some(32),
                Ok(IpAddr::V6(_)) => Some(128),
                Err(_) => None,
            };
            longest.is_some_and(|longest| {
                length
                    .parse::<u8>()
                    .is_ok_and(|length| length <= longest && !value.contains('+'))
            })
        }
    };
    if valid {
        Ok(value.to_owned())
    } else {
        Err(format!(
            "{value:?} is not an IP address (10.1.0.11, fd00::11) or a CIDR range (10.1.0.0/16)"
        ))
    }
}
