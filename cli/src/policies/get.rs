//! `tycho policy get`.

use std::io::{self, Write};

use proto::tycho::v1::{GetPolicyRequest, Policy};

use super::{PolicyError, overview, resolve};
use crate::connection::ServerFlags;
use crate::output::escape::visible_lines;
use crate::output::form::Form;

/// The flags of `tycho policy get`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GetArgs {
    /// `[kind/][namespace/]name`; the kind in full or as cnp, ccnp or netpol
    #[arg(value_name = "NAME")]
    policy: String,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: PolicyForm,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum PolicyForm {
    /// Its text as it was defined, which `tycho policy import` takes
    #[default]
    Yaml,
    /// Its rules and what they have decided
    Table,
    /// One JSON object
    #[value(alias = "jsonpb")]
    Json,
}

pub(super) async fn run(args: GetArgs) -> Result<(), PolicyError> {
    let connection = args.server.connect_to_node().await?;
    let name = resolve::one(&connection, &args.policy).await?;
    let request = GetPolicyRequest { name: Some(name) };
    let answer = connection
        .ask("a policy", resolve::client(&connection).get_policy(request))
        .await?;
    let full_name = "tycho.v1.Policy";
    match args.output {
        PolicyForm::Json => Form::Json.print(full_name, &answer, |_, _| Ok(()))?,
        PolicyForm::Table => Form::Table.print(full_name, &answer, |out, policy| {
            overview::write(out, std::slice::from_ref(policy))
        })?,
        PolicyForm::Yaml => Form::Table.print(full_name, &answer, text)?,
    }
    Ok(())
}

fn text(out: &mut dyn Write, policy: &Policy) -> io::Result<()> {
    writeln!(out, "{}", visible_lines(policy.yaml.trim_end_matches('\n')))
}
