//! `tycho endpoint remove`.

use proto::tycho::v1::RemoveEndpointRequest;
use proto::tycho::v1::endpoints_client::EndpointsClient;

use super::{EndpointError, with_next_step, words};
use crate::connection::ServerFlags;
use crate::output::escape::visible;
use crate::output::form::Form;

/// The flags of `tycho endpoint remove`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RemoveArgs {
    /// Its name: `namespace/name`, or `name` without a namespace
    #[arg(value_name = "NAME")]
    endpoint: String,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: RemoveArgs) -> Result<(), EndpointError> {
    let connection = args.server.connect_to_change().await?;
    let mut client = EndpointsClient::new(connection.channel.clone());
    let request = RemoveEndpointRequest {
        name: args.endpoint,
    };
    let answer = connection
        .ask(
            "the removal of an endpoint",
            client.remove_endpoint(request),
        )
        .await
        .map_err(with_next_step)?;
    args.output
        .print("tycho.v1.RemoveEndpointResponse", &answer, |out, answer| {
            let removed = answer.endpoint.clone().unwrap_or_default();
            let name = words::name(&removed);
            match removed.number {
                // It was never in use, as a file defines it too.
                0 => writeln!(out, "endpoint removed: {}", visible(&name)),
                number => writeln!(out, "endpoint {number} removed: {}", visible(&name)),
            }
        })?;
    Ok(())
}
