//! Protocols and ports of a rule, and their lowering to port prefixes.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortSpec {
    /// IP protocol number.
    pub protocol: u8,
    /// The ports, or ICMP types.
    pub ports: PortRange,
}

/// Ports of one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// Which form matches a packet, if any. `port` is the service port, or the ICMP type.
    pub fn form(&self, protocol: u8, port: u16) -> Option<L4Form> {
        match self {
            Self::Any => Some(L4Form::AnyProtocol),
            Self::Of(specs) => specs
                .iter()
                .filter_map(|spec| spec.form(protocol, port))
                .min(),
        }
    }
}

impl PortSpec {
    fn form(self, protocol: u8, port: u16) -> Option<L4Form> {
        if self.protocol != protocol {
            return None;
        }
        match self.ports {
            PortRange::Any => Some(L4Form::Protocol),
            PortRange::Span { first, last } => {
                (first..=last).contains(&port).then_some(L4Form::Port)
            }
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

    /// The fewest port prefixes that cover the range: pairs of a port whose low bits are 0 and the number of leading
    /// bits that count (0: any port). At most 30.
    pub fn prefixes(self) -> Vec<(u16, u8)> {
        let (first, last) = match self {
            Self::Any => (0, u16::MAX),
            Self::Span { first, last } => (first, last),
        };
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{L4Form, PortRange, PortSpec, Ports, protocol};

    #[test]
    fn ranges_become_prefixes() {
        let check = |first: u16, last: u16, expect: &[(u16, u8)]| {
            assert_eq!(
                PortRange::span(first, last).prefixes(),
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
        assert_eq!(PortRange::span(1, 65_534).prefixes().len(), 30);
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
            udp(PortRange::one(53)),
            tcp(PortRange::Any),
        ]);
        assert_eq!(ports.form(protocol::TCP, 80), Some(L4Form::Protocol));
        assert_eq!(ports.form(protocol::UDP, 53), Some(L4Form::Port));
        assert_eq!(ports.form(protocol::UDP, 54), None);
        assert_eq!(
            ports,
            Ports::of(vec![tcp(PortRange::Any), udp(PortRange::one(53))])
        );
    }

    proptest! {
        #[test]
        fn prefixes_cover_exactly_the_range(first: u16, length: u16, port: u16) {
            let last = first.saturating_add(length);
            let covering = PortRange::span(first, last).prefixes().into_iter().filter(|&(base, bits)| {
                bits == 0 || (port >> (16 - bits)) == (base >> (16 - bits))
            });
            prop_assert_eq!(covering.count(), usize::from((first..=last).contains(&port)));
        }
    }
}
