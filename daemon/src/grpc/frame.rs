//! gRPC frames in a chunk: many messages, each behind its prefix, in one buffer that goes out as it is.

use bytes::Bytes;

/// A chunk goes out when it holds this much: large enough that its own cost does not count, small enough to come soon.
pub const CHUNK_BYTES: usize = 128 << 10;

/// Room for the messages that fill the chunk.
const SLACK_BYTES: usize = 16 << 10;

/// A buffer of frames.
#[derive(Debug, Default)]
pub struct Chunk {
    bytes: Vec<u8>,
    flows: u64,
    /// What the last chunk took: the next one is likely to be alike.
    expected_bytes: usize,
}

impl Chunk {
    /// Appends a message that `encode` writes; `flows` of them are flows.
    pub fn push(&mut self, flows: u64, encode: impl FnOnce(&mut Vec<u8>)) {
        if self.bytes.capacity() == 0 {
            let expected = self.expected_bytes.clamp(1 << 10, CHUNK_BYTES);
            self.bytes.reserve(expected + SLACK_BYTES);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 5]);
        encode(&mut self.bytes);
        let length = self.bytes.len() - start - 5;
        let length = u32::try_from(length).expect("a flow takes far less than 4 GiB");
        if let Some(prefix) = self.bytes.get_mut(start + 1..start + 5) {
            prefix.copy_from_slice(&length.to_be_bytes());
        }
        self.flows += flows;
    }

    /// Whether it should go out before more is added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= CHUNK_BYTES
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The chunk and how many flows it holds; a new one begins.
    pub fn take(&mut self) -> (Bytes, u64) {
        self.expected_bytes = self.bytes.len();
        let flows = std::mem::take(&mut self.flows);
        (Bytes::from(std::mem::take(&mut self.bytes)), flows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_their_length_in_front() {
        let mut chunk = Chunk::default();
        chunk.push(1, |out| out.extend_from_slice(b"abc"));
        chunk.push(0, |_| {});
        assert!(!chunk.is_full());
        let (bytes, flows) = chunk.take();
        assert_eq!(bytes.as_ref(), b"\0\0\0\0\x03abc\0\0\0\0\0");
        assert_eq!(flows, 1);
        assert!(chunk.is_empty());
        chunk.push(1, |out| out.resize(out.len() + CHUNK_BYTES, 7));
        assert!(chunk.is_full());
    }
}
