//! Binding a Unix socket: private from the first moment, replacing only what is dead.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind as bind_address, listen, socket,
};
use tokio::net::{UnixListener, UnixStream};

/// Connections the kernel holds until they are accepted.
const BACKLOG: i32 = 128;

/// How long another process may hold the directory while it binds a socket of its own.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Why a Unix socket could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum UnixBindError {
    /// A live process listens there.
    #[error(
        "{} is occupied: a running process answers there; stop it (`ss -xlp` names it), or choose another socket",
        path.display()
    )]
    Occupied {
        /// The socket.
        path: PathBuf,
    },
    /// Something that is no socket is in the way.
    #[error("{} exists and is no socket: move it away, or choose another path", path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// Another process keeps the directory locked.
    #[error("{} stays locked by another process that binds a socket there; try again", directory.display())]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// A step failed.
    #[error("cannot {step} {}", path.display())]
    Step {
        /// What was tried.
        step: &'static str,
        /// With which path.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// Removes the socket on drop, if it is still the one that was bound. It must be dropped before
/// the listener: as long as that is open, no other socket can have the same inode number.
#[derive(Debug)]
pub(super) struct RemoveOnDrop {
    path: PathBuf,
    device_inode: (u64, u64),
}

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        if device_inode(&self.path).is_ok_and(|found| found == self.device_inode)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the socket");
        }
    }
}

fn device_inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Attaches the step and the path to an error.
fn step(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> UnixBindError {
    move |source| UnixBindError::Step {
        step,
        path: path.to_owned(),
        source,
    }
}

/// Binds `path` with mode 0600. Must run inside a tokio runtime.
pub(super) async fn bind(path: &Path) -> Result<(RemoveOnDrop, UnixListener), UnixBindError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(directory)
        .map_err(step("create the directory", directory))?;
    // Two processes that both find a dead socket must not remove each other's new one. The lock
    // on the directory leaves no file behind and ends with the process.
    let lock = lock(directory).await?;
    clear_stale(path).await?;
    let listener = bind_private(path)?;
    let device_inode = device_inode(path).map_err(step("read back the socket", path))?;
    drop(lock);
    let remove = RemoveOnDrop {
        path: path.to_owned(),
        device_inode,
    };
    Ok((remove, listener))
}

async fn lock(directory: &Path) -> Result<File, UnixBindError> {
    let file = File::open(directory).map_err(step("open the directory", directory))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(source)) => {
                return Err(step("lock the directory", directory)(source));
            }
        }
    }
    Err(UnixBindError::Locked {
        directory: directory.to_owned(),
    })
}

/// Removes a socket that nobody listens on.
async fn clear_stale(path: &Path) -> Result<(), UnixBindError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(step("look at", path)(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(UnixBindError::NoSocket {
                path: path.to_owned(),
            });
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            tracing::info!(path = %path.display(), "removing the socket of a dead process");
            fs::remove_file(path).map_err(step("remove the dead socket", path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // A full backlog (EAGAIN) and a refused permission are signs of life.
        _ => Err(UnixBindError::Occupied {
            path: path.to_owned(),
        }),
    }
}

/// Binds, restricts, and only then listens: nobody can connect in between, whatever the umask.
fn bind_private(path: &Path) -> Result<UnixListener, UnixBindError> {
    let failed = |what| move |error: nix::Error| step(what, path)(error.into());
    let address = UnixAddr::new(path).map_err(failed("use as a socket path"))?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket: OwnedFd = socket(AddressFamily::Unix, SockType::Stream, flags, None)
        .map_err(failed("open a socket for"))?;
    bind_address(socket.as_raw_fd(), &address).map_err(failed("bind"))?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(step("restrict", path))?;
    let backlog = Backlog::new(BACKLOG).map_err(failed("size the queue of"))?;
    listen(&socket, backlog).map_err(failed("listen on"))?;
    UnixListener::from_std(StdUnixListener::from(socket)).map_err(step("watch", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[tokio::test]
    async fn private_and_removed_on_drop() {
        let directory = directory();
        let path = directory.path().join("deep/er/x.sock");
        let bound = bind(&path).await.unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        drop(bound);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_live_socket_is_occupied_and_stays() {
        let directory = directory();
        let path = directory.path().join("x.sock");
        let (_remove, _listener) = bind(&path).await.unwrap();
        let error = bind(&path).await.unwrap_err();
        assert!(matches!(error, UnixBindError::Occupied { .. }), "{error}");
        assert!(error.to_string().contains("x.sock"), "{error}");
        UnixStream::connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced() {
        let directory = directory();
        let path = directory.path().join("x.sock");
        drop(StdUnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let (_remove, _listener) = bind(&path).await.unwrap();
        UnixStream::connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn the_socket_of_a_successor_is_not_removed() {
        let directory = directory();
        let path = directory.path().join("x.sock");
        let (remove, listener) = bind(&path).await.unwrap();
        fs::remove_file(&path).unwrap();
        let (_remove, _listener) = bind(&path).await.unwrap();
        drop(remove);
        drop(listener);
        UnixStream::connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_no_socket_stays() {
        let directory = directory();
        let path = directory.path().join("file");
        fs::write(&path, "precious").unwrap();
        let error = bind(&path).await.unwrap_err();
        assert!(matches!(error, UnixBindError::NoSocket { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_path_too_long_for_a_socket_is_an_error() {
        let directory = directory();
        let path = directory.path().join("x".repeat(120));
        let error = bind(&path).await.unwrap_err();
        assert!(
            error.to_string().contains("use as a socket path"),
            "{error}"
        );
    }
}
