//! `tycho demo`: three nodes of network namespaces, real eBPF verdicts, a relay, and traffic to see them by.

mod certificates;
mod etcd;
mod fleet;
mod intro;
mod leftovers;
mod lock;
mod manifests;
mod node;
mod observers;
mod orders;
mod place;
mod privilege;
mod process;
mod served;
mod session;
mod topology;
mod traces;
mod traffic;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use daemon::tracing_setup::{self, LOG_ENV, LogFormat, TracingError};

use lock::{DemoLock, LockError};
use node::DemoNode;
use observers::Order;
use place::Place;
use privilege::NeedsRoot;
use session::{SessionError, Wishes};
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
    /// Let the nodes share what they know through an etcd of the demo's own, in place of a directory
    #[arg(long)]
    etcd: bool,
    /// Tell the demo that runs to kill the observer of a node, `a`, `b` or `c`
    #[arg(long, value_name = "NODE", conflicts_with_all = ["quiet", "duration", "etcd"])]
    kill_node: Option<DemoNode>,
    /// Tell the demo that runs to start the observer of a node again
    #[arg(long, value_name = "NODE", conflicts_with_all = ["quiet", "duration", "etcd", "kill_node"])]
    start_node: Option<DemoNode>,
    /// Remove everything a demo has made, after ending it if it still runs
    #[arg(long, conflicts_with_all = ["quiet", "duration", "etcd", "kill_node", "start_node"])]
    down: bool,
    /// What the observers and the relay log, to standard error
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
    /// There is no etcd.
    #[error(transparent)]
    Etcd(#[from] etcd::EtcdError),
    /// The running demo did not do what it was told.
    #[error(transparent)]
    Order(#[from] orders::OrderError),
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
    if let Some((node, order)) = args.order() {
        let done = orders::tell(&place.files().orders(), node, order)?;
        say(&orders::capitalized(&done));
        return Ok(());
    }
    let etcd = args.etcd.then(etcd::find).transpose()?;
    let lock = DemoLock::take(&place.lock())?;
    let left = traces::remove(&place)?;
    if !left.is_empty() {
        say(&format!(
            "Removed what a demo that was killed had left: {left}\n"
        ));
    }
    tracing_setup::init(&args.log, LogFormat::Human)?;
    let session = perform(&place, args, etcd);
    let removed = clear(&place, lock);
    session?;
    say(&format!("\nThe demo is over. Removed: {}", removed?));
    Ok(())
}

impl DemoArgs {
    fn order(&self) -> Option<(DemoNode, Order)> {
        let kill = self.kill_node.map(|node| (node, Order::Kill));
        kill.or(self.start_node.map(|node| (node, Order::Start)))
    }
}

fn perform(place: &Place, args: &DemoArgs, etcd: Option<PathBuf>) -> Result<(), DemoError> {
    // One thread for the client, one for all else.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(DemoError::Runtime)?;
    let seconds = args
        .duration
        .map(|seconds| Duration::from_secs(seconds.into()));
    let wishes = Wishes {
        quiet: args.quiet,
        duration: seconds,
        etcd,
        log: args.log.clone(),
    };
    Ok(runtime.block_on(session::run(place, wishes))?)
}

/// Removes everything, the lock last.
fn clear(place: &Place, lock: DemoLock) -> Result<Removed, TraceError> {
    let removed = traces::remove(place);
    drop(lock);
    traces::remove_if_empty(Some(&place.run));
    traces::remove_if_empty(Some(&place.pins));
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
