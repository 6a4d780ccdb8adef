//! Names of ICMP messages, as Hubble's `Summary` has them.

use std::fmt::Write as _;

/// What the code of a type means: names by code, or nothing.
type Codes = &'static [&'static str];

const V4_UNREACHABLE: Codes = &[
    "Net",
    "Host",
    "Protocol",
    "Port",
    "FragmentationNeeded",
    "SourceRoutingFailed",
    "NetUnknown",
    "HostUnknown",
    "SourceIsolated",
    "NetAdminProhibited",
    "HostAdminProhibited",
    "NetTOS",
    "HostTOS",
    "CommAdminProhibited",
    "HostPrecedence",
    "PrecedenceCutoff",
];
const V6_UNREACHABLE: Codes = &[
    "NoRouteToDst",
    "AdminProhibited",
    "BeyondScopeOfSrc",
    "AddressUnreachable",
    "PortUnreachable",
    "SrcAddressFailedPolicy",
    "RejectRouteToDst",
];

fn v4_type(icmp_type: u8) -> Option<(&'static str, Codes)> {
    Some(match icmp_type {
        0 => ("EchoReply", &[]),
        3 => ("DestinationUnreachable", V4_UNREACHABLE),
        4 => ("SourceQuench", &[]),
        5 => ("Redirect", &["Net", "Host", "TOS+Net", "TOS+Host"]),
        8 => ("EchoRequest", &[]),
        9 => ("RouterAdvertisement", &[]),
        10 => ("RouterSolicitation", &[]),
        11 => (
            "TimeExceeded",
            &["TTLExceeded", "FragmentReassemblyTimeExceeded"],
        ),
        12 => (
            "ParameterProblem",
            &["PointerIndicatesError", "MissingOption", "BadLength"],
        ),
        13 => ("TimestampRequest", &[]),
        14 => ("TimestampReply", &[]),
        15 => ("InfoRequest", &[]),
        16 => ("InfoReply", &[]),
        17 => ("AddressMaskRequest", &[]),
        18 => ("AddressMaskReply", &[]),
        _ => return None,
    })
}

fn v6_type(icmp_type: u8) -> Option<(&'static str, Codes)> {
    Some(match icmp_type {
        1 => ("DestinationUnreachable", V6_UNREACHABLE),
        2 => ("PacketTooBig", &[]),
        3 => (
            "TimeExceeded",
            &["HopLimitExceeded", "FragmentReassemblyTimeExceeded"],
        ),
        4 => (
            "ParameterProblem",
            &[
                "ErroneousHeaderField",
                "UnrecognizedNextHeader",
                "UnrecognizedIPv6Option",
            ],
        ),
        128 => ("EchoRequest", &[]),
        129 => ("EchoReply", &[]),
        130 => ("MLDv1MulticastListenerQueryMessage", &[]),
        131 => ("MLDv1MulticastListenerReportMessage", &[]),
        132 => ("MLDv1MulticastListenerDoneMessage", &[]),
        133 => ("RouterSolicitation", &[]),
        134 => ("RouterAdvertisement", &[]),
        135 => ("NeighborSolicitation", &[]),
        136 => ("NeighborAdvertisement", &[]),
        137 => ("Redirect", &[]),
        143 => ("MLDv2MulticastListenerReportMessageV2", &[]),
        _ => return None,
    })
}

/// Appends the name of an ICMP message: its type, and its code if that says something.
pub(super) fn put_message_name(out: &mut String, is_v6: bool, icmp_type: u8, icmp_code: u8) {
    let known = if is_v6 {
        v6_type(icmp_type)
    } else {
        v4_type(icmp_type)
    };
    let written = match known {
        None => write!(out, "{icmp_type}({icmp_code})"),
        Some((name, codes)) => match codes.get(usize::from(icmp_code)) {
            Some(code) => write!(out, "{name}({code})"),
            None if codes.is_empty() && icmp_code == 0 => out.write_str(name),
            None => write!(out, "{name}(Code: {icmp_code})"),
        },
    };
    written.expect("a string takes all that is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_hubble_prints() {
        let check = |is_v6, icmp_type, icmp_code, expect| {
            let mut name = String::new();
            put_message_name(&mut name, is_v6, icmp_type, icmp_code);
            assert_eq!(name, expect);
        };
        check(false, 8, 0, "EchoRequest");
        check(false, 0, 0, "EchoReply");
        check(false, 8, 3, "EchoRequest(Code: 3)");
        check(false, 3, 3, "DestinationUnreachable(Port)");
        check(false, 3, 99, "DestinationUnreachable(Code: 99)");
        check(false, 200, 1, "200(1)");
        check(true, 135, 0, "NeighborSolicitation");
        check(true, 1, 4, "DestinationUnreachable(PortUnreachable)");
        check(true, 8, 0, "8(0)");
    }
}
