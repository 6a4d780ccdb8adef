//! Doing something inside another network namespace.

use std::fs::File;
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, setns};

use crate::error::LoaderError;

/// Runs `work` on a thread that has entered the namespace; without one, here.
pub(crate) fn inside<T: Send>(
    namespace: Option<&Path>,
    work: impl FnOnce() -> T + Send,
) -> Result<T, LoaderError> {
    let Some(path) = namespace else {
        return Ok(work());
    };
    let failed = |source| LoaderError::Namespace {
        path: PathBuf::from(path),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    std::thread::scope(|scope| {
        let entered = scope.spawn(move || {
            setns(&file, CloneFlags::CLONE_NEWNET)?;
            Ok::<T, nix::Error>(work())
        });
        match entered.join() {
            Ok(result) => result.map_err(|errno| failed(errno.into())),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
