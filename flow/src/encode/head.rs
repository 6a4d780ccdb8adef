//! A small buffer of fixed size for the parts of a flow that are short: no growth, no allocation, no panic.

use crate::wire::varint_of_35_bits;

/// Bytes of a head. All short fields of a flow take less than half of it at their longest.
const HEAD_BYTES: usize = 512;

/// Short fields, one after another. What does not fit is left out, which the agreement tests would show.
#[derive(Debug, Clone)]
pub(super) struct Head {
    bytes: [u8; HEAD_BYTES],
    length: usize,
}

impl Head {
    pub(super) const fn new() -> Self {
        Self {
            bytes: [0; HEAD_BYTES],
            length: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Appends bytes whose number is known when this is compiled.
    #[inline]
    pub(super) fn put<const LEN: usize>(&mut self, bytes: [u8; LEN]) {
        self.put_prefix(bytes, LEN);
    }

    /// Copies a whole array and keeps its first bytes: cheaper than a copy of unknown length.
    #[inline]
    pub(super) fn put_prefix<const LEN: usize>(&mut self, bytes: [u8; LEN], kept: usize) {
        if let Some(room) = self.bytes.get_mut(self.length..self.length + LEN) {
            room.copy_from_slice(&bytes);
            self.length += kept.min(LEN);
        }
    }

    /// Appends bytes of unknown number.
    pub(super) fn put_slice(&mut self, bytes: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.length..self.length + bytes.len()) {
            room.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }

    /// Appends a number.
    #[inline]
    pub(super) fn put_varint(&mut self, number: u64) {
        if number < 0x80 {
            self.put([number as u8]);
        } else if number < 0x4000 {
            self.put([number as u8 | 0x80, (number >> 7) as u8]);
        } else if number < 1 << 35 {
            let (bytes, kept) = varint_of_35_bits(number);
            self.put_prefix(bytes, kept);
        } else {
            let mut bytes = [0; 10];
            let mut kept = 0;
            let mut rest = number;
            for byte in &mut bytes {
                *byte = rest as u8 & 0x7f;
                kept += 1;
                rest >>= 7;
                if rest == 0 {
                    break;
                }
                *byte |= 0x80;
            }
            self.put_prefix(bytes, kept);
        }
    }

    /// Appends a field that is a number, unless it is zero.
    #[inline]
    pub(super) fn put_number<const LEN: usize>(&mut self, tag: [u8; LEN], number: u64) {
        if number != 0 {
            self.put(tag);
            self.put_varint(number);
        }
    }

    /// Appends a message of less than 128 bytes.
    #[inline]
    pub(super) fn put_message<const LEN: usize>(
        &mut self,
        tag: [u8; LEN],
        write: impl FnOnce(&mut Self),
    ) {
        self.put(tag);
        let place = self.length;
        self.put([0]);
        write(self);
        let length = self.length.saturating_sub(place + 1);
        debug_assert!(length < 0x80, "a short message");
        if let Some(byte) = self.bytes.get_mut(place) {
            *byte = length as u8;
        }
    }
}
