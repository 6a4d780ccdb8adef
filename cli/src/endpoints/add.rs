//! `tycho endpoint add`.

use std::path::PathBuf;

use proto::tycho::v1::AddEndpointRequest;
use proto::tycho::v1::endpoints_client::EndpointsClient;
use tonic::Code;

use super::definition::DefinitionFlags;
use super::{EndpointError, pair, words};
use crate::connection::ServerFlags;
use crate::output::escape::visible;
use crate::output::form::Form;
use crate::text_file;

/// The flags of `tycho endpoint add`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct AddArgs {
    /// Its definition, one entry as it stands in an endpoint file (`-`: standard input), in place of the flags
    #[arg(
        short,
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "name", "namespace", "netns", "interface", "ip", "label", "port", "mode", "spoofing", "workload",
        ]
    )]
    file: Option<PathBuf>,
    /// A label of its namespace, key=value, if the node's file does not say them; can be repeated
    #[arg(long, value_name = "LABEL", value_parser = pair::parse)]
    namespace_label: Vec<(String, String)>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    definition: DefinitionFlags,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: AddArgs) -> Result<(), EndpointError> {
    let text = match &args.file {
        Some(path) => text_file::read(path).map_err(|source| EndpointError::File {
            path: path.clone(),
            source,
        })?,
        None => args.definition.text(),
    };
    let connection = args.server.connect_to_change().await?;
    let mut client = EndpointsClient::new(connection.channel.clone());
    let request = AddEndpointRequest {
        endpoint: text,
        namespace_labels: args.namespace_label.into_iter().collect(),
    };
    let added = connection
        .ask("a new endpoint", client.add_endpoint(request))
        .await
        .map_err(|error| {
            error.next_step(
                Code::AlreadyExists,
                "`tycho endpoint get` shows who has the name or the address; `tycho endpoint remove` removes one that was added",
            )
        })?;
    args.output
        .print("tycho.v1.Endpoint", &added, |out, added| {
            let (name, number) = (words::name(added), added.number);
            let name = visible(&name);
            write!(
                out,
                "endpoint {number} added: {name}, {}",
                words::state(added).join(" ")
            )?;
            if !added.state_reason.is_empty() {
                write!(out, " ({})", visible(&added.state_reason))?;
            }
            writeln!(out)
        })?;
    Ok(())
}
