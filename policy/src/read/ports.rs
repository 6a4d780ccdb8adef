//! `toPorts`, and the ports of a NetworkPolicy.

use super::error::ReadError;
use super::place::{Fields, Place};
use super::unsupported;
use crate::rule::{PortRange, PortSpec, Ports, protocol};

/// What `ANY` stands for when a port is given: the protocols that have ports.
const WITH_PORTS: [u8; 3] = [protocol::TCP, protocol::UDP, protocol::SCTP];

/// Reads `toPorts`. An empty list restricts nothing, as in Cilium, and is `None`; an entry without ports is an error.
pub(super) fn to_ports(place: &Place<'_>) -> Result<Option<Ports>, ReadError> {
    let entries = place.list()?;
    let mut specs = Vec::new();
    let mut everything = false;
    for entry in &entries {
        let ports = entry
            .fields(&["ports"], unsupported::PORT_RULE)?
            .required("ports")?;
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
    let range = range(&fields.required("port")?, &fields)?;
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

/// One entry of a NetworkPolicy's `ports`: TCP unless it says otherwise, and every port unless it names one.
pub(super) fn of_network_policy(place: &Place<'_>) -> Result<PortSpec, ReadError> {
    let fields = place.fields(&["port", "endPort", "protocol"], &[])?;
    let protocol = match fields.optional("protocol")? {
        Some(name) => match name.text()? {
            "TCP" => protocol::TCP,
            "UDP" => protocol::UDP,
            "SCTP" => protocol::SCTP,
            other => {
                let message = format!("{other:?} is not supported; TCP, UDP and SCTP are");
                return Err(name.invalid(message));
            }
        },
        None => protocol::TCP,
    };
    let ports = match (fields.optional("port")?, fields.optional("endPort")?) {
        (Some(port), _) => match range(&port, &fields)? {
            PortRange::Any => return Err(port.invalid("a port is a number from 1 to 65535")),
            ports => ports,
        },
        (None, Some(end)) => return Err(end.invalid("endPort needs a port to begin with")),
        (None, None) => PortRange::Any,
    };
    Ok(PortSpec { protocol, ports })
}

/// A port, alone or with the `endPort` beside it. Port 0 is every port.
fn range(port: &Place<'_>, fields: &Fields<'_>) -> Result<PortRange, ReadError> {
    let end = fields.optional("endPort")?;
    let first = match (port_or_name(port)?, &end) {
        (Port::Number(first), _) => first,
        (Port::Name(name), None) => return Ok(PortRange::Named(name.into())),
        (Port::Name(_), Some(end)) => {
            return Err(end.invalid("a port with a name has no endPort"));
        }
    };
    match (first, end) {
        (0, Some(end)) => Err(end.invalid("port 0 means every port and has no endPort")),
        (0, None) => Ok(PortRange::Any),
        (first, None) => Ok(PortRange::one(first)),
        (first, Some(end)) => match u16::try_from(end.integer()?) {
            Ok(last) if last >= first => Ok(PortRange::span(first, last)),
            _ => Err(end.invalid(format!("endPort must be from {first} (the port) to 65535"))),
        },
    }
}

enum Port {
    Number(u16),
    Name(String),
}

fn port_or_name(place: &Place<'_>) -> Result<Port, ReadError> {
    let number = match place.integer_or_text()? {
        Ok(number) => u16::try_from(number).ok(),
        Err(text) if text.contains(|character: char| character.is_ascii_alphabetic()) => {
            return port_name(place, text);
        }
        Err(text) => text.parse().ok(),
    };
    number
        .map(Port::Number)
        .ok_or_else(|| place.invalid("a port is a number from 0 to 65535, or a name"))
}

/// Endpoints have their names in lower case; policies may write them as they like, as for Cilium.
fn port_name(place: &Place<'_>, text: &str) -> Result<Port, ReadError> {
    let name = text.to_ascii_lowercase();
    let fits = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
    };
    if name.len() > 15 || !name.chars().all(fits) || name.starts_with('-') || name.ends_with('-') {
        return Err(place.invalid(format!(
            "{text:?} is no port name (up to 15 of a-z, 0-9 and -)"
        )));
    }
    Ok(Port::Name(name))
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
