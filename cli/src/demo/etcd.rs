//! etcd as the registry of the demo's nodes: a real one, in the backbone's namespace.

use std::env;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use daemon::tasks::Tasks;
use lab::Namespace;
use tokio::process::Command;

use super::node;
use super::process::{Process, ProcessError};
use super::topology::BACKBONE;

const PROGRAM: &str = "etcd";
const PORT: u16 = 2379;
const START_TIMEOUT: Duration = Duration::from_secs(20);
const START_POLL: Duration = Duration::from_millis(50);

/// There is no etcd.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EtcdError {
    /// It is not installed.
    #[error(
        "`--etcd` needs etcd, and there is no `{PROGRAM}` on the PATH; install it: `apt-get install etcd-server`"
    )]
    NotInstalled,
    /// It does not start.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It ended at once.
    #[error("{0}; what it said stands above")]
    Ended(String),
    /// It does not answer.
    #[error("etcd does not answer at {address} within {START_TIMEOUT:?}")]
    Silent {
        /// Where it should.
        address: SocketAddr,
    },
}

/// Where it serves.
pub(super) fn address() -> SocketAddr {
    SocketAddr::new(node::backbone_addresses()[0].address(), PORT)
}

/// As the nodes and the relay are told of it.
pub(super) fn url() -> String {
    format!("etcd://{}", address())
}

/// The program on the PATH.
pub(super) fn find() -> Result<PathBuf, EtcdError> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|directory| directory.join(PROGRAM))
        .find(|candidate| is_program(candidate))
        .ok_or(EtcdError::NotInstalled)
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Starts it, with its data in this directory, and waits until it takes connections.
pub(super) async fn start(
    tasks: &Tasks,
    program: &Path,
    data: &Path,
) -> Result<Process, EtcdError> {
    let mut command = Command::new(program);
    let client = format!("http://{}", address());
    // It wants an address for others like it, which there are none of.
    let peer = "http://127.0.0.1:2380";
    command
        .args(["--name", "demo", "--log-level", "error", "--data-dir"])
        .arg(data)
        .args(["--listen-client-urls", &client])
        .args(["--advertise-client-urls", &client])
        .args(["--listen-peer-urls", peer])
        .args(["--initial-advertise-peer-urls", peer])
        .args(["--initial-cluster", &format!("demo={peer}")]);
    let mut process = Process::start(tasks, BACKBONE, "etcd".to_owned(), command).await?;
    let started = Instant::now();
    loop {
        let answers = tasks.spawn_blocking("look for etcd", || {
            let namespace = Namespace::open(BACKBONE)?;
            namespace.run(|| std::net::TcpStream::connect_timeout(&address(), START_POLL).is_ok())
        });
        if let Ok(Ok(true)) = answers.await {
            return Ok(process);
        }
        if started.elapsed() > START_TIMEOUT {
            process.end().await;
            let address = address();
            return Err(EtcdError::Silent { address });
        }
        tokio::select! {
            ended = process.ended() => return Err(EtcdError::Ended(ended)),
            () = tokio::time::sleep(START_POLL) => {}
        }
    }
}
