//! `tycho list`: what a relay knows of its nodes, and which namespaces there are.

mod namespaces;
mod node_table;
mod nodes;

use std::io;

use crate::connection::{AskError, ConnectError, ServerFlags};

/// The subcommands.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum ListCommand {
    /// List the nodes of a relay: which are connected, what they hold, how their clocks are
    #[command(alias = "node")]
    Nodes(nodes::NodesArgs),
    /// List the namespaces that flows were seen of in the last hour
    #[command(alias = "namespace")]
    Namespaces(namespaces::NamespacesArgs),
}

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Form {
    /// Aligned columns
    #[default]
    Table,
    /// More columns
    Wide,
    /// One line for each thing that is known
    Dict,
    /// A JSON array
    #[value(alias = "jsonpb")]
    Json,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    /// No server answered.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server has no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A Hubble server of one node does not list nodes.
    #[error(
        "server {address} lists no nodes: it is a Hubble server of one node; ask a relay with `--server ADDRESS`"
    )]
    OneNode {
        /// Where it is.
        address: String,
    },
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

/// What the subcommands share.
#[derive(Debug, Clone, clap::Args)]
struct Common {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

/// Runs a subcommand on standard output.
pub(crate) async fn run(command: ListCommand) -> Result<(), ListError> {
    match command {
        ListCommand::Nodes(args) => nodes::run(args).await,
        ListCommand::Namespaces(args) => namespaces::run(args).await,
    }
}
