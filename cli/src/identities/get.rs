//! `tycho identity get`.

use std::io;

use prost_types::Timestamp;
use proto::tycho::v1::identities_client::IdentitiesClient;
use proto::tycho::v1::{GetIdentityRequest, Identity};
use tonic::Code;

use super::{IdentityError, words};
use crate::connection::ServerFlags;
use crate::filters::identity;
use crate::output::facts::Facts;
use crate::output::form::Form;

/// The flags of `tycho identity get`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GetArgs {
    /// Its number, or a reserved name such as `world`
    #[arg(value_name = "IDENTITY", value_parser = identity::parse)]
    identity: u32,
    /// What held at this time: how long ago (5m, 1h30m) or a time (2025-11-22T10:00:30Z)
    #[arg(long, value_name = "TIME", value_parser = super::instant)]
    at: Option<Timestamp>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: GetArgs) -> Result<(), IdentityError> {
    let connection = args.server.connect_to_node().await?;
    let mut client = IdentitiesClient::new(connection.channel.clone());
    let request = GetIdentityRequest {
        identity: args.identity,
        at: args.at,
    };
    let next_step = if args.at.is_some() {
        "`tycho identity list --at TIME` shows those of that time, and since when anything is known"
    } else {
        "`tycho identity list` shows those there are; `--at TIME` looks at an earlier time"
    };
    let answer = connection
        .ask("an identity", client.get_identity(request))
        .await
        .map_err(|error| error.next_step(Code::NotFound, next_step))
        .map_err(super::with_next_step)?;
    args.output.print("tycho.v1.Identity", &answer, write)?;
    Ok(())
}

fn write(out: &mut dyn io::Write, identity: &Identity) -> io::Result<()> {
    let mut facts = Facts::default();
    facts.add("Identity", identity.identity.to_string());
    facts.add("Scope", words::scope(identity));
    facts.add_all("Labels", &identity.labels);
    if identity.from.is_some() {
        facts.add("Since", words::time(identity.from.as_ref()));
    }
    if identity.until.is_some() {
        facts.add("Until", words::time(identity.until.as_ref()));
    }
    facts.add("Endpoints", identity.endpoints.to_string());
    facts.write(out)
}
