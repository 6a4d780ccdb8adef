//! A network: an address and the length of its prefix.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network such as `10.0.0.0/8`; bits beyond the prefix are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix_length: u8,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// Not an address, a slash and a number.
    #[error("`{0}` is no CIDR, such as `10.0.0.0/8` or `fd00::/8`")]
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
    /// The first address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The length of the prefix in bits.
    #[must_use]
    pub fn prefix_length(self) -> u8 {
        self.prefix_length
    }

    /// The network of `address` with `prefix_length`; `None` if that is longer than the address.
    #[must_use]
    pub fn containing(address: IpAddr, prefix_length: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(v4) if prefix_length <= 32 => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(prefix_length))
                    .unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) if prefix_length <= 128 => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(prefix_length))
                    .unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
            _ => return None,
        };
        Some(Self {
            address,
            prefix_length,
        })
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let syntax = || CidrError::Syntax(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(syntax)?;
        let address: IpAddr = address.parse().map_err(|_ignored| syntax())?;
        if length.is_empty()
            || length.len() > 3
            || !length.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(syntax());
        }
        let network = length
            .parse()
            .ok()
            .and_then(|length| Self::containing(address, length))
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        check("fd00::/8", "fd00::/8");
        check("::/0", "::/0");
        check("10.1.2.3/8", "the network is `10.0.0.0/8`");
        check("fd00::1/64", "the network is `fd00::/64`");
        check("10.0.0.0/33", "longer than its address");
        check("::/129", "longer than its address");
        check("::/999", "longer than its address");
        for bad in [
            "",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "x/8",
            "10.0.0.0/8/8",
            "/8",
        ] {
            check(bad, "is no CIDR");
        }
    }
}
