//! `tycho endpoint`: the endpoints of a node.

mod add;
mod definition;
mod details;
mod get;
mod label;
mod list;
mod pair;
mod remove;
mod words;

use std::io;
use std::path::PathBuf;

use tonic::Code;

use crate::connection::{AskError, ConnectError};

/// The subcommands.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum EndpointCommand {
    /// List the endpoints: what is enforced, who they are, where they are
    List(list::ListArgs),
    /// Show all that is known of an endpoint
    Get(get::GetArgs),
    /// Add an endpoint beside those of the node's file; it stays until it is removed
    Add(Box<add::AddArgs>),
    /// Remove an endpoint that was added
    Remove(remove::RemoveArgs),
    /// Change the labels of an endpoint that was added
    Label(label::LabelArgs),
}

/// Why a subcommand failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    /// No server, or no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl From<ConnectError> for EndpointError {
    fn from(error: ConnectError) -> Self {
        Self::Ask(error.into())
    }
}

/// Runs a subcommand.
pub(crate) async fn run(command: EndpointCommand) -> Result<(), EndpointError> {
    match command {
        EndpointCommand::List(args) => list::run(args).await,
        EndpointCommand::Get(args) => get::run(args).await,
        EndpointCommand::Add(args) => add::run(*args).await,
        EndpointCommand::Remove(args) => remove::run(args).await,
        EndpointCommand::Label(args) => label::run(args).await,
    }
}

/// An error about an endpoint by name, with what to do.
fn with_next_step(error: AskError) -> AskError {
    error.next_step(
        Code::NotFound,
        "`tycho endpoint list` shows them; a name is `namespace/name`, or `name` without a namespace",
    )
}
