//! The flow reference: the `uuid` of a flow says where it lies, so it can be found again while it is held.

use std::fmt;
use std::str::FromStr;

use crate::hex::hex_digits;

const SEQUENCE_BITS: u32 = 62;
const SEQUENCE_MASK: u64 = (1 << SEQUENCE_BITS) - 1;
const EPOCH_MASK: u64 = (1 << 60) - 1;

/// One life of the observer: 60 bits that differ from those of any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// From a random number or a time; the lowest 60 bits count.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number & EPOCH_MASK)
    }

    /// The 60 bits.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Epoch and sequence of a flow.
///
/// Its text has the shape of a UUID of version 8 (RFC 9562: vendor specific): 48 and 12 bits of the epoch around the
/// version, then the variant and 62 bits of the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowReference {
    /// The observer's life.
    pub epoch: Epoch,
    /// Absolute sequence number in the store, below 2^62.
    pub sequence: u64,
}

/// Why a text is not a flow reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a flow reference")]
pub struct ReferenceError(String);

impl FlowReference {
    /// The 36 characters of the reference.
    #[must_use]
    pub fn text(self) -> [u8; 36] {
        let upper = (self.epoch.0 >> 12) << 16 | 0x8000 | self.epoch.0 & 0xfff;
        let lower = 1 << 63 | self.sequence & SEQUENCE_MASK;
        let (upper, lower) = (hex_digits(upper), hex_digits(lower));
        let mut text = [b'-'; 36];
        text[..8].copy_from_slice(&upper[..8]);
        text[9..13].copy_from_slice(&upper[8..12]);
        text[14..18].copy_from_slice(&upper[12..]);
        text[19..23].copy_from_slice(&lower[..4]);
        text[24..].copy_from_slice(&lower[4..]);
        text
    }
}

impl fmt::Display for FlowReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).expect("hex digits and dashes are ASCII"))
    }
}

impl FromStr for FlowReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let refuse = || ReferenceError(text.chars().take(64).collect());
        if text.len() != 36 {
            return Err(refuse());
        }
        let mut number: u128 = 0;
        for (index, byte) in text.bytes().enumerate() {
            if matches!(index, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return Err(refuse());
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or_else(refuse)?;
            number = number << 4 | u128::from(digit);
        }
        let upper = (number >> 64) as u64;
        #[expect(clippy::cast_possible_truncation, reason = "this is the lower half")]
        let lower = number as u64;
        if upper >> 12 & 15 != 8 || lower >> SEQUENCE_BITS != 2 {
            return Err(refuse());
        }
        Ok(Self {
            epoch: Epoch((upper >> 16) << 12 | upper & 0xfff),
            sequence: lower & SEQUENCE_MASK,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_has_the_shape_of_a_uuid() {
        let reference = FlowReference {
            epoch: Epoch::new(0xfab_cdef_0123_4567),
            sequence: 258,
        };
        assert_eq!(
            reference.to_string(),
            "fabcdef0-1234-8567-8000-000000000102"
        );
    }

    #[test]
    fn foreign_texts_are_refused() {
        for text in [
            "",
            "00000000-0000-4000-8000-000000000000",
            "00000000-0000-8000-c000-000000000000",
            "00000000x0000-8000-8000-000000000000",
            "0000000g-0000-8000-8000-000000000000",
            "ä0000000-0000-8000-8000-00000000000",
        ] {
            assert!(text.parse::<FlowReference>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_parses_back(epoch: u64, sequence in 0u64..1 << 62) {
            let reference = FlowReference { epoch: Epoch::new(epoch), sequence };
            prop_assert_eq!(reference.to_string().parse(), Ok(reference));
        }
    }
}
