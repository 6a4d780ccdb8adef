//! `tycho list namespaces`.

use std::io::{self, Write};

use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetNamespacesRequest, Namespace};

use super::{Common, Form, ListError};
use crate::connection::MAX_MESSAGE_BYTES;
use crate::output::escape::visible;
use crate::output::table;

/// The flags of `tycho list namespaces`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct NamespacesArgs {
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: NamespacesArgs) -> Result<(), ListError> {
    let connection = args.common.server.connect().await?;
    let mut client = ObserverClient::new(connection.channel.clone())
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let answer = client.get_namespaces(GetNamespacesRequest {});
    let answer = connection.ask("its namespaces", answer).await?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&mut out, args.common.output, &answer.namespaces)?;
    Ok(out.flush()?)
}

fn write(out: &mut dyn Write, form: Form, namespaces: &[Namespace]) -> io::Result<()> {
    match form {
        Form::Json => {
            let items: Vec<String> = namespaces
                .iter()
                .map(|one| proto::json::message_to_json("observer.Namespace", one))
                .collect();
            writeln!(out, "[{}]", items.join(","))
        }
        Form::Dict => namespaces.iter().try_for_each(|one| {
            writeln!(out, "NAMESPACE: {}", visible(&one.namespace))?;
            writeln!(out, "  CLUSTER: {}", visible(&one.cluster))
        }),
        Form::Table | Form::Wide => {
            let wide = form == Form::Wide;
            let row = |namespace: &str, cluster: &str| {
                let mut cells = vec![visible(namespace).into_owned()];
                cells.extend((wide && !cluster.is_empty()).then(|| visible(cluster).into_owned()));
                cells
            };
            let mut rows = vec![row("NAMESPACE", "CLUSTER")];
            rows.extend(
                namespaces
                    .iter()
                    .map(|one| row(&one.namespace, &one.cluster)),
            );
            table::write(out, &rows)
        }
    }
}
