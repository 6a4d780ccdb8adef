//! Why a relay does not run.

use daemon::listen::{BindError, Listen};

use registry::cluster::RegistryError;

use crate::peers::PeersFileError;

/// Why a relay does not start, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// No address to serve.
    #[error("there is no address to listen on: give `--listen`")]
    NoAddress,
    /// Nothing tells of peers.
    #[error(
        "there are no peers: name them with `--peer ADDRESS`, `--peers-file FILE`, `--registry URL` or `--peer-service ADDRESS`"
    )]
    NoPeers,
    /// An address cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The file of peers cannot be used.
    #[error(transparent)]
    PeersFile(#[from] PeersFileError),
    /// The registry cannot be used.
    #[error("cannot use the registry")]
    Registry(#[from] RegistryError),
    /// The services cannot be put together.
    #[error("cannot set up server reflection")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// A listener failed.
    #[error("cannot serve {listen}")]
    Serve {
        /// The address.
        listen: Listen,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
    /// A listener ended by itself.
    #[error("the listener of {0} ended")]
    ListenerEnded(Listen),
}
