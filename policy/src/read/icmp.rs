//! `icmps`: ICMP types by number or by the names that Cilium gives them.

use super::error::{ReadError, ReadReason};
use super::place::Place;
use crate::rule::{PortRange, PortSpec, Ports, protocol};

/// Names of ICMP types, besides which numbers can be given.
const ICMP_TYPES: &[(&str, u16)] = &[
    ("EchoReply", 0),
    ("DestinationUnreachable", 3),
    ("Redirect", 5),
    ("Echo", 8),
    ("EchoRequest", 8),
    ("RouterAdvertisement", 9),
    ("RouterSelection", 10),
    ("TimeExceeded", 11),
    ("ParameterProblem", 12),
    ("Timestamp", 13),
    ("TimestampReply", 14),
    ("Photuris", 40),
    ("ExtendedEchoRequest", 42),
    ("ExtendedEchoReply", 43),
];

/// The same for ICMPv6.
const ICMPV6_TYPES: &[(&str, u16)] = &[
    ("DestinationUnreachable", 1),
    ("PacketTooBig", 2),
    ("TimeExceeded", 3),
    ("ParameterProblem", 4),
    ("EchoRequest", 128),
    ("EchoReply", 129),
    ("MulticastListenerQuery", 130),
    ("MulticastListenerReport", 131),
    ("MulticastListenerDone", 132),
    ("RouterSolicitation", 133),
    ("RouterAdvertisement", 134),
    ("NeighborSolicitation", 135),
    ("NeighborAdvertisement", 136),
    ("RedirectMessage", 137),
    ("RouterRenumbering", 138),
    ("ICMPNodeInformationQuery", 139),
    ("ICMPNodeInformationResponse", 140),
    ("InverseNeighborDiscoverySolicitation", 141),
    ("InverseNeighborDiscoveryAdvertisement", 142),
    ("HomeAgentAddressDiscoveryRequest", 144),
    ("HomeAgentAddressDiscoveryReply", 145),
    ("MobilePrefixSolicitation", 146),
    ("MobilePrefixAdvertisement", 147),
    ("DuplicateAddressRequestCodeSuffix", 157),
    ("DuplicateAddressConfirmationCodeSuffix", 158),
    ("ExtendedEchoRequest", 160),
    ("ExtendedEchoReply", 161),
];

/// Reads `icmps`.
pub(super) fn icmps(place: &Place<'_>) -> Result<Ports, ReadError> {
    let mut specs = Vec::new();
    for entry in place.list()? {
        for field in entry.fields(&["fields"], &[])?.required("fields")?.list()? {
            specs.push(icmp_type(&field)?);
        }
    }
    if specs.is_empty() {
        return Err(place.invalid("there is no ICMP type in this list"));
    }
    Ok(Ports::of(specs))
}

fn icmp_type(place: &Place<'_>) -> Result<PortSpec, ReadError> {
    let fields = place.fields(&["family", "type"], &[])?;
    let family = fields.optional("family")?;
    let (protocol, names) = match family.as_ref().map(Place::text).transpose()? {
        None | Some("IPv4") => (protocol::ICMP, ICMP_TYPES),
        Some("IPv6") => (protocol::ICMPV6, ICMPV6_TYPES),
        Some(other) => {
            let refuse = |family: Place<'_>| {
                family.invalid(format!("{other:?} is no family; IPv4 and IPv6 are"))
            };
            return Err(family.map_or_else(|| place.error(ReadReason::Missing), refuse));
        }
    };
    let given = fields.required("type")?;
    let named = |text: &str| {
        names
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&text.replace(' ', "")))
            .map(|(_, number)| *number)
    };
    let number = match given.integer_or_text()? {
        Ok(number) => u8::try_from(number).ok().map(u16::from),
        Err(text) => text
            .parse::<u8>()
            .ok()
            .map(u16::from)
            .or_else(|| named(text)),
    };
    let number = number.ok_or_else(|| {
        given.invalid("an ICMP type is a number from 0 to 255 or one of its names")
    })?;
    Ok(PortSpec {
        protocol,
        ports: PortRange::one(number),
    })
}
