//! `source_port`, `destination_port`: of TCP, UDP or SCTP.

use super::{FilterError, Side};
use crate::encode::layer4::{PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP};

#[derive(Debug)]
pub(super) struct Ports {
    side: Side,
    sorted: Vec<u16>,
}

impl Ports {
    pub(super) fn compile(
        field: &'static str,
        side: Side,
        ports: &[String],
    ) -> Result<Self, FilterError> {
        let parse = |text: &String| {
            text.parse()
                .map_err(|error| FilterError::value(field, text, error))
        };
        let mut sorted = ports.iter().map(parse).collect::<Result<Vec<u16>, _>>()?;
        sorted.sort_unstable();
        Ok(Self { side, sorted })
    }

    #[inline]
    pub(super) fn test(&self, ports_word: u64) -> bool {
        let [source_low, source_high, low, high, protocol, ..] = ports_word.to_le_bytes();
        let port = match self.side {
            Side::Source => u16::from_le_bytes([source_low, source_high]),
            Side::Destination => u16::from_le_bytes([low, high]),
        };
        matches!(protocol, PROTOCOL_TCP | PROTOCOL_UDP | PROTOCOL_SCTP)
            && self.sorted.binary_search(&port).is_ok()
    }
}
