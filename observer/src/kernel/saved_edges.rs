//! Totals of edges that have lost their slot, kept in a file: the kernel has them no more, and a restart must not lose them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bpf_events::config::LAYOUT_VERSION;
use bpf_events::edge::{EdgeCell, EdgeKey};
use bpf_loader::edges::SavedEdges;
use zerocopy::{FromBytes, IntoBytes};

/// What the file begins with, before the layout's version.
const MAGIC: u32 = 0x7479_6564;

/// Magic, version, and the totals that are not kept edge by edge.
const HEAD_BYTES: usize = 8 + size_of::<EdgeCell>();

/// One edge.
const EDGE_BYTES: usize = size_of::<EdgeKey>() + size_of::<EdgeCell>();

/// The file of one node.
#[derive(Debug)]
pub(super) struct SavedFile {
    path: PathBuf,
    /// What stands in it.
    written: SavedEdges,
}

impl SavedFile {
    /// The file below the directory of the node's numbers, with what it says. It counts only for maps that were adopted, and
    /// a damaged one is said and left behind.
    pub(super) fn open(directory: &Path, adopted: bool) -> Self {
        let path = directory.join("edges");
        let written = if adopted {
            read(&path)
        } else {
            SavedEdges::default()
        };
        Self { path, written }
    }

    /// What was saved when the file was opened, or since.
    pub(super) fn saved(&self) -> &SavedEdges {
        &self.written
    }

    /// Puts what is saved now in place of what stands there.
    pub(super) fn write(&mut self, saved: SavedEdges) -> io::Result<()> {
        if saved == self.written {
            return Ok(());
        }
        let temporary = self.path.with_extension("new");
        fs::write(&temporary, bytes(&saved))?;
        fs::rename(&temporary, &self.path)?;
        self.written = saved;
        Ok(())
    }
}

fn read(path: &Path) -> SavedEdges {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return SavedEdges::default(),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot read saved totals of edges: they count from 0");
            return SavedEdges::default();
        }
    };
    parse(&bytes).unwrap_or_else(|| {
        tracing::warn!(path = %path.display(), "saved totals of edges are damaged, or of another version: they count from 0");
        SavedEdges::default()
    })
}

fn bytes(saved: &SavedEdges) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + saved.edges.len() * EDGE_BYTES);
    bytes.extend(
        [MAGIC, LAYOUT_VERSION]
            .iter()
            .flat_map(|word| word.to_le_bytes()),
    );
    bytes.extend(saved.together.as_bytes());
    for (key, cell) in &saved.edges {
        bytes.extend(key.as_bytes());
        bytes.extend(cell.as_bytes());
    }
    bytes
}

/// `None` if it is not what [`bytes`] writes.
fn parse(bytes: &[u8]) -> Option<SavedEdges> {
    let (head, edges) = bytes.split_at_checked(HEAD_BYTES)?;
    let (version, together) = head.split_at(8);
    let expected = [MAGIC, LAYOUT_VERSION].map(u32::to_le_bytes).concat();
    let (edges, rest) = edges.as_chunks::<EDGE_BYTES>();
    if version != expected || !rest.is_empty() {
        return None;
    }
    let edge = |edge: &[u8; EDGE_BYTES]| {
        let (key, cell) = EdgeKey::read_from_prefix(edge).ok()?;
        Some((key, EdgeCell::read_from_bytes(cell).ok()?))
    };
    Some(SavedEdges {
        together: EdgeCell::read_from_bytes(together).ok()?,
        edges: edges.iter().map(edge).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved() -> SavedEdges {
        let cell = |forward_packets| EdgeCell {
            forward_packets,
            reply_bytes: 7,
            ..EdgeCell::default()
        };
        let edge = |port| EdgeKey {
            source_identity: 300,
            rule: 17,
            port,
            ..EdgeKey::default()
        };
        SavedEdges {
            edges: vec![(edge(80), cell(5)), (edge(81), cell(6))],
            together: cell(9),
        }
    }

    #[test]
    fn a_restart_finds_what_was_saved_if_the_maps_are_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = SavedFile::open(directory.path(), true);
        assert_eq!(*file.saved(), SavedEdges::default());
        file.write(saved()).unwrap();
        assert_eq!(*SavedFile::open(directory.path(), true).saved(), saved());
        let fresh = SavedFile::open(directory.path(), false);
        assert_eq!(*fresh.saved(), SavedEdges::default());
    }

    #[test]
    fn what_is_damaged_is_not_believed() {
        let good = bytes(&saved());
        assert_eq!(parse(&good), Some(saved()));
        for bad in [&good[..good.len() - 1], &good[..5], &[], &good[1..]] {
            assert_eq!(parse(bad), None, "{} bytes", bad.len());
        }
        let mut older = good;
        older[4] ^= 0x40;
        assert_eq!(parse(&older), None);
    }
}
