//! `tycho identity`: the security identities that a node knows, now and before.

mod get;
mod list;
mod words;

use std::io;
use std::time::SystemTime;

use prost_types::Timestamp;
use tonic::Code;

use crate::clock::instant::{self, InstantError};
use crate::connection::{AskError, ConnectError};

/// The subcommands.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum IdentityCommand {
    /// List the identities with their labels
    List(list::ListArgs),
    /// Show what an identity stands for
    Get(get::GetArgs),
}

/// Why a subcommand failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// No server, or no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl From<ConnectError> for IdentityError {
    fn from(error: ConnectError) -> Self {
        Self::Ask(error.into())
    }
}

/// Runs a subcommand.
pub(crate) async fn run(command: IdentityCommand) -> Result<(), IdentityError> {
    match command {
        IdentityCommand::List(args) => list::run(args).await,
        IdentityCommand::Get(args) => get::run(args).await,
    }
}

/// An error about a time that is too early, with what to do.
fn with_next_step(error: AskError) -> AskError {
    error.next_step(
        Code::OutOfRange,
        "give --at a later time; without it the command shows what holds now",
    )
}

/// Reads `--at`.
fn instant(text: &str) -> Result<Timestamp, InstantError> {
    instant::parse(text, SystemTime::now())
}
