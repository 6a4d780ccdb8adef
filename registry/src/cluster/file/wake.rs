//! Being told that the log has grown: by the kernel, or where it cannot, by looking.

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::Path;
use std::time::Duration;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::unix::AsyncFd;

/// Time between two looks if the kernel tells; a look costs one system call.
const WHEN_TOLD: Duration = Duration::from_secs(1);

/// The same if it does not: there are only so many watches on a machine.
const WHEN_NOT_TOLD: Duration = Duration::from_millis(20);

/// Waits for changes of a directory.
pub(super) struct Wake {
    watch: Option<AsyncFd<Watch>>,
}

/// A watch, as the runtime wants it.
struct Watch(Inotify);

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Wake {
    /// Changes from now on are told. Within a runtime.
    pub(super) fn new(directory: &Path) -> Self {
        let watch = watch(directory);
        if let Err(error) = &watch {
            tracing::debug!(directory = %directory.display(), %error, "no watch: looking instead");
        }
        Self { watch: watch.ok() }
    }

    /// Returns after a change, or after a time in which there may have been one.
    pub(super) async fn changed(&mut self) {
        let Some(watch) = &self.watch else {
            tokio::time::sleep(WHEN_NOT_TOLD).await;
            return;
        };
        tokio::select! {
            ready = watch.readable() => {
                if let Ok(mut ready) = ready {
                    // What has changed is found out by looking; the events only have to be taken.
                    while watch.get_ref().0.read_events().is_ok_and(|events| !events.is_empty()) {}
                    ready.clear_ready();
                    return;
                }
            }
            () = tokio::time::sleep(WHEN_TOLD) => return,
        }
        self.watch = None;
    }
}

fn watch(directory: &Path) -> std::io::Result<AsyncFd<Watch>> {
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
    inotify.add_watch(
        directory,
        AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF,
    )?;
    #[expect(
        deprecated,
        reason = "its successor is unsafe code; a watch owns its descriptor and never changes it, which is what matters"
    )]
    let watch = AsyncFd::new(Watch(inotify));
    watch
}
