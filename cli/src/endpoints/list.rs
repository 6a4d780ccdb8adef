//! `tycho endpoint list`.

use std::collections::HashMap;
use std::io;

use proto::tycho::v1::endpoints_client::EndpointsClient;
use proto::tycho::v1::identities_client::IdentitiesClient;
use proto::tycho::v1::{
    Endpoint, ListEndpointsRequest, ListEndpointsResponse, ListIdentitiesRequest,
};

use super::{EndpointError, words};
use crate::connection::{AskError, Connection, MAX_MESSAGE_BYTES, ServerFlags};
use crate::output::columns::{Columns, line, lines};
use crate::output::form::Form;

/// What the keys of the labels begin with that an endpoint has from its namespace: its name says the namespace.
const OF_THE_NAMESPACE: [&str; 2] = [
    "k8s:io.kubernetes.pod.namespace=",
    "k8s:io.cilium.k8s.namespace.labels.",
];

/// The flags of `tycho endpoint list`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ListArgs {
    /// Only endpoints whose labels match, such as `role=frontend,tier in (web,api)`; can be repeated, any may match
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Vec<String>,
    /// Show all labels: also those of the namespace, and those that are no part of the identity
    #[arg(long)]
    all_labels: bool,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: ListArgs) -> Result<(), EndpointError> {
    let connection = args.server.connect_to_node().await?;
    let mut client = EndpointsClient::new(connection.channel.clone())
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let request = ListEndpointsRequest {
        selectors: args.selector,
    };
    let answer = connection
        .ask("its endpoints", client.list_endpoints(request))
        .await?;
    let labels = if args.all_labels || args.output == Form::Json {
        LabelsShown::All
    } else {
        LabelsShown::OfIdentities(labels_of_identities(&connection).await?)
    };
    args.output
        .print("tycho.v1.ListEndpointsResponse", &answer, |out, answer| {
            write(out, answer, &labels)
        })?;
    Ok(())
}

/// Which labels the table has.
enum LabelsShown {
    All,
    /// Those that make an identity.
    OfIdentities(HashMap<u32, Vec<String>>),
}

async fn labels_of_identities(
    connection: &Connection,
) -> Result<HashMap<u32, Vec<String>>, AskError> {
    let mut client = IdentitiesClient::new(connection.channel.clone())
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let all = client.list_identities(ListIdentitiesRequest::default());
    let answer = connection.ask("its identities", all).await?;
    let pairs = answer.identities.into_iter();
    Ok(pairs
        .map(|identity| (identity.identity, identity.labels))
        .collect())
}

impl LabelsShown {
    fn of<'a>(&'a self, endpoint: &'a Endpoint) -> Vec<&'a str> {
        let Self::OfIdentities(identities) = self else {
            return endpoint.labels.iter().map(String::as_str).collect();
        };
        // One that is new since the endpoints were listed.
        let labels = identities
            .get(&endpoint.identity)
            .unwrap_or(&endpoint.labels);
        let own = |label: &&String| {
            !OF_THE_NAMESPACE
                .iter()
                .any(|prefix| label.starts_with(prefix))
        };
        labels.iter().filter(own).map(String::as_str).collect()
    }
}

fn write(
    out: &mut dyn io::Write,
    answer: &ListEndpointsResponse,
    labels: &LabelsShown,
) -> io::Result<()> {
    let mut table = Columns::new(&[
        "ENDPOINT",
        "NAME",
        "INGRESS",
        "EGRESS",
        "IDENTITY",
        "LABELS",
        "IPV6, IPV4",
        "STATUS",
    ]);
    for endpoint in &answer.endpoints {
        table.row([
            line(endpoint.number.to_string()),
            line(words::name(endpoint)),
            line(words::enforcement(endpoint.ingress())),
            line(words::enforcement(endpoint.egress())),
            line(endpoint.identity.to_string()),
            lines(labels.of(endpoint)),
            lines(endpoint.ipv6.iter().chain(&endpoint.ipv4)),
            lines(words::state(endpoint)),
        ]);
    }
    table.write(out)
}
