//! `toPorts` and `icmps`.

use super::error::{ReadError, ReadReason};
use super::place::Place;
use crate::rule::{PortRange, PortSpec, Ports, protocol};

/// What `ANY` stands for when a port is given: the protocols that have ports.
const WITH_PORTS: [u8; 3] = [protocol::TCP, protocol::UDP, protocol::SCTP];

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
    ("ExtendedEchoRequest", 160),
    ("ExtendedEchoReply", 161),
];

/// Reads `toPorts`. An empty list restricts nothing, as in Cilium, and is `None`; an entry without ports is an error.
pub(super) fn to_ports(place: &Place<'_>) -> Result<Option<Ports>, ReadError> {
    let entries = place.list()?;
    let mut specs = Vec::new();
    let mut everything = false;
    for entry in &entries {
        let unsupported = [
            "rules",
            "terminatingTLS",
            "originatingTLS",
            "serverNames",
            "listener",
        ];
        let ports = entry.fields(&["ports"], &unsupported)?.required("ports")?;
        let list = ports.list()?;
        if list.is_empty() {
            return Err(ports.invalid("there is no port in this list"));
        }
        for port in list {
            match port_and_protocol(&port)? {
                Some(more) => specs.extend(more),
                None => everything = true,
            }
        }
    }
    let ports = if everything {
        Ports::Any
    } else {
        Ports::of(specs)
    };
    Ok((!entries.is_empty()).then_some(ports))
}

/// `None` is every port of every protocol.
fn port_and_protocol(place: &Place<'_>) -> Result<Option<Vec<PortSpec>>, ReadError> {
    let fields = place.fields(&["port", "endPort", "protocol"], &[])?;
    let port = fields.required("port")?;
    let first = port_number(&port)?;
    let range = match (first, fields.optional("endPort")?) {
        (0, Some(end)) => return Err(end.invalid("port 0 means every port and has no endPort")),
        (0, None) => PortRange::Any,
        (first, None) => PortRange::one(first),
        (first, Some(end)) => match u16::try_from(end.integer()?) {
            Ok(last) if last >= first => PortRange::span(first, last),
            _ => {
                return Err(
                    end.invalid(format!("endPort must be from {first} (the port) to 65535"))
                );
            }
        },
    };
    let protocols = match fields.optional("protocol")? {
        Some(name) => protocols(&name)?,
        None => &WITH_PORTS,
    };
    if range == PortRange::Any && protocols.len() > 1 {
        return Ok(None);
    }
    Ok(Some(
        protocols
            .iter()
            .map(|&protocol| PortSpec {
                protocol,
                ports: range.clone(),
            })
            .collect(),
    ))
}

fn port_number(place: &Place<'_>) -> Result<u16, ReadError> {
    let parsed = match place.integer_or_text()? {
        Ok(number) => u16::try_from(number).ok(),
        Err(text) if text.contains(|character: char| character.is_ascii_alphabetic()) => {
            return Err(place.invalid(format!(
                "named ports are not supported ({text:?}): give the number"
            )));
        }
        Err(text) => text.parse().ok(),
    };
    parsed.ok_or_else(|| place.invalid("a port is a number from 0 to 65535"))
}

fn protocols(place: &Place<'_>) -> Result<&'static [u8], ReadError> {
    let text = place.text()?;
    match text.to_ascii_uppercase().as_str() {
        "TCP" => Ok(&[protocol::TCP]),
        "UDP" => Ok(&[protocol::UDP]),
        "SCTP" => Ok(&[protocol::SCTP]),
        "ANY" => Ok(&WITH_PORTS),
        "ICMP" | "ICMPV6" => Err(place.invalid("ICMP has no ports: use icmps")),
        _ => Err(place.invalid(format!(
            "{text:?} is not supported; TCP, UDP, SCTP and ANY are"
        ))),
    }
}

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
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
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
