//! `source_ip`, `destination_ip`: an address, or a range that holds it. IPv4 and IPv6 never match each other.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use bpf_events::record::{MARK_IPV6, MARK_NO_IP};

use super::predicate::keep_bits;
use super::{FilterError, Side};
use crate::row::{WORD_DESTINATION_ADDRESS, WORD_EVENT, WORD_SOURCE_ADDRESS};
use crate::store::Segment;

/// Addresses of one end in any of these ranges.
#[derive(Debug)]
pub(super) struct Networks {
    side: Side,
    networks: Vec<Network>,
}

#[derive(Debug)]
struct Network {
    is_ipv6: bool,
    address: u128,
    mask: u128,
}

impl Networks {
    pub(super) fn compile(
        field: &'static str,
        side: Side,
        texts: &[String],
    ) -> Result<Self, FilterError> {
        let parse = |text: &String| {
            Network::parse(text).map_err(|reason| FilterError::value(field, text, reason))
        };
        let networks = texts.iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { side, networks })
    }

    pub(super) fn refine(&self, segment: &Segment, start: usize, mask: u64) -> u64 {
        let word = match self.side {
            Side::Source => WORD_SOURCE_ADDRESS,
            Side::Destination => WORD_DESTINATION_ADDRESS,
        };
        let (high, low, event) = (
            segment.column(word),
            segment.column(word + 1),
            segment.column(WORD_EVENT),
        );
        keep_bits(mask, |bit| {
            let load = |column: &crate::store::Column| column[start + bit].load(Ordering::Relaxed);
            let [_, _, _, _, _, _, marks, _] = load(event).to_le_bytes();
            let address = u128::from(load(high)) << 64 | u128::from(load(low));
            marks & MARK_NO_IP == 0
                && self
                    .networks
                    .iter()
                    .any(|network| network.holds(address, marks & MARK_IPV6 != 0))
        })
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|error: std::net::AddrParseError| error.to_string())?;
        let (is_ipv6, width, number) = match address {
            IpAddr::V4(address) => (false, 32, address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => (true, 128, address.to_bits()),
        };
        let length = match length {
            None => width,
            Some(length) => length
                .parse()
                .ok()
                .filter(|&length| length <= width)
                .ok_or_else(|| format!("the prefix length is not between 0 and {width}"))?,
        };
        let mask = u128::MAX.checked_shl(width - length).unwrap_or(0);
        Ok(Self {
            is_ipv6,
            address: number & mask,
            mask,
        })
    }

    #[inline]
    fn holds(&self, address: u128, is_ipv6: bool) -> bool {
        self.is_ipv6 == is_ipv6 && address & self.mask == self.address
    }
}
