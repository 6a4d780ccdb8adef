//! Watching files: notices every change, reads it once it has settled, keeps the last good state.
//!
//! Files are looked at, not subscribed to: editors replace, ConfigMaps swap symbolic links, and
//! either is seen alike, at four calls a second. Two equal looks, [`Timing::settle`] apart, come
//! before each read. As that is longer than the granularity of file times, whatever is written
//! after the second look changes a time and is seen by the next one: no change is lost.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// Something that is loaded from files.
pub trait Source: Send + Sync + 'static {
    /// What a successful load gives.
    type State: Send + Sync + 'static;
    /// Why a load fails.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The files and directories whose change means a new load, as of now.
    fn paths(&self) -> Vec<PathBuf>;

    /// Reads the files. Runs on a blocking thread.
    ///
    /// # Errors
    /// When they cannot be read or are not valid; the last good state then stays.
    fn load(&self) -> Result<Self::State, Self::Error>;
}

/// How often files are looked at, and for how long they must stay unchanged before a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Time between two looks.
    pub poll: Duration,
    /// Time between the two equal looks before a read; longer than a tick of the file system's
    /// clock (at most 10 ms).
    pub settle: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(250),
            settle: Duration::from_millis(50),
        }
    }
}

/// What is known of a watched source. A receiver sees the newest; versions tell whether it
/// missed any.
#[derive(Debug)]
pub struct Snapshot<S: Source> {
    /// The last state that loaded; `None` until one did.
    pub good: Option<Arc<S::State>>,
    /// How many states have loaded.
    pub version: u64,
    /// Why the newest files did not load; `None` when `good` is of the newest files.
    pub problem: Option<Arc<S::Error>>,
}

impl<S: Source> Default for Snapshot<S> {
    fn default() -> Self {
        Self {
            good: None,
            version: 0,
            problem: None,
        }
    }
}

impl<S: Source> Clone for Snapshot<S> {
    fn clone(&self) -> Self {
        Self {
            good: self.good.clone(),
            version: self.version,
            problem: self.problem.clone(),
        }
    }
}

/// A receiver of the snapshots of `source`, and the future that fills it, which the caller runs
/// as a task. The first snapshot is empty; the first load follows at once. The future ends on
/// `cancel`, or when every receiver is gone.
pub fn watch<S: Source>(
    source: S,
    timing: Timing,
    cancel: CancellationToken,
) -> (
    watch::Receiver<Snapshot<S>>,
    impl Future<Output = ()> + Send + 'static,
) {
    let (sender, receiver) = watch::channel(Snapshot::default());
    let run = async move {
        let closed = sender.clone();
        tokio::select! {
            () = follow(Arc::new(source), timing, sender) => {}
            () = closed.closed() => {}
            () = cancel.cancelled() => {}
        }
    };
    (receiver, run)
}

/// Looks, settles, loads, for ever.
async fn follow<S: Source>(source: Arc<S>, timing: Timing, sender: watch::Sender<Snapshot<S>>) {
    let mut loaded: Option<Look> = None;
    loop {
        let Some(mut seen) = look(&source).await else {
            return;
        };
        if loaded.as_ref() == Some(&seen) {
            tokio::time::sleep(timing.poll).await;
            continue;
        }
        // Files that never rest are read anyway, after a whole poll's time.
        let mut waited = Duration::ZERO;
        while waited < timing.poll {
            tokio::time::sleep(timing.settle).await;
            waited += timing.settle;
            let Some(again) = look(&source).await else {
                return;
            };
            if again == seen {
                break;
            }
            seen = again;
        }
        let reader = Arc::clone(&source);
        let Ok(result) = spawn_blocking(move || reader.load()).await else {
            return;
        };
        sender.send_modify(|snapshot| match result {
            Ok(state) => {
                snapshot.good = Some(Arc::new(state));
                snapshot.version += 1;
                snapshot.problem = None;
            }
            Err(error) => snapshot.problem = Some(Arc::new(error)),
        });
        loaded = Some(seen);
    }
}

/// What one look sees of each path.
type Look = Vec<(PathBuf, Option<Stamp>)>;

/// Changes whenever a file is replaced or written; `None` in a [`Look`] is a path that is not
/// there. The change time cannot be set back, unlike the modification time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// `None` when the runtime ends.
async fn look<S: Source>(source: &Arc<S>) -> Option<Look> {
    let source = Arc::clone(source);
    spawn_blocking(move || {
        source
            .paths()
            .into_iter()
            .map(|path| {
                let stamp = fs::metadata(&path).ok().map(|metadata| Stamp {
                    device: metadata.dev(),
                    inode: metadata.ino(),
                    size_bytes: metadata.size(),
                    modified: (metadata.mtime(), metadata.mtime_nsec()),
                    changed: (metadata.ctime(), metadata.ctime_nsec()),
                });
                (path, stamp)
            })
            .collect()
    })
    .await
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::DirectorySource;
    use crate::endpoint_file::FileSource;
    use std::path::Path;

    const QUICK: Timing = Timing {
        poll: Duration::from_millis(40),
        settle: Duration::from_millis(20),
    };
    const LONG: Duration = Duration::from_secs(30);

    /// Waits for a snapshot that fits, and fails after a long time.
    async fn until<S: Source>(
        receiver: &mut watch::Receiver<Snapshot<S>>,
        fits: impl FnMut(&Snapshot<S>) -> bool,
    ) -> Snapshot<S> {
        let found = tokio::time::timeout(LONG, receiver.wait_for(fits)).await;
        found.unwrap().unwrap().clone()
    }

    fn replace(path: &Path, text: &str) {
        let temporary = path.with_extension("swp");
        fs::write(&temporary, text).unwrap();
        fs::rename(&temporary, path).unwrap();
    }

    #[tokio::test]
    async fn an_endpoint_file_is_followed_through_rename_rewrite_break_and_repair() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("endpoints.yaml");
        let cancel = CancellationToken::new();
        let (mut receiver, run) = watch(FileSource::new(path.clone()), QUICK, cancel.clone());
        let drive = async {
            let node =
                |snapshot: &Snapshot<FileSource>| snapshot.good.as_ref().unwrap().node.clone();
            let missing = until(&mut receiver, |s| s.problem.is_some()).await;
            assert!(missing.good.is_none());
            fs::write(&path, "node: a\n").unwrap();
            assert_eq!(node(&until(&mut receiver, |s| s.version == 1).await), "a");
            replace(&path, "node: b\n");
            assert_eq!(node(&until(&mut receiver, |s| s.version == 2).await), "b");
            fs::write(&path, "node: c\n").unwrap();
            assert_eq!(node(&until(&mut receiver, |s| s.version == 3).await), "c");
            fs::write(&path, "nodes: d\n").unwrap();
            let broken = until(&mut receiver, |s| s.problem.is_some()).await;
            assert_eq!(node(&broken), "c", "the last good state stays");
            fs::remove_file(&path).unwrap();
            replace(&path, "node: e\n");
            let repaired = until(&mut receiver, |s| s.version == 4).await;
            assert_eq!(node(&repaired), "e");
            assert!(repaired.problem.is_none());
            cancel.cancel();
        };
        tokio::time::timeout(LONG, async { tokio::join!(run, drive) })
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_directory_is_followed_and_the_future_ends_with_its_receivers() {
        let directory = tempfile::tempdir().unwrap();
        let source = DirectorySource::new(directory.path().to_owned());
        let (mut receiver, run) = watch(source, QUICK, CancellationToken::new());
        let drive = async {
            let names = |snapshot: &Snapshot<DirectorySource>| -> Vec<String> {
                let files = snapshot.good.as_ref().unwrap();
                files
                    .iter()
                    .map(|file| {
                        file.path
                            .file_name()
                            .unwrap()
                            .to_string_lossy()
                            .into_owned()
                    })
                    .collect()
            };
            assert!(names(&until(&mut receiver, |s| s.version == 1).await).is_empty());
            fs::write(directory.path().join("b.yaml"), "x").unwrap();
            assert_eq!(
                names(&until(&mut receiver, |s| s.version == 2).await),
                ["b.yaml"]
            );
            fs::write(directory.path().join("a.yml"), "y").unwrap();
            assert_eq!(
                names(&until(&mut receiver, |s| s.version == 3).await),
                ["a.yml", "b.yaml"]
            );
            fs::write(directory.path().join("b.yaml"), "z").unwrap();
            let changed = until(&mut receiver, |s| s.version == 4).await;
            assert_eq!(changed.good.unwrap()[1].text, "z");
            fs::remove_file(directory.path().join("b.yaml")).unwrap();
            assert_eq!(
                names(&until(&mut receiver, |s| s.version == 5).await),
                ["a.yml"]
            );
            drop(receiver);
        };
        tokio::time::timeout(LONG, async { tokio::join!(run, drive) })
            .await
            .unwrap();
    }
}
