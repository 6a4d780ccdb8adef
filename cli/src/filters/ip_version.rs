//! `--ip-version`, `-4`, `-6`: flows by IP version.

use proto::flow::IpVersion;

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "ip-version",
        "VERSION",
        "Flows of this IP version: v4, v6 or none",
        |pair, value| {
            let version = match value.to_ascii_lowercase().as_str() {
                "4" | "v4" | "ip4" | "ipv4" => IpVersion::IPv4,
                "6" | "v6" | "ip6" | "ipv6" => IpVersion::IPv6,
                "none" => IpVersion::IpNotUsed,
                _ => return Err(format!("{value:?} is not one of v4, v6, none")),
            };
            pair.push(|f| &mut f.ip_version, version.into());
            Ok(())
        },
    ),
    FilterFlag::switch("ipv4", "v4", "Flows of IPv4", |pair, _| {
        pair.push(|f| &mut f.ip_version, IpVersion::IPv4.into());
        Ok(())
    })
    .short('4'),
    FilterFlag::switch("ipv6", "v6", "Flows of IPv6", |pair, _| {
        pair.push(|f| &mut f.ip_version, IpVersion::IPv6.into());
        Ok(())
    })
    .short('6'),
];
