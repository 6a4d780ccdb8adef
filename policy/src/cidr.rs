//! Networks: an address and the length of its prefix.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// A network such as `10.0.0.0/8`. Bits beyond the prefix are zero, so equal networks compare equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CidrError {
    /// Neither an address nor an address, a slash and a number.
    #[error("`{0}` is no CIDR, such as `10.0.0.0/8`, `fd00::/8` or a bare address")]
    Syntax(String),
    /// The prefix is longer than the address.
    #[error("`{0}` has a prefix longer than its address")]
    Prefix(String),
    /// Bits beyond the prefix are set.
    #[error("`{text}` has bits beyond its prefix; the network is `{network}`")]
    HostBits {
        /// What was given.
        text: String,
        /// The network that contains it.
        network: Cidr,
    },
}

impl Cidr {
    /// Every IPv4 address.
    pub const ALL_IPV4: Self = Self {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        bits: 0,
    };
    /// Every IPv6 address.
    pub const ALL_IPV6: Self = Self {
        address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        bits: 0,
    };

    /// The network of `address` with a prefix of so many bits; `None` if that is longer than the address.
    pub fn new(address: IpAddr, bits: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(v4) if bits <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) if bits <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
            _ => return None,
        };
        Some(Self { address, bits })
    }

    /// The network of one address alone.
    pub fn host(address: IpAddr) -> Self {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { address, bits }
    }

    /// The first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The length of the prefix in bits.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// Whether it is a network of IPv6.
    pub fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    /// Whether an address lies in it.
    pub fn contains(self, address: IpAddr) -> bool {
        Self::new(address, self.bits) == Some(self)
    }

    /// Whether another network lies in it, or is it.
    pub fn contains_cidr(self, other: &Self) -> bool {
        other.bits >= self.bits && self.contains(other.address)
    }

    /// The key of the label `cidr:` that stands for it, as Cilium writes it: of IPv6 with `-` for `:` and with a `0` put
    /// where it would begin or end with `-`.
    pub fn label_key(self) -> String {
        let address = self.address.to_string().replace(':', "-");
        let before = if address.starts_with('-') { "0" } else { "" };
        let after = if address.ends_with('-') { "0" } else { "" };
        format!("{before}{address}{after}/{}", self.bits)
    }

    /// The network of a label's key; `None` if it is none.
    pub fn from_label_key(key: &str) -> Option<Self> {
        if key.contains('-') {
            key.replace('-', ":").parse().ok()
        } else {
            key.parse().ok()
        }
    }
}

impl From<IpAddr> for Cidr {
    fn from(address: IpAddr) -> Self {
        Self::host(address)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let syntax = || CidrError::Syntax(text.to_owned());
        let Some((address, bits)) = text.split_once('/') else {
            return text.parse().map(Self::host).map_err(|_ignored| syntax());
        };
        let address: IpAddr = address.parse().map_err(|_ignored| syntax())?;
        if bits.is_empty() || bits.len() > 3 || !bits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(syntax());
        }
        let network = bits
            .parse()
            .ok()
            .and_then(|bits| Self::new(address, bits))
            .ok_or_else(|| CidrError::Prefix(text.to_owned()))?;
        if network.address == address {
            Ok(network)
        } else {
            Err(CidrError::HostBits {
                text: text.to_owned(),
                network,
            })
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Cidr;

    #[test]
    fn networks() {
        let check = |text: &str, expect: &str| {
            let found = match text.parse::<Cidr>() {
                Ok(cidr) => cidr.to_string(),
                Err(error) => error.to_string(),
            };
            assert!(found.contains(expect), "{text}: {found}");
        };
        check("10.0.0.0/8", "10.0.0.0/8");
        check("0.0.0.0/0", "0.0.0.0/0");
        check("10.1.2.3/32", "10.1.2.3/32");
        check("10.1.2.3", "10.1.2.3/32");
        check("fd00::1", "fd00::1/128");
        check("fd00::/8", "fd00::/8");
        check("::/0", "::/0");
        check("10.1.2.3/8", "the network is `10.0.0.0/8`");
        check("fd00::1/64", "the network is `fd00::/64`");
        check("10.0.0.0/33", "longer than its address");
        check("::/129", "longer than its address");
        check("::/999", "longer than its address");
        for bad in ["", "10.0.0.0/", "10.0.0.0/+8", "x/8", "10.0.0.0/8/8", "/8"] {
            check(bad, "is no CIDR");
        }
    }

    #[test]
    fn containment() {
        let check = |outer: &str, inner: &str, expect: bool| {
            let (outer, inner): (Cidr, Cidr) = (outer.parse().unwrap(), inner.parse().unwrap());
            assert_eq!(outer.contains_cidr(&inner), expect, "{outer} {inner}");
        };
        check("10.0.0.0/8", "10.0.0.0/8", true);
        check("10.0.0.0/8", "10.255.0.0/16", true);
        check("10.0.0.0/8", "10.0.0.0/7", false);
        check("10.0.0.0/8", "11.0.0.0/8", false);
        check("0.0.0.0/0", "10.0.0.0/8", true);
        check("0.0.0.0/0", "::/0", false);
        check("::/0", "0.0.0.0/0", false);
        check("fd00::/8", "fd01::/16", true);
        assert!(Cidr::ALL_IPV6.contains("fe80::1".parse().unwrap()));
        assert!(!Cidr::ALL_IPV6.contains("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn labels() {
        let check = |text: &str, expect: &str| {
            let cidr: Cidr = text.parse().unwrap();
            assert_eq!(cidr.label_key(), expect);
            assert_eq!(Cidr::from_label_key(expect), Some(cidr));
        };
        check("10.0.0.0/8", "10.0.0.0/8");
        check("fd00::/8", "fd00--0/8");
        check("::1/128", "0--1/128");
        check("::/1", "0--0/1");
        check("2001:db8::1/128", "2001-db8--1/128");
        assert_eq!(Cidr::from_label_key("team"), None);
    }

    proptest! {
        #[test]
        fn never_panics_and_prints_what_it_parsed(text in "[0-9a-f.:/-]{0,24}", bits in 0u8..=128, address: u128) {
            if let Ok(cidr) = text.parse::<Cidr>() {
                prop_assert_eq!(cidr.to_string().parse(), Ok(cidr));
            }
            let cidr = Cidr::new(std::net::Ipv6Addr::from_bits(address).into(), bits).unwrap();
            prop_assert_eq!(cidr.to_string().parse(), Ok(cidr));
            prop_assert_eq!(Cidr::from_label_key(&cidr.label_key()), Some(cidr));
        }
    }
}
