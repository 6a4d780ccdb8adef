//! One demo from its first file to its last flow.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use clap::{Args as _, FromArgMatches as _};
use daemon::signals::{SignalError, Signals};
use daemon::tasks::Tasks;
use lab::traffic::TrafficError;
use lab::{Node, TopologyError};
use observer::{Config, ObserverError, Pinning};
use registry::endpoint_file::{EndpointFile, EndpointFileError, Mode};
use tokio_util::sync::CancellationToken;

use super::manifests::{self, WriteError};
use super::place::{NODE, Place};
use super::served::Served;
use super::{intro, topology, traffic};
use crate::connection::address::Target;
use crate::connection::{ConnectError, Connection};
use crate::observe::{self, ObserveArgs, ObserveError};

/// How long the observer may take to answer.
const START_TIMEOUT: Duration = Duration::from_secs(20);
const START_POLL: Duration = Duration::from_millis(20);
/// How long its parts may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a demo does not run, or ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// Signals cannot be had.
    #[error(transparent)]
    Signals(#[from] SignalError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The endpoint file of the binary itself is wrong.
    #[error(transparent)]
    Endpoints(#[from] EndpointFileError),
    /// The namespaces cannot be made.
    #[error("cannot make the demo's network")]
    Topology(#[from] TopologyError),
    /// The work of a thread was lost.
    #[error("a part of the demo broke")]
    Broken(#[from] tokio::task::JoinError),
    /// The observer does not run.
    #[error("the observer does not run")]
    Observer(#[from] ObserverError),
    /// The observer ended by itself.
    #[error("the observer ended; `tycho demo --log info` shows what it says")]
    ObserverEnded,
    /// The observer does not answer.
    #[error("the observer does not answer")]
    Connect(#[from] ConnectError),
    /// There is no traffic.
    #[error("cannot make the demo's traffic")]
    Traffic(#[from] TrafficError),
    /// The intro cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
    /// Flows cannot be shown.
    #[error(transparent)]
    Observe(#[from] ObserveError),
}

/// How long a demo is to last, and what it shows.
#[derive(Debug, Clone, Copy)]
struct Wishes {
    quiet: bool,
    duration: Option<Duration>,
}

/// Runs until a signal, the end of `duration`, or an error. What it made in the kernel and in files stays for
/// [`super::traces`] to remove.
pub(super) async fn run(
    place: &Place,
    quiet: bool,
    duration: Option<Duration>,
) -> Result<(), SessionError> {
    let signals = Signals::install()?;
    let (stop, done) = (CancellationToken::new(), CancellationToken::new());
    let tasks = Tasks::new();
    tasks.spawn("signals", signals.run(stop.clone(), done.clone()));
    let result = live(place, Wishes { quiet, duration }, &tasks, &stop).await;
    done.cancel();
    if let Err(stuck) = tasks.shutdown(END_TIMEOUT).await {
        tracing::warn!(%stuck, "parts of the demo did not end");
    }
    result
}

async fn live(
    place: &Place,
    wishes: Wishes,
    tasks: &Tasks,
    stop: &CancellationToken,
) -> Result<(), SessionError> {
    let files = place.files();
    files.write()?;
    let file = manifests::endpoints()?;
    let served = Served::choose(place);
    writeln!(
        io::stdout(),
        "Making {} network namespaces and loading the eBPF programs …\n",
        file.endpoints.len() + 1
    )?;
    let node = build(tasks, file.clone()).await?;
    let observer = observer::run(config(place, &served, &node), tasks.clone());
    let mut observer = tasks.spawn("observer", observer);
    tokio::select! {
        ended = &mut observer => return Err(ended?.err().map_or(SessionError::ObserverEnded, Into::into)),
        ready = ready(&served.socket) => ready?,
        () = stop.cancelled() => return Ok(()),
    }
    {
        let mut out = io::stdout().lock();
        intro::write(&mut out, &file, &files, &served)?;
        writeln!(out, "{}\n", farewell(wishes))?;
    }
    let traffic = traffic::start(&node)?;
    let result = tokio::select! {
        ended = &mut observer => Err(ended?.err().map_or(SessionError::ObserverEnded, Into::into)),
        shown = show(wishes.quiet, &served) => shown,
        () = elapsed(wishes.duration) => Ok(()),
        () = stop.cancelled() => Ok(()),
    };
    let quiet = tasks.spawn_blocking("end of traffic", move || drop(traffic.stop()));
    quiet.await?;
    result
}

fn farewell(wishes: Wishes) -> String {
    let end = match wishes.duration {
        Some(duration) => format!("It ends after {} s, or with Ctrl-C", duration.as_secs()),
        None => "Ctrl-C ends it".to_owned(),
    };
    let flows = if wishes.quiet {
        ""
    } else {
        "\nWhat follows is `tycho observe --follow --print-policy-names`."
    };
    format!("{end} and removes everything again.{flows}")
}

async fn build(tasks: &Tasks, file: EndpointFile) -> Result<Node, SessionError> {
    let node = tasks.spawn_blocking("network", move || topology::build(&file));
    let mut node = node.await??;
    // The observer ends first; then all namespaces are removed by name, as those of a killed demo are.
    node.keep();
    Ok(node)
}

fn config(place: &Place, served: &Served, node: &Node) -> Config {
    let files = place.files();
    Config {
        node: Some(NODE.to_owned()),
        policies: Some(files.policies()),
        mode: Mode::Enforce,
        namespace: Some(node.namespace().path()),
        listen: served.listen(),
        state: files.directory.clone(),
        pinning: Pinning::At(place.pins.clone()),
        detach_on_exit: true,
        ..Config::new(files.endpoints())
    }
}

/// Waits until the observer answers at its socket.
async fn ready(socket: &Path) -> Result<(), ConnectError> {
    let started = Instant::now();
    loop {
        let address = Target::Unix(socket.to_owned()).into();
        match Connection::open(address, START_TIMEOUT).await {
            Ok(_) => return Ok(()),
            Err(error) if started.elapsed() > START_TIMEOUT => return Err(error),
            Err(_) => tokio::time::sleep(START_POLL).await,
        }
    }
}

/// Prints flows as `tycho observe` does: it is the same command.
async fn show(quiet: bool, served: &Served) -> Result<(), SessionError> {
    if quiet {
        return std::future::pending().await;
    }
    Ok(observe::run(following(&served.server())).await?)
}

fn following(server: &str) -> ObserveArgs {
    let arguments = [
        "--follow",
        "--since=10s",
        "--print-policy-names",
        "--server",
        server,
    ];
    let command = ObserveArgs::augment_args(clap::Command::new("observe").no_binary_name(true));
    command
        .try_get_matches_from(arguments)
        .and_then(|matches| ObserveArgs::from_arg_matches(&matches))
        .expect("a test parses them")
}

async fn elapsed(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Wishes, farewell, following};

    #[test]
    fn the_flags_of_its_own_observe_parse() {
        following("unix:///run/tycho/observer.sock");
    }

    #[test]
    fn it_says_how_it_ends() {
        for (quiet, seconds, expect) in [
            (true, None, "Ctrl-C ends it and removes everything again."),
            (
                true,
                Some(12),
                "It ends after 12 s, or with Ctrl-C and removes everything again.",
            ),
            (
                false,
                None,
                "Ctrl-C ends it and removes everything again.\nWhat follows is `tycho observe --follow \
                 --print-policy-names`.",
            ),
        ] {
            let duration = seconds.map(Duration::from_secs);
            assert_eq!(farewell(Wishes { quiet, duration }), expect);
        }
    }
}
