//! Rules in words, as lists and explanations show them: `fromEndpoints k8s:role=frontend; TCP 8080, UDP 53`.

use std::fmt;

use super::{CidrPeer, Direction, Peer, Peers, PortRange, PortSpec, Ports, Rule, protocol};

const PROTOCOLS: [(u8, &str); 5] = [
    (protocol::ICMP, "ICMP"),
    (protocol::TCP, "TCP"),
    (protocol::UDP, "UDP"),
    (protocol::ICMPV6, "ICMPv6"),
    (protocol::SCTP, "SCTP"),
];

/// The name of an IP protocol, or `protocol 47`.
pub(crate) fn protocol_name(number: u8) -> String {
    PROTOCOLS
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(
            || format!("protocol {number}"),
            |(_, name)| (*name).to_owned(),
        )
}

impl Peer {
    /// The field of a policy that names such peers.
    fn field(&self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::Labels(_) | Self::AnyEndpoint, Direction::Ingress) => "fromEndpoints",
            (Self::Labels(_) | Self::AnyEndpoint, Direction::Egress) => "toEndpoints",
            (Self::Entity(_), Direction::Ingress) => "fromEntities",
            (Self::Entity(_), Direction::Egress) => "toEntities",
            (Self::Cidr(_), Direction::Ingress) => "fromCIDR",
            (Self::Cidr(_), Direction::Egress) => "toCIDR",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = self.key.direction;
        match &self.peers {
            Peers::Of(peers) if !peers.is_empty() => {
                let mut last = "";
                for peer in peers {
                    let before = if last.is_empty() { "" } else { " or " };
                    let field = peer.field(direction);
                    if field == last {
                        write!(out, "{before}{peer}")?;
                    } else {
                        write!(out, "{before}{field} {peer}")?;
                    }
                    last = field;
                }
            }
            others => {
                let toward = match direction {
                    Direction::Ingress => "from",
                    Direction::Egress => "to",
                };
                write!(out, "{toward} {others}")?;
            }
        }
        write!(out, "; {}", self.ports)
    }
}

impl fmt::Display for Peers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => out.write_str("anybody"),
            Self::Of(peers) if peers.is_empty() => out.write_str("nobody"),
            Self::Of(peers) => joined(out, peers, " or "),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Labels(selector) if selector.is_everything() => out.write_str("{}"),
            Self::Labels(selector) => selector.fmt(out),
            Self::AnyEndpoint => out.write_str("{}"),
            Self::Entity(entity) => entity.fmt(out),
            Self::Cidr(peer) => peer.fmt(out),
        }
    }
}

impl fmt::Display for CidrPeer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cidr.fmt(out)?;
        if !self.except.is_empty() {
            out.write_str(" except ")?;
            joined(out, &self.except, ", ")?;
        }
        Ok(())
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => out.write_str("any protocol"),
            Self::Of(specs) if specs.is_empty() => out.write_str("no port"),
            Self::Of(specs) => joined(out, specs, ", "),
        }
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = protocol_name(self.protocol);
        let of_icmp = matches!(self.protocol, protocol::ICMP | protocol::ICMPV6);
        match &self.ports {
            PortRange::Any => out.write_str(&name),
            ports if of_icmp => write!(out, "{name} type {ports}"),
            ports => write!(out, "{name} {ports}"),
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => out.write_str("any"),
            Self::Span { first, last } if first == last => first.fmt(out),
            Self::Span { first, last } => write!(out, "{first}-{last}"),
            Self::Named(name) => out.write_str(name),
        }
    }
}

fn joined<T: fmt::Display>(
    out: &mut fmt::Formatter<'_>,
    items: &[T],
    between: &str,
) -> fmt::Result {
    for (position, item) in items.iter().enumerate() {
        write!(out, "{}{item}", if position == 0 { "" } else { between })?;
    }
    Ok(())
}
