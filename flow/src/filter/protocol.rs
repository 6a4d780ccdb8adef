//! `protocol`: by name, any case.

use super::FilterError;
use crate::encode::layer4::{
    PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP,
};

/// Bit n is IP protocol n.
#[derive(Debug)]
pub(super) struct Protocols([u64; 4]);

impl Protocols {
    pub(super) fn compile(field: &'static str, names: &[String]) -> Result<Self, FilterError> {
        let mut bits = [0; 4];
        for name in names {
            for &protocol in numbers(field, name)? {
                bits[usize::from(protocol) / 64] |= 1 << (protocol % 64);
            }
        }
        Ok(Self(bits))
    }

    #[inline]
    pub(super) fn test(&self, ports_word: u64) -> bool {
        let protocol = (ports_word >> 32 & 0xff) as usize;
        self.0[protocol / 64] >> (protocol % 64) & 1 != 0
    }
}

fn numbers(field: &'static str, name: &str) -> Result<&'static [u8], FilterError> {
    let reason = match name.to_ascii_lowercase().as_str() {
        "icmp" => return Ok(&[PROTOCOL_ICMP, PROTOCOL_ICMPV6]),
        "icmpv4" => return Ok(&[PROTOCOL_ICMP]),
        "icmpv6" => return Ok(&[PROTOCOL_ICMPV6]),
        "tcp" => return Ok(&[PROTOCOL_TCP]),
        "udp" => return Ok(&[PROTOCOL_UDP]),
        "sctp" => return Ok(&[PROTOCOL_SCTP]),
        "dns" | "http" | "kafka" => "layer 7 is not observed",
        "vrrp" | "igmp" => "this protocol is not parsed",
        _ => "unknown protocol",
    };
    Err(FilterError::value(field, name, reason))
}
