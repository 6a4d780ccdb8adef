//! A program that the demo runs in one of its namespaces, as a process of its own.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use daemon::tasks::Tasks;
use lab::{Namespace, NamespaceError};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;

/// How long it may take to end after it was told to.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Variables that would change what the demo's own programs do.
const SETTINGS: [&str; 3] = ["TYCHO_", "HUBBLE_", "ETCD"];

/// A running program.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// What it is, for messages.
    what: String,
}

/// It does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// Its namespace is gone.
    #[error("cannot start {what}")]
    Namespace {
        /// What it is.
        what: String,
        /// Why.
        source: NamespaceError,
    },
    /// The kernel does not run it.
    #[error("cannot start {what}")]
    Start {
        /// What it is.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The work of a thread was lost.
    #[error("cannot start {what}")]
    Broken {
        /// What it is.
        what: String,
        /// Why.
        source: tokio::task::JoinError,
    },
}

/// `tycho` with these arguments, the same program as this one whatever its file has become.
pub(super) fn tycho(arguments: &[String]) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("tycho").args(arguments);
    command
}

impl Process {
    /// Starts it in the namespace. Signals of the terminal do not reach it, since the demo ends it.
    pub(super) async fn start(
        tasks: &Tasks,
        namespace: &str,
        what: String,
        mut command: Command,
    ) -> Result<Self, ProcessError> {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if SETTINGS.iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(&*name);
            }
        }
        command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let (namespace, runtime) = (namespace.to_owned(), Handle::current());
        // A process is where the thread is that starts it.
        let started = tasks.spawn_blocking(format!("start {what}"), move || {
            Namespace::open(&namespace)?.run(|| {
                let _entered = runtime.enter();
                command.spawn()
            })
        });
        match started.await {
            Ok(Ok(Ok(child))) => Ok(Self { child, what }),
            Ok(Ok(Err(source))) => Err(ProcessError::Start { what, source }),
            Ok(Err(source)) => Err(ProcessError::Namespace { what, source }),
            Err(source) => Err(ProcessError::Broken { what, source }),
        }
    }

    /// Its number, as long as it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it ends by itself, and says how.
    pub(super) async fn ended(&mut self) -> String {
        let how = match self.child.wait().await {
            Ok(status) => words(status),
            Err(error) => error.to_string(),
        };
        format!("{} ended ({how})", self.what)
    }

    /// Kills it as the kernel would for want of memory: it cannot do anything about it.
    pub(super) async fn kill(mut self) {
        // Whatever is said, it is gone after that.
        self.child.kill().await.ok();
    }

    /// Tells it to end, and waits until it has.
    pub(super) async fn end(mut self) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid {
            kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
        }
        let ended = tokio::time::timeout(END_TIMEOUT, self.child.wait()).await;
        if ended.is_err() {
            tracing::warn!(what = self.what, "did not end when told to; it is killed");
            self.kill().await;
        }
    }
}

fn words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.signal(), status.code()) {
        (Some(signal), _) => Signal::try_from(signal).map_or_else(
            |_| format!("signal {signal}"),
            |signal| signal.as_str().to_owned(),
        ),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => status.to_string(),
    }
}
