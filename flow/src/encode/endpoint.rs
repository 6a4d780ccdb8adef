//! `source` and `destination`: one encoded blob per metadata version, spliced in.

use prost::Message as _;

use crate::mask::Keep;
use crate::metadata::{MetadataVersion, read_lines};
use crate::snapshot::Snapshot;
use crate::sparse::Sparse;
use crate::wire::{put_bytes, put_varint};

/// Appends one end of a flow, and keeps the masked form of each version.
#[derive(Debug)]
pub(super) struct EndpointEncoder {
    keep: Keep,
    /// Length and bytes of the masked endpoint, by metadata index.
    masked: Sparse<Box<[u8]>>,
}

impl EndpointEncoder {
    pub(super) fn new(keep: Keep) -> Self {
        Self {
            keep,
            masked: Sparse::default(),
        }
    }

    /// Drops what was derived from versions that were replaced.
    pub(super) fn forget(&mut self) {
        self.masked.clear();
    }

    /// Reads where the bytes of a version lie.
    #[inline]
    pub(super) fn warm_place(&self, versions: &Snapshot<MetadataVersion>, index: u32) {
        if self.keep != Keep::Skip
            && let Some(version) = versions.get(index)
        {
            std::hint::black_box(version.encoded().identity);
        }
    }

    /// Reads a byte of each cache line of what [`EndpointEncoder::put`] appends.
    #[inline]
    pub(super) fn warm_bytes(&self, versions: &Snapshot<MetadataVersion>, index: u32) {
        let read = match &self.keep {
            Keep::Skip => return,
            Keep::Whole => versions.get(index).map(|version| version.encoded().warm()),
            Keep::Part(_) => self.masked.get(index).map(|bytes| read_lines(bytes)),
        };
        std::hint::black_box(read);
    }

    #[inline]
    pub(super) fn put(
        &mut self,
        out: &mut Vec<u8>,
        field: [u8; 1],
        versions: &Snapshot<MetadataVersion>,
        index: u32,
        identity: u32,
    ) {
        let node = match &self.keep {
            Keep::Skip => return,
            Keep::Whole => None,
            Keep::Part(node) => Some(node),
        };
        let version = versions.get(index);
        // The record's identity is what the kernel decided by, so it goes before the table's.
        let Some(version) = version.filter(|version| version.encoded().identity == identity) else {
            let endpoint = decided_endpoint(version.map(AsRef::as_ref), identity).encode_to_vec();
            match node {
                None => put_bytes(out, field, &endpoint),
                Some(node) => {
                    let mut kept = Vec::new();
                    node.prune(&endpoint, &mut kept);
                    put_bytes(out, field, &kept);
                }
            }
            return;
        };
        out.extend_from_slice(&field);
        let Some(node) = node else {
            return version.encoded().put(out);
        };
        let masked = self.masked.slot(index).get_or_insert_with(|| {
            let mut kept = Vec::new();
            node.prune(&version.endpoint_bytes(), &mut kept);
            let mut prefixed = Vec::with_capacity(kept.len() + 2);
            put_varint(&mut prefixed, kept.len() as u64);
            prefixed.extend_from_slice(&kept);
            prefixed.into()
        });
        out.extend_from_slice(masked);
    }
}

/// The endpoint of a row whose identity is not that of its metadata, or whose metadata is not known (any more).
fn decided_endpoint(version: Option<&MetadataVersion>, identity: u32) -> proto::flow::Endpoint {
    let known = version
        .map(|version| version.content().endpoint())
        .unwrap_or_default();
    proto::flow::Endpoint { identity, ..known }
}
