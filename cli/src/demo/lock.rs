//! One demo per machine: a lock that ends with its process, in a file that names it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a demo may take to end after it was told to.
const END_TIMEOUT: Duration = Duration::from_secs(15);
const END_POLL: Duration = Duration::from_millis(50);

/// The lock, held until it is dropped; its file goes with it.
#[derive(Debug)]
pub(super) struct DemoLock {
    // Held open: the lock is the file's.
    _file: File,
    path: PathBuf,
}

/// The lock cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Another demo has it.
    #[error(
        "a demo is running already{}; end it with Ctrl-C where it runs, or with `tycho demo --down`",
        process(*pid)
    )]
    Running {
        /// Its process, if the file names one.
        pid: Option<i32>,
    },
    /// The file cannot be used.
    #[error("cannot {step} {}", path.display())]
    File {
        /// What was tried.
        step: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The lock is held, but by no demo that can be named.
    #[error("{} is locked, but by no process that is a demo; `fuser {}` says by whom", path.display(), path.display())]
    NoDemo {
        /// The lock's file.
        path: PathBuf,
    },
    /// The running demo cannot be told to end.
    #[error("cannot end the demo that runs as process {pid}")]
    Signal {
        /// Its process.
        pid: i32,
        /// What the kernel said.
        source: nix::Error,
    },
    /// The running demo does not end.
    #[error(
        "the demo that runs as process {pid} was told to end and did not within {END_TIMEOUT:?}; `kill -9 {pid}`, then `tycho demo --down`"
    )]
    StillRunning {
        /// Its process.
        pid: i32,
    },
}

fn process(pid: Option<i32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl DemoLock {
    /// Takes the lock, unless a demo runs.
    pub(super) fn take(path: &Path) -> Result<Self, LockError> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed("create the directory of", path))?;
        }
        loop {
            let mut file = OpenOptions::new()
                .create(true)
                .write(true)
                .truncate(false)
                .open(path)
                .map_err(failed("open", path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Running { pid: holder(path) });
                }
                Err(TryLockError::Error(source)) => return Err(failed("lock", path)(source)),
            }
            // A demo that ended removed the file while this one waited between opening and locking.
            if !is_at(&file, path) {
                continue;
            }
            file.set_len(0)
                .and_then(|()| writeln!(file, "{}", std::process::id()))
                .map_err(failed("write", path))?;
            return Ok(Self {
                _file: file,
                path: path.to_owned(),
            });
        }
    }

    /// Takes the lock; a demo that has it is ended first. Gives its process, too.
    pub(super) fn take_over(path: &Path) -> Result<(Self, Option<i32>), LockError> {
        let pid = match Self::take(path) {
            Err(LockError::Running { pid }) => {
                pid.filter(|pid| is_demo(*pid, path))
                    .ok_or_else(|| LockError::NoDemo {
                        path: path.to_owned(),
                    })?
            }
            other => return other.map(|lock| (lock, None)),
        };
        kill(Pid::from_raw(pid), Signal::SIGTERM)
            .map_err(|source| LockError::Signal { pid, source })?;
        let started = Instant::now();
        loop {
            match Self::take(path) {
                Err(LockError::Running { .. }) if started.elapsed() < END_TIMEOUT => {
                    thread::sleep(END_POLL);
                }
                Err(LockError::Running { .. }) => return Err(LockError::StillRunning { pid }),
                other => return other.map(|lock| (lock, Some(pid))),
            }
        }
    }
}

impl Drop for DemoLock {
    fn drop(&mut self) {
        // While it is held: nobody else can have taken it. What is left of it says nothing.
        fs::remove_file(&self.path).ok();
    }
}

fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LockError {
    move |source| LockError::File {
        step,
        path: path.to_owned(),
        source,
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// The process that the file names. Never a number that means a group of processes to `kill`.
fn holder(path: &Path) -> Option<i32> {
    let text = fs::read_to_string(path).ok()?;
    text.trim().parse().ok().filter(|pid| *pid > 1)
}

/// Whether the process is a `… demo` that holds the lock's file open.
fn is_demo(pid: i32, lock: &Path) -> bool {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let command_line = fs::read(process.join("cmdline")).unwrap_or_default();
    let mut words = command_line.split(|byte| *byte == 0).skip(1);
    let lock = fs::canonicalize(lock).unwrap_or_else(|_| lock.to_owned());
    words.any(|word| word == b"demo")
        && fs::read_dir(process.join("fd")).is_ok_and(|mut open| {
            open.any(|entry| {
                entry.is_ok_and(|entry| fs::read_link(entry.path()).is_ok_and(|to| to == lock))
            })
        })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write as _;
    use std::path::Path;
    use std::process::{Child, Command};

    use super::{DemoLock, LockError};

    #[test]
    fn one_at_a_time_and_nothing_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/demo.lock");
        for _ in 0..2 {
            let lock = DemoLock::take(&path).unwrap();
            let error = DemoLock::take(&path).unwrap_err();
            let own = i32::try_from(std::process::id()).unwrap();
            assert!(
                matches!(error, LockError::Running { pid: Some(pid) } if pid == own),
                "{error}"
            );
            drop(lock);
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_lock_left_by_a_dead_demo_is_free() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("demo.lock");
        std::fs::write(&path, "1\n").unwrap();
        DemoLock::take(&path).unwrap();
    }

    /// Runs a command that holds the lock and is named in its file.
    fn holder(path: &Path, arguments: &[&str]) -> Child {
        let mut file = File::create(path).unwrap();
        file.lock().unwrap();
        let child = Command::new(arguments[0])
            .args(&arguments[1..])
            // The same open file: the lock is the child's, too.
            .stdin(file.try_clone().unwrap())
            .spawn()
            .unwrap();
        writeln!(file, "{}", child.id()).unwrap();
        // The kernel lets the parent go on a moment before the arguments can be seen.
        let arguments = format!("/proc/{}/cmdline", child.id());
        while std::fs::read(&arguments).unwrap().is_empty() {
            std::thread::yield_now();
        }
        child
    }

    #[test]
    fn a_demo_is_ended_and_nothing_else() {
        for (arguments, ends) in [
            (&["sleep", "60"][..], false),
            (&["sh", "-c", "sleep 60 <&- & wait", "demo"], true),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("demo.lock");
            let mut child = holder(&path, arguments);
            let pid = i32::try_from(child.id()).unwrap();
            match DemoLock::take_over(&path) {
                Ok((_, ended)) => assert_eq!((ended, ends), (Some(pid), true)),
                Err(LockError::NoDemo { .. }) => assert!(!ends),
                Err(error) => panic!("{error}"),
            }
            assert_eq!(child.try_wait().unwrap().is_some(), ends, "{arguments:?}");
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(DemoLock::take_over(&path).unwrap().1, None);
        }
    }
}
