//! Doing something inside another network namespace, on a thread that ends with it.

use std::fs::File;
use std::path::Path;

use nix::sched::{CloneFlags, setns};

use super::LinksError;

/// Runs `work` in the namespace; without one, here.
pub(super) fn inside<T: Send>(
    namespace: Option<&Path>,
    work: impl FnOnce() -> T + Send,
) -> Result<T, LinksError> {
    let Some(path) = namespace else {
        return Ok(work());
    };
    let failed = |source| LinksError::Namespace {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let entered = std::thread::scope(|scope| {
        let thread = scope.spawn(|| setns(&file, CloneFlags::CLONE_NEWNET).map(|()| work()));
        thread.join()
    });
    match entered {
        Ok(result) => result.map_err(|errno| failed(errno.into())),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
