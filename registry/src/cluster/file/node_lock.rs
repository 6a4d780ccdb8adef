//! A node's sign of life: a lock that the kernel takes back when its process dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::keys;
use super::super::store::BackendError;

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct NodeLock {
    path: PathBuf,
    file: File,
}

/// Where the locks lie.
pub(super) fn directory(registry: &Path) -> PathBuf {
    registry.join("nodes")
}

impl NodeLock {
    /// Takes it. The lock of the registry must be held, or somebody who looks whether this node lives could hinder it.
    pub(super) fn take(registry: &Path, node: &str) -> Result<Self, BackendError> {
        let path = place(registry, node);
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(BackendError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&path).unwrap_or_default();
                return Err(BackendError::NameTaken {
                    node: node.to_owned(),
                    holder: pid.trim().to_owned(),
                    path: registry.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(BackendError::io("lock", &path)(source));
            }
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(BackendError::io("write", &path))?;
        Ok(Self { path, file })
    }

    /// Whether others still find it.
    pub(super) fn is_in_place(&self) -> bool {
        let inode = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let here = fs::metadata(&self.path).map(inode).ok();
        here.is_some() && here == self.file.metadata().map(inode).ok()
    }
}

/// Whether the process of a node lives. The lock of the registry must be held.
pub(super) fn is_held(registry: &Path, node: &str) -> Result<bool, BackendError> {
    let path = place(registry, node);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(BackendError::io("open", &path)(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(BackendError::io("lock", &path)(source)),
    }
}

fn place(registry: &Path, node: &str) -> PathBuf {
    directory(registry).join(keys::escaped(node))
}
