//! Checks the bytes of a kernel record before anything else believes them.
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::cast_possible_truncation)
)]

use bpf_events::record::{
    DIRECTION_EGRESS, DIRECTION_INGRESS, KIND_DROP, KIND_LOST, KIND_POLICY_VERDICT, KIND_TRACE,
    KIND_WATERMARK, RECORD_BYTES, RECORD_VERSION, REPLY_NO, REPLY_UNKNOWN, REPLY_YES, Record,
    VERDICT_AUDIT, VERDICT_DROPPED, VERDICT_FORWARDED,
};
use zerocopy::FromBytes;

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not exactly [`RECORD_BYTES`] long.
    #[error("a record has {RECORD_BYTES} bytes, got {0}")]
    Size(usize),
    /// Written by a program of another layout.
    #[error("unknown record version {0}, expected {RECORD_VERSION}")]
    Version(u8),
    /// None of `KIND_*`.
    #[error("unknown record kind {0}")]
    Kind(u8),
    /// None of `VERDICT_*`.
    #[error("unknown verdict {0}")]
    Verdict(u8),
    /// None of `DIRECTION_*`.
    #[error("unknown direction {0}")]
    Direction(u8),
    /// None of `REPLY_*`.
    #[error("unknown reply state {0}")]
    Reply(u8),
}

/// Reads one record and checks every field whose values are a closed set.
///
/// Watermarks and losses carry no packet, so their verdict, direction and reply state are not looked at.
///
/// # Errors
/// Names the first field that is wrong, and its value.
pub fn decode(bytes: &[u8]) -> Result<Record, DecodeError> {
    let record =
        Record::read_from_bytes(bytes).map_err(|_wrong_size| DecodeError::Size(bytes.len()))?;
    if record.version != RECORD_VERSION {
        return Err(DecodeError::Version(record.version));
    }
    match record.kind {
        KIND_WATERMARK | KIND_LOST => return Ok(record),
        KIND_DROP | KIND_TRACE | KIND_POLICY_VERDICT => {}
        other => return Err(DecodeError::Kind(other)),
    }
    match record.verdict {
        VERDICT_FORWARDED | VERDICT_DROPPED | VERDICT_AUDIT => {}
        other => return Err(DecodeError::Verdict(other)),
    }
    match record.direction {
        DIRECTION_INGRESS | DIRECTION_EGRESS => {}
        other => return Err(DecodeError::Direction(other)),
    }
    match record.reply {
        REPLY_NO | REPLY_YES | REPLY_UNKNOWN => Ok(record),
        other => Err(DecodeError::Reply(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use zerocopy::{FromZeros, IntoBytes};

    fn valid() -> Record {
        Record {
            version: RECORD_VERSION,
            kind: KIND_TRACE,
            verdict: VERDICT_FORWARDED,
            direction: DIRECTION_INGRESS,
            reply: REPLY_YES,
            rule: 77,
            ..Record::new_zeroed()
        }
    }

    #[test]
    fn a_wrong_field_is_named_with_its_value() {
        let check = |change: fn(&mut Record), expect: Result<(), DecodeError>| {
            let mut record = valid();
            change(&mut record);
            assert_eq!(decode(record.as_bytes()).map(|_record| ()), expect);
        };
        check(|_| {}, Ok(()));
        check(|r| r.version = 9, Err(DecodeError::Version(9)));
        check(|r| r.kind = 2, Err(DecodeError::Kind(2)));
        check(|r| r.verdict = 0, Err(DecodeError::Verdict(0)));
        check(|r| r.verdict = 3, Err(DecodeError::Verdict(3)));
        check(|r| r.direction = 0, Err(DecodeError::Direction(0)));
        check(|r| r.reply = 3, Err(DecodeError::Reply(3)));
        let lost = |r: &mut Record| (r.kind, r.verdict, r.direction) = (KIND_LOST, 0, 0);
        check(lost, Ok(()));
    }

    #[test]
    fn a_wrong_size_is_named() {
        let mut bytes = valid().as_bytes().to_vec();
        bytes.push(0);
        assert_eq!(decode(&bytes), Err(DecodeError::Size(129)));
        assert_eq!(decode(&bytes[..127]), Err(DecodeError::Size(127)));
        assert_eq!(decode(&bytes[..128]).unwrap().rule, 77);
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _result = decode(&bytes);
        }

        #[test]
        fn what_decodes_is_what_was_written(mut bytes in proptest::collection::vec(any::<u8>(), RECORD_BYTES)) {
            let mut record = Record::read_from_bytes(&bytes).unwrap();
            record.version = RECORD_VERSION;
            record.kind = [KIND_DROP, KIND_TRACE, KIND_POLICY_VERDICT][usize::from(record.kind) % 3];
            record.verdict = [VERDICT_FORWARDED, VERDICT_DROPPED, VERDICT_AUDIT][usize::from(record.verdict) % 3];
            record.direction = 1 + record.direction % 2;
            record.reply %= 3;
            bytes.copy_from_slice(record.as_bytes());
            prop_assert_eq!(decode(&bytes), Ok(record));
        }
    }
}
