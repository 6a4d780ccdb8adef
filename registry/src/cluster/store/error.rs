//! What can go wrong between this process and a backend.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::super::error::RegistryError;

/// Why a backend does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum BackendError {
    /// A step with a file failed.
    #[error("cannot {step} {}", path.display())]
    Io {
        step: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A line of the file is damaged.
    #[error(
        "{}:{line}: {reason}. Whoever wrote it was no Tycho, or the disk lost a part; to begin anew, stop every \
         observer of this machine and remove the directory",
        path.display()
    )]
    Damaged {
        path: PathBuf,
        line: u64,
        reason: String,
    },
    /// The directory was removed or replaced.
    #[error("the directory {} was removed or replaced", path.display())]
    Moved { path: PathBuf },
    /// Somebody else is this node.
    #[error(
        "another process, {holder}, is the node {node} in {}: names of nodes must be unique; stop it, or give \
         this one another name",
        path.display()
    )]
    NameTaken {
        node: String,
        holder: String,
        path: PathBuf,
    },
    /// No connection could be opened.
    #[error("cannot connect to {endpoint}")]
    Connect {
        endpoint: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// etcd answered with an error.
    #[error("cannot {step} at {endpoint}: {message}")]
    Call {
        step: &'static str,
        endpoint: String,
        message: String,
    },
    /// etcd knows the user, but does not let it do that.
    #[error(
        "{endpoint} does not let this user {step}: {message}; to read takes the permission `read` on the prefix of \
         the registry, to change something, and for a node, `readwrite`"
    )]
    Denied {
        step: &'static str,
        endpoint: String,
        message: String,
    },
    /// No answer came.
    #[error("no answer from {backend} to {step:?} within {after:?}")]
    Timeout {
        step: &'static str,
        backend: String,
        after: Duration,
    },
    /// The lease has run out.
    #[error("this node's lease at {endpoint} has run out")]
    LeaseLost { endpoint: String },
    /// This process is no node, and cannot do what only nodes can.
    #[error("only a node can {step}, and this process is none")]
    NoNode { step: &'static str },
    /// It is not this node's cluster.
    #[error(transparent)]
    Refused(RegistryError),
}

impl BackendError {
    /// Attaches the step and the file to an error.
    pub(in super::super) fn io(
        step: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { step, path, source }
    }

    /// Whether this process lacks the right to do that, so that trying again does not help.
    pub(in super::super) fn is_denied(&self) -> bool {
        match self {
            Self::Denied { .. } => true,
            Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ),
            _ => false,
        }
    }

    /// As whoever uses the registry sees it.
    pub(in super::super) fn of(self, backend: &str) -> RegistryError {
        match self {
            Self::Refused(error) => error,
            error if error.is_denied() => RegistryError::Denied {
                backend: backend.to_owned(),
                source: Arc::new(error),
            },
            error => RegistryError::Away {
                backend: backend.to_owned(),
                source: Arc::new(error),
            },
        }
    }
}
