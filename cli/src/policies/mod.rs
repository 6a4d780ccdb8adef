//! `tycho policy`: what policies say, what they have decided and what they would decide.

mod check;
pub(crate) mod decision;
mod delete;
mod end;
mod get;
mod import;
mod list;
pub(crate) mod name;
mod overview;
mod protocol;
mod reading;
mod resolve;
mod sources;
mod unused;
mod verdict;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use registry::directory::DirectoryError;

use crate::connection::{AskError, ConnectError};

/// The subcommands.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum PolicyCommand {
    /// Check policy files without a server: the first problem of each policy as file:line: field: reason, exit code 1 if
    /// there is one
    Check(check::CheckArgs),
    /// Add policies beside those of the node's directory; one that was added before is replaced
    Import(import::ImportArgs),
    /// Show a policy
    Get(get::GetArgs),
    /// List the policies with their rules and what these have decided
    List(list::ListArgs),
    /// Remove a policy that was imported
    Delete(delete::DeleteArgs),
    /// List rules that have not decided anything, and policies that select no endpoint
    Unused(unused::UnusedArgs),
    /// Say what the policies would decide, without traffic
    Verdict(verdict::VerdictArgs),
}

/// Why a subcommand failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyError {
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
    /// A directory cannot be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Files that are no policies are not sent.
    #[error("nothing was imported:\n{}", .0.join("\n"))]
    Problems(Vec<String>),
    /// There is nothing in the files.
    #[error("there is no policy in these files")]
    NoPolicy,
    /// No policy has this name.
    #[error("there is no policy {0:?}; `tycho policy list` shows those there are")]
    Unknown(String),
    /// Several policies have this name.
    #[error("{text:?} can be each of\n{}\nwrite it in full", list(names))]
    Ambiguous {
        /// The name as given.
        text: String,
        /// The policies.
        names: Vec<String>,
    },
    /// It does not say what connection is asked about.
    #[error("{0}")]
    Question(String),
    /// Nothing is there that could talk.
    #[error(
        "no two identities match --from and --to; `tycho identity list` shows the identities with their labels"
    )]
    NoPair,
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

fn list(names: &[String]) -> String {
    let lines: Vec<String> = names.iter().map(|name| format!("  {name}")).collect();
    lines.join("\n")
}

impl From<ConnectError> for PolicyError {
    fn from(error: ConnectError) -> Self {
        Self::Ask(error.into())
    }
}

/// What is wrong with texts that are to be policies in force together, each with the name of its file; a text without a
/// policy is wrong too.
pub(crate) fn problems_of<'a>(texts: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let sources: Vec<sources::Source> = texts
        .map(|(file, text)| sources::Source {
            file: file.to_owned(),
            text: text.to_owned(),
        })
        .collect();
    let reading = reading::Reading::of(&sources);
    let empty = reading
        .good
        .iter()
        .filter(|(_, policies, _)| *policies == 0);
    let empty = empty.map(|(file, ..)| format!("{file}: there is no policy in it"));
    let problems = reading.problems.iter().map(ToString::to_string);
    problems.chain(empty).collect()
}

/// Runs a subcommand. Some answer with the exit code, too.
pub(crate) async fn run(command: PolicyCommand) -> Result<ExitCode, PolicyError> {
    match command {
        PolicyCommand::Check(args) => return check::run(&args),
        PolicyCommand::Verdict(args) => return verdict::run(args).await,
        PolicyCommand::Import(args) => import::run(args).await?,
        PolicyCommand::Get(args) => get::run(args).await?,
        PolicyCommand::List(args) => list::run(args).await?,
        PolicyCommand::Delete(args) => delete::run(args).await?,
        PolicyCommand::Unused(args) => unused::run(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}
