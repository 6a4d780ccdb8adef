//! Protocol and port of the connection that `tycho policy verdict` asks about.

/// Protocols by name: number, and what tells their connections apart.
const PROTOCOLS: [(&str, u32, Distinction); 5] = [
    ("tcp", 6, Distinction::Port),
    ("udp", 17, Distinction::Port),
    ("sctp", 132, Distinction::Port),
    ("icmp", 1, Distinction::Type),
    ("icmpv6", 58, Distinction::Type),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Distinction {
    Port,
    Type,
    Nothing,
}

/// Protocol and port, as a request has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Traffic {
    pub(super) protocol: u32,
    /// Port or ICMP type.
    pub(super) port: u32,
}

/// Puts the three flags together.
pub(super) fn parse(
    port: Option<&str>,
    protocol: Option<&str>,
    icmp_type: Option<u8>,
) -> Result<Traffic, String> {
    let (port, behind) = match port.map(|text| text.split_once('/').ok_or(text)) {
        Some(Ok((port, protocol))) => (Some(port), Some(protocol)),
        Some(Err(port)) => (Some(port), None),
        None => (None, None),
    };
    let name = match (behind, protocol) {
        (Some(one), Some(other)) if !one.eq_ignore_ascii_case(other) => {
            return Err(format!("--port says {one}, --protocol says {other}"));
        }
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) if port.is_some() => "tcp",
        (None, None) => {
            return Err(
                "say which connection: --port 5432/tcp, or --protocol icmp --icmp-type 8"
                    .to_owned(),
            );
        }
    };
    let (protocol, told) = protocol_number(name)?;
    let port = match (told, port, icmp_type) {
        (Distinction::Port, Some(port), None) => port_number(port)?,
        (Distinction::Port, None, None) => {
            return Err(format!("{name} has ports; add --port 443/{name}"));
        }
        (Distinction::Type, None, Some(icmp_type)) => icmp_type.into(),
        (Distinction::Type, None, None) => {
            return Err(format!(
                "{name} has types; add --icmp-type {} for an echo request",
                if protocol == 1 { 8 } else { 128 }
            ));
        }
        (Distinction::Nothing, None, None) => 0,
        (_, Some(_), _) => return Err(format!("{name} has no ports; leave out --port")),
        (_, _, Some(_)) => return Err(format!("{name} has no ICMP types; leave out --icmp-type")),
    };
    Ok(Traffic { protocol, port })
}

fn protocol_number(text: &str) -> Result<(u32, Distinction), String> {
    let named = PROTOCOLS
        .iter()
        .find(|(name, number, _)| text.eq_ignore_ascii_case(name) || text == number.to_string());
    if let Some((_, number, told)) = named {
        return Ok((*number, *told));
    }
    let number: Option<u8> = text.parse().ok();
    number
        .map(|number| (number.into(), Distinction::Nothing))
        .ok_or_else(|| {
            let names = PROTOCOLS.map(|(name, ..)| name).join(", ");
            format!("{text:?} is not a protocol; protocols are {names}, or a number up to 255")
        })
}

fn port_number(text: &str) -> Result<u32, String> {
    let number: Option<u16> = text.parse().ok();
    number
        .filter(|number| *number > 0)
        .map(Into::into)
        .ok_or_else(|| format!("{text:?} is not a port; a port is a number from 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::{Traffic, parse};

    #[test]
    fn flags_and_what_they_mean() {
        for (port, protocol, icmp_type, expected) in [
            (Some("5432/tcp"), None, None, Some((6, 5432))),
            (Some("5432"), None, None, Some((6, 5432))),
            (Some("53"), Some("UDP"), None, Some((17, 53))),
            (Some("53/udp"), Some("udp"), None, Some((17, 53))),
            (Some("9/132"), None, None, Some((132, 9))),
            (None, Some("icmp"), Some(8), Some((1, 8))),
            (None, Some("icmpv6"), Some(0), Some((58, 0))),
            (None, Some("50"), None, Some((50, 0))),
            (None, None, None, None),
            (None, None, Some(8), None),
            (None, Some("tcp"), None, None),
            (None, Some("icmp"), None, None),
            (Some("80"), Some("icmp"), None, None),
            (Some("80"), None, Some(8), None),
            (Some("80/50"), None, None, None),
            (Some("80/tcp"), Some("udp"), None, None),
            (Some("0"), None, None, None),
            (Some("http"), None, None, None),
            (Some("80/quic"), None, None, None),
        ] {
            let expected = expected.map(|(protocol, port)| Traffic { protocol, port });
            let parsed = parse(port, protocol, icmp_type);
            assert_eq!(parsed.ok(), expected, "{port:?} {protocol:?} {icmp_type:?}");
        }
    }
}
