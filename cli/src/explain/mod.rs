//! `tycho explain`: why a flow got its verdict.

mod flow;
mod reference;
mod report;

use std::io;

use proto::tycho::v1::policies_client::PoliciesClient;
use proto::tycho::v1::{ExplainRequest, Explanation};
use tonic::Code;

use crate::connection::{AskError, ConnectError, Connection, MAX_MESSAGE_BYTES, ServerFlags};
use crate::output::form::Form;
use reference::ReferenceError;

const AFTER_HELP: &str = "\
Examples:
  tycho observe --verdict DROPPED --last 1 -o json | tycho explain -
  tycho observe --to-label role=db -o json | jq -r .flow.uuid | tail -1 | xargs tycho explain --yaml";

/// The flags of `tycho explain`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ExplainArgs {
    /// The `uuid` of a flow, or `-` to read lines of `tycho observe -o json` from standard input
    #[arg(value_name = "FLOW")]
    flow: String,
    /// Print also the text of the policy that decided
    #[arg(long)]
    yaml: bool,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExplainError {
    /// No server, or no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// No flow is named.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// Standard input cannot be read.
    #[error("cannot read standard input")]
    Input(#[source] io::Error),
    /// Standard input has nothing.
    #[error(
        "there is no flow on standard input; `tycho observe --verdict DROPPED --last 1 -o json` prints one"
    )]
    Nothing,
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
}

impl From<ConnectError> for ExplainError {
    fn from(error: ConnectError) -> Self {
        Self::Ask(error.into())
    }
}

/// Runs the command.
pub(crate) async fn run(args: ExplainArgs) -> Result<(), ExplainError> {
    if args.flow != "-" {
        let connection = args.server.connect_to_node().await?;
        return explain(&connection, &args, args.flow.clone()).await;
    }
    let mut connection = None;
    for (index, text) in io::stdin().lines().enumerate() {
        let text = text.map_err(ExplainError::Input)?;
        let Some(flow) = reference::of(index + 1, &text)? else {
            continue;
        };
        if connection.is_some() && args.output == Form::Table {
            report::separate().map_err(ExplainError::Output)?;
        }
        let connection = match &mut connection {
            Some(connection) => connection,
            none => none.insert(args.server.connect_to_node().await?),
        };
        explain(connection, &args, flow).await?;
    }
    match connection {
        Some(_) => Ok(()),
        None => Err(ExplainError::Nothing),
    }
}

async fn explain(
    connection: &Connection,
    args: &ExplainArgs,
    flow: String,
) -> Result<(), ExplainError> {
    let mut client = PoliciesClient::new(connection.channel.clone())
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let explanation: Explanation = connection
        .ask("an explanation", client.explain(ExplainRequest { flow }))
        .await
        .map_err(|error| {
            error.next_step(
                Code::NotFound,
                "only flows that the node still holds can be explained; `tycho observe -o json` shows their uuid",
            )
        })?;
    args.output
        .print("tycho.v1.Explanation", &explanation, |out, explanation| {
            report::write(out, explanation, args.yaml)
        })
        .map_err(ExplainError::Output)
}
