//! The few pieces of protobuf's wire format that the direct encoder needs.

/// Wire type of numbers, enums and booleans.
pub(crate) const VARINT: u32 = 0;
/// Wire type of strings and messages.
pub(crate) const BYTES: u32 = 2;

/// The bytes of a field's tag; `LEN` must be what the tag takes, which is checked where it is a constant.
pub(crate) const fn tag<const LEN: usize>(number: u32, wire_type: u32) -> [u8; LEN] {
    let mut rest = number << 3 | wire_type;
    let mut bytes = [0; LEN];
    let mut index = 0;
    while index < LEN {
        bytes[index] = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest != 0 {
            bytes[index] |= 0x80;
        }
        index += 1;
    }
    assert!(
        rest == 0 && bytes[LEN - 1] != 0,
        "the tag has another length"
    );
    bytes
}

/// Appends a number.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A number below 2^35, of which so many bytes count: without a branch per byte. Seconds since 1970 that fit a `u64` of
/// nanoseconds have 35 bits.
#[inline]
pub(crate) fn varint_of_35_bits(number: u64) -> ([u8; 5], usize) {
    let kept = (64 - (number | 1).leading_zeros()).div_ceil(7) as usize;
    let sevens = number & 0x7f
        | (number & 0x7f << 7) << 1
        | (number & 0x7f << 14) << 2
        | (number & 0x7f << 21) << 3
        | (number & 0x7f << 28) << 4;
    let more = 0x80_8080_8080 & ((1 << (8 * (kept - 1))) - 1);
    let [a, b, c, d, e, ..] = (sevens | more).to_le_bytes();
    ([a, b, c, d, e], kept)
}

/// Appends a field that is a number, unless it is zero (proto3 leaves zeros out).
#[inline]
pub(crate) fn put_number<const LEN: usize>(out: &mut Vec<u8>, tag: [u8; LEN], number: u64) {
    if number != 0 {
        out.extend_from_slice(&tag);
        put_varint(out, number);
    }
}

/// Appends a field that is bytes, a string or an encoded message.
#[inline]
pub(crate) fn put_bytes<const LEN: usize>(out: &mut Vec<u8>, tag: [u8; LEN], bytes: &[u8]) {
    out.extend_from_slice(&tag);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a nested message of unknown length: its length is filled in afterwards, at its shortest.
#[inline]
pub(crate) fn put_message<const LEN: usize>(
    out: &mut Vec<u8>,
    tag: [u8; LEN],
    write: impl FnOnce(&mut Vec<u8>),
) {
    out.extend_from_slice(&tag);
    // One byte holds the length of all messages inside a flow; others are moved.
    let place = out.len();
    out.push(0);
    write(out);
    let length = out.len() - place - 1;
    if length < 0x80 {
        out[place] = length as u8;
    } else {
        widen_length(out, place, 1, length);
    }
}

/// Appends a nested message that usually takes 128 to 16,383 bytes.
#[inline]
pub(crate) fn put_long_message<const LEN: usize>(
    out: &mut Vec<u8>,
    tag: [u8; LEN],
    write: impl FnOnce(&mut Vec<u8>),
) {
    out.extend_from_slice(&tag);
    let place = out.len();
    out.extend_from_slice(&[0, 0]);
    write(out);
    let length = out.len() - place - 2;
    if (0x80..0x4000).contains(&length) {
        out[place] = (length & 0x7f) as u8 | 0x80;
        out[place + 1] = (length >> 7) as u8;
    } else {
        widen_length(out, place, 2, length);
    }
}

/// Puts a length where `reserved` bytes were kept for it, moving what follows.
#[cold]
fn widen_length(out: &mut Vec<u8>, place: usize, reserved: usize, length: usize) {
    let mut bytes = Vec::with_capacity(10);
    put_varint(&mut bytes, length as u64);
    out.splice(place..place + reserved, bytes);
}

/// One field of an encoded message.
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) wire_type: u32,
    /// Tag, length and value.
    pub(crate) whole: &'a [u8],
    /// The value; for bytes without its length.
    pub(crate) value: &'a [u8],
}

/// Cuts the next field off a message that this crate or prost has encoded; `None` at its end (or if it is broken).
pub(crate) fn next_field<'a>(rest: &mut &'a [u8]) -> Option<Field<'a>> {
    let start = *rest;
    let tag = take_varint(rest)?;
    let number = u32::try_from(tag >> 3).ok()?;
    let wire_type = (tag & 7) as u32;
    let before_value = *rest;
    let value = match wire_type {
        VARINT => {
            take_varint(rest)?;
            &before_value[..before_value.len() - rest.len()]
        }
        1 => take(rest, 8)?,
        BYTES => {
            let length = usize::try_from(take_varint(rest)?).ok()?;
            take(rest, length)?
        }
        5 => take(rest, 4)?,
        _ => return None,
    };
    let whole = &start[..start.len() - rest.len()];
    Some(Field {
        number,
        wire_type,
        whole,
        value,
    })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_at_their_shortest() {
        for length in [0usize, 1, 127, 128, 16_383, 16_384, 100_000] {
            let mut expect = Vec::new();
            put_bytes(&mut expect, tag::<2>(19, BYTES), &vec![7; length]);
            for long in [false, true] {
                let mut out = vec![1, 2, 3];
                let fill = |out: &mut Vec<u8>| out.resize(out.len() + length, 7);
                if long {
                    put_long_message(&mut out, tag::<2>(19, BYTES), fill);
                } else {
                    put_message(&mut out, tag::<2>(19, BYTES), fill);
                }
                assert_eq!(&out[3..], expect, "{length}");
            }
            let mut rest = expect.as_slice();
            let field = next_field(&mut rest).unwrap();
            assert_eq!(
                (field.number, field.wire_type, field.value.len()),
                (19, BYTES, length)
            );
            assert_eq!((field.whole.len(), rest.len()), (expect.len(), 0));
        }
    }

    #[test]
    fn short_numbers_are_written_as_all_are() {
        for bit in 0..35 {
            for number in [(1 << bit) - 1, 1 << bit, (1 << bit) | 0x2_5555_5555] {
                let mut expect = Vec::new();
                put_varint(&mut expect, number);
                let (bytes, kept) = varint_of_35_bits(number);
                assert_eq!(bytes[..kept], expect, "{number}");
            }
        }
    }

    #[test]
    fn broken_messages_end_early() {
        for bytes in [&[0x0a_u8, 5, 1][..], &[0x80], &[0x0b], &[0xff; 12]] {
            let mut rest = bytes;
            assert!(next_field(&mut rest).is_none());
        }
    }
}
