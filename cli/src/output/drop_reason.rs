//! Drop reasons in words, by Cilium's numbers.

const FIRST: u32 = 130;

/// The texts of the reasons from 130 on, as Hubble prints them.
const TEXTS: [&str; 78] = [
    "Invalid source mac",
    "Invalid destination mac",
    "Invalid source ip",
    "Policy denied",
    "Invalid packet",
    "CT: Truncated or invalid header",
    "Fragmentation needed",
    "CT: Unknown L4 protocol",
    "CT: Can't create entry from packet",
    "Unsupported L3 protocol",
    "Missed tail call",
    "Error writing to packet",
    "Unknown L4 protocol",
    "Unknown ICMPv4 code",
    "Unknown ICMPv4 type",
    "Unknown ICMPv6 code",
    "Unknown ICMPv6 type",
    "Error retrieving tunnel key",
    "Error retrieving tunnel options",
    "Invalid Geneve option",
    "Unknown L3 target address",
    "Stale or unroutable IP",
    "No matching local container found",
    "Error while correcting L3 checksum",
    "Error while correcting L4 checksum",
    "CT: Map insertion failed",
    "Invalid IPv6 extension header",
    "IP fragmentation not supported",
    "Service backend not found",
    "159",
    "No tunnel/encapsulation endpoint (datapath BUG!)",
    "NAT 46/64 not enabled",
    "Reached EDT rate-limiting drop horizon",
    "Unknown connection tracking state",
    "Local host is unreachable",
    "No configuration available to perform policy decision",
    "Unsupported L2 protocol",
    "No mapping for NAT masquerade",
    "Unsupported protocol for NAT masquerade",
    "FIB lookup failed",
    "Encapsulation traffic is prohibited",
    "Invalid identity",
    "Unknown sender",
    "NAT not needed",
    "Is a ClusterIP",
    "First logical datagram fragment not found",
    "Forbidden ICMPv6 message",
    "Denied by LB src range check",
    "Socket lookup failed",
    "Socket assign failed",
    "Proxy redirection not supported for protocol",
    "Policy denied by denylist",
    "VLAN traffic disallowed by VLAN filter",
    "Incorrect VNI from VTEP",
    "Failed to update or lookup TC buffer",
    "No SID was found for the IP address",
    "SRv6 state was removed during tail call",
    "L3 translation from IPv4 to IPv6 failed (NAT46)",
    "L3 translation from IPv6 to IPv4 failed (NAT64)",
    "Authentication required",
    "No conntrack map found",
    "No nat map found",
    "Invalid ClusterID",
    "Unsupported packet protocol for DSR encapsulation",
    "No egress gateway found",
    "Traffic is unencrypted",
    "TTL exceeded",
    "No node ID found",
    "Rate limited",
    "IGMP handled",
    "IGMP subscribed",
    "Multicast handled",
    "Host datapath not ready",
    "Endpoint policy program not available",
    "No Egress IP configured",
    "Punt to proxy",
    "No device",
    "First logical datagram fragment not found from world",
];

/// The reason in words, or its number if it has none.
pub(super) fn text(reason: u32) -> String {
    reason
        .checked_sub(FIRST)
        .and_then(|index| TEXTS.get(usize::try_from(index).ok()?))
        .map_or_else(|| reason.to_string(), |text| (*text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn numbers_meet_their_words() {
        for (reason, expected) in [
            (0, "0"),
            (132, "Invalid source ip"),
            (133, "Policy denied"),
            (159, "159"),
            (166, "Unsupported L2 protocol"),
            (176, "Forbidden ICMPv6 message"),
            (181, "Policy denied by denylist"),
            (203, "Endpoint policy program not available"),
            (205, "Punt to proxy"),
            (208, "208"),
        ] {
            assert_eq!(text(reason), expected);
        }
    }
}
