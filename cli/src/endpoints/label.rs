//! `tycho endpoint label`.

use std::collections::HashMap;
use std::io;

use proto::tycho::v1::endpoints_client::EndpointsClient;
use proto::tycho::v1::{Endpoint, LabelEndpointRequest};

use super::pair::{self, Change};
use super::{EndpointError, with_next_step, words};
use crate::connection::ServerFlags;
use crate::output::escape::visible;
use crate::output::form::Form;

/// The flags of `tycho endpoint label`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LabelArgs {
    /// Its name: `namespace/name`, or `name` without a namespace
    #[arg(value_name = "NAME")]
    endpoint: String,
    /// What to change: `key=value` sets a label, `key-` removes it
    #[arg(value_name = "CHANGE", required = true, value_parser = pair::change)]
    changes: Vec<Change>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: LabelArgs) -> Result<(), EndpointError> {
    let connection = args.server.connect_to_change().await?;
    let mut client = EndpointsClient::new(connection.channel.clone());
    let (mut set, mut remove) = (HashMap::new(), Vec::new());
    for change in args.changes {
        match change {
            Change::Set(key, value) => drop(set.insert(key, value)),
            Change::Remove(key) => remove.push(key),
        }
    }
    let request = LabelEndpointRequest {
        name: args.endpoint,
        set,
        remove,
    };
    let labelled = connection
        .ask("a change of labels", client.label_endpoint(request))
        .await
        .map_err(with_next_step)?;
    args.output.print("tycho.v1.Endpoint", &labelled, write)?;
    Ok(())
}

fn write(out: &mut dyn io::Write, endpoint: &Endpoint) -> io::Result<()> {
    let name = words::name(endpoint);
    let (number, identity) = (endpoint.number, endpoint.identity);
    writeln!(
        out,
        "endpoint {number} labelled: {}, identity {identity}",
        visible(&name)
    )?;
    for label in &endpoint.labels {
        writeln!(out, "  {}", visible(label))?;
    }
    Ok(())
}
