//! Opening sockets, such that one whose other end has vanished is noticed.

use std::io;
use std::path::Path;

use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::{TcpStream, UnixStream, lookup_host};

use super::ConnectError;

/// A silent connection is asked for a sign of life this often (by the kernel: nothing that a gRPC server could mind).
const PROBE_INTERVAL_S: u32 = 5;
/// Probes without an answer after which the connection is given up.
const PROBES: u32 = 3;
/// How long what was sent may stay without acknowledgement.
const UNACKNOWLEDGED_MS: u32 = PROBE_INTERVAL_S * (PROBES + 1) * 1_000;

pub(super) async fn open_unix(path: &Path) -> Result<UnixStream, ConnectError> {
    UnixStream::connect(path)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ConnectError::NoSocket,
            io::ErrorKind::PermissionDenied => ConnectError::SocketForbidden,
            _ => opening(error),
        })
}

pub(super) async fn open_tcp(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let addresses: Vec<_> = lookup_host((host, port))
        .await
        .map_err(|source| ConnectError::Resolve {
            host: host.to_owned(),
            source,
        })?
        .collect();
    let stream = TcpStream::connect(addresses.as_slice())
        .await
        .map_err(opening)?;
    stream.set_nodelay(true).map_err(opening)?;
    watch(&stream).map_err(|error| opening(error.into()))?;
    Ok(stream)
}

fn watch(stream: &TcpStream) -> nix::Result<()> {
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &PROBE_INTERVAL_S)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &PROBE_INTERVAL_S)?;
    setsockopt(stream, sockopt::TcpKeepCount, &PROBES)?;
    setsockopt(stream, sockopt::TcpUserTimeout, &UNACKNOWLEDGED_MS)
}

fn opening(error: io::Error) -> ConnectError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectError::Refused,
        _ => ConnectError::Open(error),
    }
}
