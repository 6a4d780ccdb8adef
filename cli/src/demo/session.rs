//! One demo from its first file to its last flow.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args as _, FromArgMatches as _};
use daemon::signals::{SignalError, Signals};
use daemon::tasks::Tasks;
use lab::traffic::TrafficError;
use lab::{Cluster, TopologyError};
use proto::observer::ServerStatusResponse;
use registry::endpoint_file::{EndpointFile, EndpointFileError};
use tokio_util::sync::CancellationToken;

use super::certificates::{CertificateError, Certificates};
use super::etcd::EtcdError;
use super::fleet::{Ended, Fleet, Plan};
use super::manifests::{self, Files, WriteError};
use super::node::DemoNode;
use super::observers::Orders;
use super::orders::{self, OrderError, capitalized};
use super::place::Place;
use super::process::ProcessError;
use super::served::Served;
use super::{intro, topology, traffic};
use crate::connection::address::Target;
use crate::connection::{ConnectError, Connection};
use crate::observe::{self, ObserveArgs, ObserveError};

/// How long it may take until the relay has all nodes.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const START_POLL: Duration = Duration::from_millis(50);
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
    /// Certificates cannot be made.
    #[error(transparent)]
    Certificates(#[from] CertificateError),
    /// An endpoint file of the binary itself is wrong.
    #[error(transparent)]
    Endpoints(#[from] EndpointFileError),
    /// The namespaces cannot be made.
    #[error("cannot make the demo's network")]
    Topology(#[from] TopologyError),
    /// The work of a thread was lost.
    #[error("a part of the demo broke")]
    Broken(#[from] tokio::task::JoinError),
    /// etcd does not run.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
    /// A program does not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A program ended by itself.
    #[error("{0}; what it said stands above, and `tycho demo --log info` shows more")]
    Ended(String),
    /// The relay does not answer.
    #[error("the relay does not answer")]
    Connect(#[from] ConnectError),
    /// An observer does not answer.
    #[error("the observer of node {node} does not answer")]
    Observer {
        /// Its node.
        node: DemoNode,
        /// Why.
        source: ConnectError,
    },
    /// Nodes are missing.
    #[error("the relay does not reach {0}; `tycho demo --log info` shows why")]
    Missing(String),
    /// Orders cannot be taken.
    #[error(transparent)]
    Orders(#[from] OrderError),
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

/// How long a demo is to last, what it shows, and what it is made of.
#[derive(Debug, Clone)]
pub(super) struct Wishes {
    pub(super) quiet: bool,
    pub(super) duration: Option<Duration>,
    /// The program, if etcd is to be the registry.
    pub(super) etcd: Option<PathBuf>,
    pub(super) log: String,
}

/// Runs until a signal, the end of its time, or an error. What it made in the kernel and in files stays for
/// [`super::traces`] to remove.
pub(super) async fn run(place: &Place, wishes: Wishes) -> Result<(), SessionError> {
    let signals = Signals::install()?;
    let (stop, done) = (CancellationToken::new(), CancellationToken::new());
    let tasks = Tasks::new();
    tasks.spawn("signals", signals.run(stop.clone(), done.clone()));
    let mut fleet = Fleet::default();
    let result = live(place, &wishes, &tasks, &stop, &mut fleet).await;
    fleet.end().await;
    done.cancel();
    if let Err(stuck) = tasks.shutdown(END_TIMEOUT).await {
        tracing::warn!(%stuck, "parts of the demo did not end");
    }
    result
}

async fn live(
    place: &Place,
    wishes: &Wishes,
    tasks: &Tasks,
    stop: &CancellationToken,
    fleet: &mut Fleet,
) -> Result<(), SessionError> {
    let files = place.files();
    files.write()?;
    let certificates = Certificates::make(&files)?;
    let endpoints = manifests::endpoints()?;
    let served = Served::choose(place);
    let registry = if wishes.etcd.is_some() { "etcd, " } else { "" };
    let namespaces = endpoints
        .iter()
        .map(|file| file.endpoints.len())
        .sum::<usize>()
        + 4;
    writeln!(
        io::stdout(),
        "Making {namespaces} network namespaces; starting {registry}three observers with their eBPF programs, and a \
         relay …\n"
    )?;
    let cluster = build(tasks, endpoints.clone()).await?;
    let plan = Plan {
        place,
        served: &served,
        certificates: &certificates,
        etcd: wishes.etcd.as_deref(),
        log: &wishes.log,
    };
    // Whoever sees the relay may tell the demo something; it waits until all of it runs.
    let listener = orders::listen(&files.orders())?;
    let orders = tokio::select! {
        orders = start(tasks, &plan, fleet) => orders?,
        () = stop.cancelled() => return Ok(()),
    };
    {
        let mut out = io::stdout().lock();
        intro::write(&mut out, &endpoints, &files, &served, &plan.registry())?;
        writeln!(out, "{}\n", farewell(wishes))?;
    }
    let traffic = traffic::start(&cluster)?;
    let result = tokio::select! {
        ended = news(fleet) => Err(ended),
        shown = show(wishes.quiet, &served) => shown,
        () = orders::take(listener, orders) => Ok(()),
        () = elapsed(wishes.duration) => Ok(()),
        () = stop.cancelled() => Ok(()),
    };
    let quiet = tasks.spawn_blocking("end of traffic", move || drop(traffic.stop()));
    quiet.await?;
    result
}

/// Starts all processes, and waits until the relay has every node.
async fn start(tasks: &Tasks, plan: &Plan<'_>, fleet: &mut Fleet) -> Result<Orders, SessionError> {
    fleet.start_etcd(tasks, plan).await?;
    let orders = fleet.start_observers(tasks, plan).await?;
    let files = plan.place.files();
    tokio::select! {
        ended = fleet.ended() => return Err(ended.into()),
        answering = answering(&files) => answering?,
    }
    fleet.start_relay(tasks, plan).await?;
    tokio::select! {
        ended = fleet.ended() => return Err(ended.into()),
        complete = complete(&plan.served.relay_socket) => complete?,
    }
    Ok(orders)
}

fn farewell(wishes: &Wishes) -> String {
    let end = match wishes.duration {
        Some(duration) => format!("It ends after {} s, or with Ctrl-C", duration.as_secs()),
        None => "Ctrl-C ends it".to_owned(),
    };
    let flows = if wishes.quiet {
        ""
    } else {
        "\nWhat follows is `tycho observe --follow --print-node-name --print-policy-names`."
    };
    format!("{end} and removes everything again.{flows}")
}

async fn build(tasks: &Tasks, files: [EndpointFile; 3]) -> Result<Cluster, SessionError> {
    let cluster = tasks.spawn_blocking("network", move || topology::build(&files));
    let mut cluster = cluster.await??;
    // The processes end first; then all namespaces are removed by name, as those of a killed demo are.
    cluster.keep();
    Ok(cluster)
}

/// Waits until every observer answers.
async fn answering(files: &Files) -> Result<(), SessionError> {
    let started = Instant::now();
    for node in DemoNode::ALL {
        let socket = files.observer_socket(node);
        while let Err(source) = status(&socket).await {
            if started.elapsed() > START_TIMEOUT {
                return Err(SessionError::Observer { node, source });
            }
            tokio::time::sleep(START_POLL).await;
        }
    }
    Ok(())
}

/// Waits until the relay has every node.
async fn complete(relay: &Path) -> Result<(), SessionError> {
    let started = Instant::now();
    loop {
        let missing = match status(relay).await {
            Ok(status) => {
                let connected = status.num_connected_nodes.unwrap_or_default();
                if usize::try_from(connected).is_ok_and(|nodes| nodes == DemoNode::ALL.len()) {
                    return Ok(());
                }
                SessionError::Missing(match status.unavailable_nodes.is_empty() {
                    true => "all nodes".to_owned(),
                    false => status.unavailable_nodes.join(", "),
                })
            }
            Err(error) => error.into(),
        };
        if started.elapsed() > START_TIMEOUT {
            return Err(missing);
        }
        tokio::time::sleep(START_POLL).await;
    }
}

async fn status(socket: &Path) -> Result<ServerStatusResponse, ConnectError> {
    let address = Target::Unix(socket.to_owned()).into();
    let connection = Connection::open(address, START_TIMEOUT).await?;
    Ok(connection.status.unwrap_or_default())
}

impl From<Ended> for SessionError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::OneOfMany(how) | Ended::Relay(how) => Self::Ended(how),
        }
    }
}

/// Tells what ends, until that is the relay.
async fn news(fleet: &mut Fleet) -> SessionError {
    loop {
        match fleet.ended().await {
            Ended::OneOfMany(how) => {
                // Beside the flows, as what they say of nodes.
                writeln!(io::stderr(), "{}", capitalized(&how)).ok();
            }
            relay @ Ended::Relay(_) => return relay.into(),
        }
    }
}

/// Prints flows as `tycho observe` does: it is the same command.
async fn show(quiet: bool, served: &Served) -> Result<(), SessionError> {
    if quiet {
        return std::future::pending().await;
    }
    Ok(observe::run(following(&served.relay())).await?)
}

fn following(server: &str) -> ObserveArgs {
    let arguments = [
        "--follow",
        "--since=10s",
        "--print-node-name",
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
        following("unix:///run/tycho/demo/relay.sock");
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
                 --print-node-name --print-policy-names`.",
            ),
        ] {
            let wishes = Wishes {
                quiet,
                duration: seconds.map(Duration::from_secs),
                etcd: None,
                log: String::new(),
            };
            assert_eq!(farewell(&wishes), expect);
        }
    }
}
