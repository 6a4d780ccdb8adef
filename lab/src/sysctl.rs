//! Writes kernel settings below `/proc/sys/net` for the namespace of the calling thread.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A setting that could not be written.
#[derive(Debug, Error)]
#[error("cannot write {value} to {}; it needs root and a writable /proc/sys", path.display())]
pub struct SysctlError {
    path: PathBuf,
    value: &'static str,
    source: io::Error,
}

/// Writes each `(path below /proc/sys/net, value)`. A setting the kernel does not have is skipped:
/// it belongs to a feature (IPv6, bridge filtering) that is then absent and needs no switching off.
pub(crate) fn write_all(settings: &[(&str, &'static str)]) -> Result<(), SysctlError> {
    for &(name, value) in settings {
        let path = Path::new("/proc/sys/net").join(name);
        match std::fs::write(&path, value) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(SysctlError {
                    path,
                    value,
                    source,
                });
            }
            _ => {}
        }
    }
    Ok(())
}
