//! `tycho policy list`.

use std::io;

use proto::tycho::v1::ListPoliciesResponse;

use super::{PolicyError, overview, resolve};
use crate::clock::format::TimeFormat;
use crate::connection::ServerFlags;
use crate::output::escape::visible;
use crate::output::form::Form;

/// The flags of `tycho policy list`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ListArgs {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: ListArgs) -> Result<(), PolicyError> {
    let connection = args.server.connect_to_node().await?;
    let answer = resolve::all(&connection).await?;
    args.output
        .print("tycho.v1.ListPoliciesResponse", &answer, write)?;
    Ok(())
}

fn write(out: &mut dyn io::Write, answer: &ListPoliciesResponse) -> io::Result<()> {
    writeln!(
        out,
        "{} at revision {}, hits counted since {}",
        visible(&answer.node_name),
        answer.revision,
        TimeFormat::Rfc3339.write(answer.counted_since.as_ref())
    )?;
    problem(out, answer)?;
    writeln!(out)?;
    if answer.policies.is_empty() {
        return writeln!(out, "There are no policies: everything is allowed.");
    }
    overview::write(out, &answer.policies)
}

/// Says that the newest files are not what is in force.
pub(super) fn problem(out: &mut dyn io::Write, answer: &ListPoliciesResponse) -> io::Result<()> {
    if answer.problem.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "The newest files are not in force: {}",
        visible(&answer.problem)
    )
}
