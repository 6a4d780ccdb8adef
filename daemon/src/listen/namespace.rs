//! Binding a TCP address inside another network namespace. The socket stays there, whoever uses it.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use nix::sched::{CloneFlags, setns};
use tokio::net::TcpListener;

/// Why there is no listener.
pub(super) enum NamespaceBindError {
    /// The namespace cannot be entered.
    Enter(io::Error),
    /// The address cannot be bound there.
    Bind(io::Error),
}

/// Binds the first address that can be bound, on a thread that ends with it.
pub(super) fn bind(
    namespace: &Path,
    addresses: &[SocketAddr],
) -> Result<TcpListener, NamespaceBindError> {
    let entry = File::open(namespace).map_err(NamespaceBindError::Enter)?;
    let bind = || {
        setns(entry, CloneFlags::CLONE_NEWNET)
            .map_err(|errno| NamespaceBindError::Enter(errno.into()))?;
        let listener = std::net::TcpListener::bind(addresses).map_err(NamespaceBindError::Bind)?;
        listener
            .set_nonblocking(true)
            .map_err(NamespaceBindError::Bind)?;
        Ok(listener)
    };
    let bound = std::thread::scope(|scope| scope.spawn(bind).join());
    match bound {
        Ok(listener) => TcpListener::from_std(listener?).map_err(NamespaceBindError::Bind),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
