//! One observer per node: a lock that ends with its process, in a file that names it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::Path;

use super::NumbersError;

/// The lock, held until it is dropped. It is a file beside the store, as the store itself is
/// replaced from time to time.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(store: &Path) -> Result<Self, NumbersError> {
        let path = store.with_extension("lock");
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(NumbersError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(NumbersError::Held {
                    path: store.to_owned(),
                    pid: fs::read_to_string(&path)
                        .ok()
                        .and_then(|text| text.trim().parse().ok()),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(NumbersError::io("lock", &path)(source));
            }
        }
        let written = file
            .set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(NumbersError::io("write", &path))?;
        Ok(Self { _file: file })
    }
}
