//! Why an observer does not start, or ends.

use std::path::PathBuf;

use daemon::listen::{BindError, Listen};
use registry::cluster::RegistryError;
use registry::directory::DirectoryError;
use registry::endpoint_file::{EndpointFileError, NodeNameError};

use crate::label_filter_file::LabelFilterFileError;

/// A failed start, or a part that ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ObserverError {
    /// The endpoint file is not usable.
    #[error(transparent)]
    Endpoints(#[from] EndpointFileError),
    /// The name that was given in place of the endpoint file's is none.
    #[error(transparent)]
    NodeName(#[from] NodeNameError),
    /// The policies cannot be read.
    #[error("cannot read the policies")]
    PolicyFiles(#[from] DirectoryError),
    /// A policy is wrong.
    #[error("the policies in {} are not used", directory.display())]
    Policies {
        /// Where they are.
        directory: PathBuf,
        /// What is wrong, with file and line.
        #[source]
        source: policy::RepositoryError,
    },
    /// The label filter is not usable.
    #[error(transparent)]
    LabelFilter(#[from] LabelFilterFileError),
    /// What was added by calls cannot be read back.
    #[error("what the API has added cannot be used: correct or remove what lies in {}", directory.display())]
    Additions {
        /// Where it is kept.
        directory: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The registry is not usable.
    #[error("cannot take part in the cluster")]
    Registry(#[source] RegistryError),
    /// An address cannot be served.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// There is nothing to listen on.
    #[error("there is no address to listen on")]
    NoAddress,
    /// The kernel part failed.
    #[error("{0}")]
    Kernel(
        &'static str,
        #[source] Box<dyn std::error::Error + Send + Sync>,
    ),
    /// The process has too few privileges.
    #[error("the observer needs root, and lacks {}: run `sudo tycho observer …`", missing.join(", "))]
    Privileges {
        /// Capabilities that are missing.
        missing: Vec<&'static str>,
    },
    /// The gRPC server could not be built or ended with an error.
    #[error("cannot serve gRPC")]
    Serve(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A listener ended by itself.
    #[error("the server at {0} ended")]
    ListenerEnded(Listen),
    /// A part of the observer ended by itself; its last words are in the log.
    #[error("the {0} ended unexpectedly")]
    PartEnded(&'static str),
}
