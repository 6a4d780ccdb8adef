//! Protocols and ports of a rule, and their lowering to port prefixes.

use std::collections::BTreeSet;
use std::sync::Arc;

/// IP protocol numbers that rules name.
pub mod protocol {
    /// ICMP; the port field carries the ICMP type.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// ICMPv6; the port field carries the ICMPv6 type.
    pub const ICMPV6: u8 = 58;
    /// SCTP.
    pub const SCTP: u8 = 132;
}

/// What a rule says about protocol and port. The port of ICMP and ICMPv6 is their type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ports {
    /// Any protocol: a rule without ports passes ICMP and everything else as well.
    Any,
    /// Whatever matches one of these; nothing if there is none.
    Of(Vec<PortSpec>),
}

/// A protocol and its ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortSpec {
    /// IP protocol number.
    pub protocol: u8,
    /// The ports, or ICMP types.
    pub ports: PortRange,
}

/// Ports of one protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortRange {
    /// Every port.
    Any,
    /// The ports from `first` to `last`, both included.
    Span {
        /// Lowest.
        first: u16,
        /// Highest.
        last: u16,
    },
    /// The ports of that name, of every endpoint that the rule is about; none if no such endpoint has the name.
    Named(Arc<str>),
}

/// Which form of a rule's ports matched, the widest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum L4Form {
    /// The rule names no protocol.
    AnyProtocol,
    /// The rule names the protocol with any port.
    Protocol,
    /// The rule names protocol and port.
    Port,
}

impl Ports {
    /// Ports of a list. An entry for every port of a protocol absorbs that protocol's other entries, so that of one rule
    /// at most one form matches a packet and the order of look-ups cannot matter.
    pub fn of(mut specs: Vec<PortSpec>) -> Self {
        specs.sort_unstable();
        specs.dedup();
        let whole: Vec<u8> = specs
            .iter()
            .filter(|spec| spec.ports == PortRange::Any)
            .map(|spec| spec.protocol)
            .collect();
        specs.retain(|spec| spec.ports == PortRange::Any || !whole.contains(&spec.protocol));
        Self::Of(specs)
    }

    /// Which form matches a packet, if any. `port` is the service port, or the ICMP type; `named` gives the ports of a name.
    pub fn form(
        &self,
        protocol: u8,
        port: u16,
        named: impl Fn(&str) -> BTreeSet<u16>,
    ) -> Option<L4Form> {
        match self {
            Self::Any => Some(L4Form::AnyProtocol),
            Self::Of(specs) => specs
                .iter()
                .filter(|spec| spec.protocol == protocol)
                .filter_map(|spec| spec.ports.form(port, &named))
                .min(),
        }
    }
}

impl PortRange {
    /// One port.
    pub fn one(port: u16) -> Self {
        Self::Span {
            first: port,
            last: port,
        }
    }

    /// The ports from `first` to `last`; all of them is [`PortRange::Any`].
    pub fn span(first: u16, last: u16) -> Self {
        if (first, last) == (0, u16::MAX) {
            Self::Any
        } else {
            Self::Span { first, last }
        }
    }

    fn form(&self, port: u16, named: impl Fn(&str) -> BTreeSet<u16>) -> Option<L4Form> {
        let is_meant = match self {
            Self::Any => return Some(L4Form::Protocol),
            Self::Span { first, last } => (*first..=*last).contains(&port),
            Self::Named(name) => named(name).contains(&port),
        };
        is_meant.then_some(L4Form::Port)
    }

    /// The port prefixes of these ports; `named` gives the ports of a name.
    pub fn prefixes(&self, named: impl Fn(&str) -> BTreeSet<u16>) -> Vec<(u16, u8)> {
        match self {
            Self::Any => vec![(0, 0)],
            Self::Span { first, last } => span_prefixes(*first, *last),
            Self::Named(name) => named(name).into_iter().map(|port| (port, 16)).collect(),
        }
    }
}

/// The fewest port prefixes that cover a range: pairs of a port whose low bits are 0 and the number of leading bits that
/// count. At most 30.
fn span_prefixes(first: u16, last: u16) -> Vec<(u16, u8)> {
    let mut prefixes = Vec::new();
    let mut start = u32::from(first);
    let end = u32::from(last) + 1;
    while start < end {
        // The largest block that begins here, by alignment and by what is left.
        let aligned_bits = if start == 0 {
            16
        } else {
            start.trailing_zeros()
        };
        let bits = aligned_bits.min((end - start).ilog2());
        prefixes.push((start as u16, (16 - bits) as u8));
        start += 1 << bits;
    }
    prefixes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{L4Form, PortRange, PortSpec, Ports, protocol};

    #[test]
    fn ranges_become_prefixes() {
        let check = |first: u16, last: u16, expect: &[(u16, u8)]| {
            assert_eq!(
                PortRange::span(first, last).prefixes(|_| BTreeSet::new()),
                expect,
                "{first}-{last}"
            );
        };
        check(80, 80, &[(80, 16)]);
        check(0, 0, &[(0, 16)]);
        check(0, 65_535, &[(0, 0)]);
        check(8_080, 8_083, &[(8_080, 14)]);
        check(1, 3, &[(1, 16), (2, 15)]);
        check(65_534, 65_535, &[(65_534, 15)]);
        assert_eq!(super::span_prefixes(1, 65_534).len(), 30);
    }

    #[test]
    fn the_widest_entry_absorbs() {
        let tcp = |ports| PortSpec {
            protocol: protocol::TCP,
            ports,
        };
        let udp = |ports| PortSpec {
            protocol: protocol::UDP,
            ports,
        };
        let ports = Ports::of(vec![
            tcp(PortRange::one(80)),
            tcp(PortRange::Named("http".into())),
            udp(PortRange::one(53)),
            udp(PortRange::Named("dns".into())),
            tcp(PortRange::Any),
        ]);
        let form = |protocol, port| {
            ports.form(protocol, port, |name| match name {
                "dns" => BTreeSet::from([54, 5353]),
                _ => BTreeSet::from([80]),
            })
        };
        assert_eq!(form(protocol::TCP, 80), Some(L4Form::Protocol));
        assert_eq!(form(protocol::UDP, 53), Some(L4Form::Port));
        assert_eq!(form(protocol::UDP, 54), Some(L4Form::Port));
        assert_eq!(form(protocol::UDP, 55), None);
        assert_eq!(
            ports,
            Ports::of(vec![
                tcp(PortRange::Any),
                udp(PortRange::Named("dns".into())),
                udp(PortRange::one(53))
            ])
        );
    }

    proptest! {
        #[test]
        fn prefixes_cover_exactly_the_range(first: u16, length: u16, port: u16) {
            let last = first.saturating_add(length);
            let covering = PortRange::span(first, last).prefixes(|_| BTreeSet::new()).into_iter().filter(|&(base, bits)| {
                bits == 0 || (port >> (16 - bits)) == (base >> (16 - bits))
            });
            prop_assert_eq!(covering.count(), usize::from((first..=last).contains(&port)));
        }
    }
}
