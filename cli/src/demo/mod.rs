//! `tycho demo`: a node of network namespaces, real eBPF verdicts, and traffic to see them by.

mod intro;
mod lock;
mod manifests;
mod place;
mod privilege;
mod served;
mod session;
mod topology;
mod traces;
mod traffic;

use std::io::{self, Write as _};
use std::time::Duration;

use daemon::tracing_setup::{self, LOG_ENV, LogFormat, TracingError};

use lock::{DemoLock, LockError};
use place::Place;
use privilege::NeedsRoot;
use session::SessionError;
use traces::{Removed, TraceError};

/// The flags of `tycho demo`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DemoArgs {
    /// Do not print flows; other terminals can
    #[arg(short, long, alias = "no-follow")]
    quiet: bool,
    /// End after this time
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    duration: Option<u32>,
    /// Remove everything a demo has made, after ending it if it still runs
    #[arg(long, conflicts_with_all = ["quiet", "duration"])]
    down: bool,
    /// What the observer logs, to standard error
    #[arg(long, value_name = "FILTER", env = LOG_ENV, default_value = "error", hide_env_values = true)]
    log: String,
}

/// Why the demo does not run, or ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// Not root.
    #[error(transparent)]
    NeedsRoot(#[from] NeedsRoot),
    /// Another demo runs, or cannot be ended.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The log cannot be set up.
    #[error(transparent)]
    Log(#[from] TracingError),
    /// The runtime cannot be started.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// It could not be set up, or broke.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Something of it stays.
    #[error("not everything was removed; `sudo tycho demo --down` tries again")]
    Trace(#[from] TraceError),
}

/// Runs the command on the process's standard streams.
pub(crate) fn run(args: &DemoArgs) -> Result<(), DemoError> {
    privilege::check()?;
    let place = Place::standard();
    if args.down {
        return down(&place);
    }
    let lock = DemoLock::take(&place.lock())?;
    let left = traces::remove(&place)?;
    if !left.is_empty() {
        say(&format!(
            "Removed what a demo that was killed had left: {left}\n"
        ));
    }
    tracing_setup::init(&args.log, LogFormat::Human)?;
    let session = perform(&place, args);
    let removed = clear(&place, lock);
    session?;
    say(&format!("\nThe demo is over. Removed: {}", removed?));
    Ok(())
}

fn perform(place: &Place, args: &DemoArgs) -> Result<(), DemoError> {
    // One thread for the servers, one for the client.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(DemoError::Runtime)?;
    let seconds = args
        .duration
        .map(|seconds| Duration::from_secs(seconds.into()));
    Ok(runtime.block_on(session::run(place, args.quiet, seconds))?)
}

/// Removes everything, the lock last.
fn clear(place: &Place, lock: DemoLock) -> Result<Removed, TraceError> {
    let removed = traces::remove(place);
    drop(lock);
    traces::remove_if_empty(Some(&place.run));
    traces::remove_if_empty(place.pins.parent());
    removed
}

fn down(place: &Place) -> Result<(), DemoError> {
    let (lock, ended) = DemoLock::take_over(&place.lock())?;
    let removed = clear(place, lock)?;
    match ended {
        Some(pid) => say(&format!(
            "Ended the demo that ran as process {pid}; it has removed what it had made."
        )),
        None if removed.is_empty() => {
            say("There is nothing to remove: no demo runs, none has left anything.")
        }
        None => {}
    }
    if !removed.is_empty() {
        say(&format!("Removed: {removed}"));
    }
    Ok(())
}

/// Says something on standard output. Nobody may be listening any more, and there is work to do all the same.
fn say(text: &str) {
    writeln!(io::stdout(), "{text}").ok();
}
