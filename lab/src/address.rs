//! An interface's address with the length of its subnet's prefix, such as `10.10.0.1/24`.

use std::fmt;
use std::net::{AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::ParseIntError;
use std::str::FromStr;

use thiserror::Error;

/// Why a text is not an address with a prefix length.
#[derive(Debug, Error)]
pub enum AddressError {
    /// There is no `/`.
    #[error("`{text}` has no prefix length; write it as `10.10.0.1/24`")]
    NoPrefixLength {
        /// The text as given.
        text: String,
    },
    /// The part before the `/` is not an IP address.
    #[error("`{text}` does not start with an IP address")]
    Address {
        /// The text as given.
        text: String,
        /// What is wrong with it.
        source: AddrParseError,
    },
    /// The part after the `/` is not a number.
    #[error("`{text}` does not end with a prefix length")]
    PrefixLength {
        /// The text as given.
        text: String,
        /// What is wrong with it.
        source: ParseIntError,
    },
    /// The prefix is longer than the address.
    #[error("a prefix of {prefix_length} bits is too long for {address}")]
    TooLong {
        /// The address.
        address: IpAddr,
        /// The prefix length given for it.
        prefix_length: u8,
    },
}

/// An address of an interface and the length of its subnet's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterfaceAddress {
    address: IpAddr,
    prefix_length: u8,
}

impl InterfaceAddress {
    /// Joins an address and a prefix length.
    ///
    /// # Errors
    /// The prefix is longer than the address.
    pub fn new(address: IpAddr, prefix_length: u8) -> Result<Self, AddressError> {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if prefix_length > longest {
            return Err(AddressError::TooLong {
                address,
                prefix_length,
            });
        }
        Ok(Self {
            address,
            prefix_length,
        })
    }

    /// The address itself.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits name the subnet.
    pub fn prefix_length(&self) -> u8 {
        self.prefix_length
    }

    /// Whether `other` lies in the same subnet.
    pub fn contains(&self, other: IpAddr) -> bool {
        let prefix = u32::from(self.prefix_length);
        match (self.address, other) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= prefix
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= prefix
            }
            _ => false,
        }
    }
}

impl InterfaceAddress {
    /// The subnet itself: the address with all bits after the prefix cleared.
    #[must_use]
    pub fn network(&self) -> Self {
        let prefix = u32::from(self.prefix_length);
        let address = match self.address {
            IpAddr::V4(address) => {
                let host_bits = u32::MAX.checked_shr(prefix).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & !host_bits).into()
            }
            IpAddr::V6(address) => {
                let host_bits = u128::MAX.checked_shr(prefix).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & !host_bits).into()
            }
        };
        Self { address, ..*self }
    }

    /// Whether an address can lie in both subnets.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix_length)
    }
}

impl FromStr for InterfaceAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((address, prefix_length)) = text.split_once('/') else {
            return Err(AddressError::NoPrefixLength {
                text: text.to_owned(),
            });
        };
        let address = address.parse().map_err(|source| AddressError::Address {
            text: text.to_owned(),
            source,
        })?;
        let prefix_length = prefix_length
            .parse()
            .map_err(|source| AddressError::PrefixLength {
                text: text.to_owned(),
                source,
            })?;
        Self::new(address, prefix_length)
    }
}

#[cfg(test)]
mod tests {
    use super::InterfaceAddress;

    #[test]
    fn parsing() {
        let cases = [
            ("10.10.0.1/24", Ok("10.10.0.1/24")),
            ("fd10::1/64", Ok("fd10::1/64")),
            ("0.0.0.0/0", Ok("0.0.0.0/0")),
            ("10.10.0.1", Err("has no prefix length")),
            ("10.10.0/24", Err("does not start with an IP address")),
            ("10.10.0.1/", Err("does not end with a prefix length")),
            ("10.10.0.1/-1", Err("does not end with a prefix length")),
            (
                "10.10.0.1/33",
                Err("a prefix of 33 bits is too long for 10.10.0.1"),
            ),
            (
                "fd10::1/129",
                Err("a prefix of 129 bits is too long for fd10::1"),
            ),
        ];
        for (text, expected) in cases {
            match (text.parse::<InterfaceAddress>(), expected) {
                (Ok(parsed), Ok(shown)) => assert_eq!(parsed.to_string(), shown),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (parsed, _) => panic!("{text}: {parsed:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn networks() {
        for (address, expected) in [
            ("10.10.3.1/24", "10.10.3.0/24"),
            ("10.10.3.1/32", "10.10.3.1/32"),
            ("10.10.3.1/0", "0.0.0.0/0"),
            ("fd10::1:2/112", "fd10::1:0/112"),
            ("fd10::1/128", "fd10::1/128"),
            ("fd10::1/0", "::/0"),
        ] {
            let address: InterfaceAddress = address.parse().unwrap();
            assert_eq!(address.network().to_string(), expected);
        }
    }

    #[test]
    fn overlapping() {
        for (one, other, expected) in [
            ("10.10.0.1/24", "10.10.0.9/24", true),
            ("10.10.0.1/24", "10.10.1.1/24", false),
            ("10.10.0.1/16", "10.10.1.1/24", true),
            ("fd10::1/64", "fd10::1/128", true),
            ("fd10::1/64", "10.10.1.1/0", false),
        ] {
            let [one, other] = [one, other].map(|text| text.parse::<InterfaceAddress>().unwrap());
            assert_eq!(one.overlaps(&other), expected, "{one} {other}");
            assert_eq!(other.overlaps(&one), expected, "{other} {one}");
        }
    }

    #[test]
    fn containment() {
        let cases = [
            ("10.10.0.1/24", "10.10.0.255", true),
            ("10.10.0.1/24", "10.10.1.0", false),
            ("10.10.0.1/32", "10.10.0.1", true),
            ("10.10.0.1/32", "10.10.0.2", false),
            ("10.10.0.1/0", "255.255.255.255", true),
            ("10.10.0.1/0", "fd10::1", false),
            ("fd10::1/64", "fd10::ffff:ffff:ffff:ffff", true),
            ("fd10::1/64", "fd10:0:0:1::1", false),
            ("fd10::1/64", "10.10.0.1", false),
        ];
        for (subnet, address, expected) in cases {
            let subnet: InterfaceAddress = subnet.parse().unwrap();
            assert_eq!(
                subnet.contains(address.parse().unwrap()),
                expected,
                "{subnet} {address}"
            );
        }
    }
}
