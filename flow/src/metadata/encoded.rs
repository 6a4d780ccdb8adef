//! The encoded form of an end in two parts: its own, and its labels'.
//!
//! Labels are most of an end's bytes, and all ends of an identity have the same: kept once, they stay in the processor's
//! caches while flows of thousands of ends pass.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use prost::Message as _;
use proto::flow::Endpoint;

use crate::wire::put_varint;

const CACHE_LINE_BYTES: usize = 64;

/// What each flow needs of a version, in one cache line: versions are many, and seldom in a near cache.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct EncodedEndpoint {
    /// Security identity.
    pub(crate) identity: u32,
    /// Bytes of the length in front of `own`.
    prefix: u8,
    /// The length of the whole, and all fields but the labels.
    own: Box<[u8]>,
    /// They stand last: a message's fields may come in any order.
    labels: Arc<[u8]>,
}

impl EncodedEndpoint {
    pub(super) fn new(mut endpoint: Endpoint) -> Self {
        let labels = Endpoint {
            labels: std::mem::take(&mut endpoint.labels),
            ..Endpoint::default()
        };
        let labels = shared(&labels.encode_to_vec());
        let mut own = Vec::new();
        put_varint(&mut own, (endpoint.encoded_len() + labels.len()) as u64);
        let prefix = own.len() as u8;
        own.extend(endpoint.encode_to_vec());
        Self {
            identity: endpoint.identity,
            prefix,
            own: own.into(),
            labels,
        }
    }

    /// Appends the length and the bytes of the `flow.Endpoint`, ready to follow a tag.
    #[inline]
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.own);
        out.extend_from_slice(&self.labels);
    }

    /// The bytes of the `flow.Endpoint`.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.parts().concat()
    }

    /// Whether these are the bytes of the `flow.Endpoint`.
    pub(crate) fn is(&self, bytes: &[u8]) -> bool {
        let [own, labels] = self.parts();
        bytes.strip_prefix(own) == Some(labels)
    }

    /// Reads a byte of each cache line of what [`EncodedEndpoint::put`] appends.
    #[inline]
    pub(crate) fn warm(&self) -> u8 {
        read_lines(&self.own) ^ read_lines(&self.labels)
    }

    fn parts(&self) -> [&[u8]; 2] {
        [&self.own[usize::from(self.prefix)..], &self.labels]
    }
}

/// Reads a byte of each cache line.
#[inline]
pub(crate) fn read_lines(bytes: &[u8]) -> u8 {
    let lines = bytes.iter().step_by(CACHE_LINE_BYTES);
    lines.fold(0, |read, byte| read ^ byte)
}

/// Encoded labels by their bytes.
#[derive(Default)]
struct Labels {
    known: HashSet<Arc<[u8]>>,
    /// At this length, or at [`SWEEP_AT`] if that is more, those that nobody has are swept out.
    sweep_at: usize,
}

const SWEEP_AT: usize = 1_024;

/// The one copy of these bytes.
fn shared(bytes: &[u8]) -> Arc<[u8]> {
    static LABELS: LazyLock<Mutex<Labels>> = LazyLock::new(Mutex::default);
    let mut labels = LABELS.lock().unwrap_or_else(PoisonError::into_inner);
    labels.share(bytes)
}

impl Labels {
    fn share(&mut self, bytes: &[u8]) -> Arc<[u8]> {
        if let Some(known) = self.known.get(bytes) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.sweep_at.max(SWEEP_AT) {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.sweep_at = self.known.len() * 2;
        }
        let new: Arc<[u8]> = bytes.into();
        self.known.insert(Arc::clone(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(id: u32, labels: &[&str]) -> Endpoint {
        Endpoint {
            id,
            identity: 300,
            namespace: "shop".into(),
            labels: labels.iter().map(ToString::to_string).collect(),
            pod_name: format!("frontend-{id}"),
            cluster_name: "default".into(),
            ..Endpoint::default()
        }
    }

    #[test]
    fn parts_are_the_whole_and_labels_are_shared() {
        let labels = ["k8s:role=frontend", "k8s:team=shop"];
        let ends = [
            endpoint(1, &labels),
            endpoint(1_000, &labels),
            endpoint(0, &[]),
            Endpoint::default(),
        ];
        let made = ends.clone().map(EncodedEndpoint::new);
        for (end, made) in ends.iter().zip(&made) {
            let mut put = Vec::new();
            made.put(&mut put);
            assert_eq!(Endpoint::decode_length_delimited(&*put).as_ref(), Ok(end));
            let bytes = made.bytes();
            assert_eq!(put.len(), end.encode_length_delimited_to_vec().len());
            assert!(put.ends_with(&bytes));
            assert!(made.is(&bytes));
            assert!(!made.is(&[&bytes[..], b"x"].concat()));
            assert!(bytes.is_empty() || !made.is(&bytes[1..]));
        }
        assert!(Arc::ptr_eq(&made[0].labels, &made[1].labels));
    }

    #[test]
    fn labels_that_nobody_has_are_forgotten() {
        let mut labels = Labels::default();
        let kept = labels.share(b"kept");
        for number in 0..10_000_u32 {
            labels.share(&number.to_le_bytes());
        }
        assert!(labels.known.len() <= SWEEP_AT);
        assert!(Arc::ptr_eq(&kept, &labels.share(b"kept")));
    }
}
