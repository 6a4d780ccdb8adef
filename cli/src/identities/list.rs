//! `tycho identity list`.

use std::io;

use prost_types::Timestamp;
use proto::tycho::v1::identities_client::IdentitiesClient;
use proto::tycho::v1::{ListIdentitiesRequest, ListIdentitiesResponse};

use super::{IdentityError, words};
use crate::connection::{MAX_MESSAGE_BYTES, ServerFlags};
use crate::output::columns::{Columns, line, lines};
use crate::output::form::Form;

/// The flags of `tycho identity list`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ListArgs {
    /// Only identities whose labels match, such as `role=frontend` or `reserved:world`; any may match
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// The same as a flag, as `tycho endpoint list` has it; can be repeated
    #[arg(short = 'l', long = "selector", value_name = "SELECTOR")]
    more_selectors: Vec<String>,
    /// What held at this time: how long ago (5m, 1h30m) or a time (2025-11-22T10:00:30Z)
    #[arg(long, value_name = "TIME", value_parser = super::instant)]
    at: Option<Timestamp>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: ListArgs) -> Result<(), IdentityError> {
    let connection = args.server.connect_to_node().await?;
    let mut client = IdentitiesClient::new(connection.channel.clone())
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let request = ListIdentitiesRequest {
        selectors: [args.selectors, args.more_selectors].concat(),
        at: args.at,
    };
    let answer = connection
        .ask("its identities", client.list_identities(request))
        .await
        .map_err(super::with_next_step)?;
    args.output
        .print("tycho.v1.ListIdentitiesResponse", &answer, |out, answer| {
            write(out, answer, args.at.as_ref())
        })?;
    Ok(())
}

fn write(
    out: &mut dyn io::Write,
    answer: &ListIdentitiesResponse,
    at: Option<&Timestamp>,
) -> io::Result<()> {
    // The labels of a namespace are long, and seldom anybody asks since when an identity is known.
    let mut header = vec!["IDENTITY", "SCOPE", "ENDPOINTS"];
    header.extend(at.is_some().then_some("SINCE, UNTIL"));
    header.push("LABELS");
    let mut table = Columns::new(&header);
    for identity in &answer.identities {
        let mut row = vec![
            line(identity.identity.to_string()),
            line(words::scope(identity)),
            line(identity.endpoints.to_string()),
        ];
        row.extend(at.is_some().then(|| {
            let until = identity.until.as_ref();
            let since = words::time(identity.from.as_ref());
            lines(
                [since]
                    .into_iter()
                    .chain(until.map(|time| words::time(Some(time)))),
            )
        }));
        row.push(lines(&identity.labels));
        table.row(row);
    }
    table.write(out)?;
    let key = |time: &Timestamp| (time.seconds, time.nanos);
    match (at, &answer.known_since) {
        (Some(at), Some(known)) if key(at) < key(known) => writeln!(
            out,
            "Nothing is known of times before {}.",
            words::time(Some(known))
        ),
        _ => Ok(()),
    }
}
