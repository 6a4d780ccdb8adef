//! `--protocol`: L4 and L7 protocols by name.

use super::flag::FilterFlag;

/// The names that a server knows, in any case.
const PROTOCOLS: [&str; 11] = [
    "icmp", "icmpv4", "icmpv6", "tcp", "udp", "sctp", "vrrp", "igmp", "dns", "http", "kafka",
];

pub(super) const FLAGS: &[FilterFlag] = &[FilterFlag::new(
    "protocol",
    "PROTOCOL",
    "Flows of this L4 or L7 protocol: icmp (v4 and v6), icmpv4, icmpv6, tcp, udp, sctp, vrrp, igmp, dns, http, kafka",
    |pair, value| {
        if !PROTOCOLS.contains(&value.to_ascii_lowercase().as_str()) {
            return Err(format!("{value:?} is not one of {}", PROTOCOLS.join(", ")));
        }
        pair.push(|f| &mut f.protocol, value.to_owned());
        Ok(())
    },
)];
