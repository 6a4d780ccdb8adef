//! `tycho policy import`.

use std::path::PathBuf;

use proto::tycho::v1::ImportPoliciesRequest;
use tonic::Code;

use super::reading::Reading;
use super::sources::{self, Source};
use super::{PolicyError, name, resolve};
use crate::connection::ServerFlags;
use crate::output::escape::visible;
use crate::output::form::Form;

/// The flags of `tycho policy import`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ImportArgs {
    /// Policy files, directories of them, or `-` for standard input: all are taken, or none
    #[arg(value_name = "FILE|DIR|-", required = true)]
    paths: Vec<PathBuf>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: ImportArgs) -> Result<(), PolicyError> {
    let sources = sources::read(&args.paths)?;
    // Here each file has its name and lines; the server sees one text.
    let reading = Reading::of(&sources);
    if !reading.problems.is_empty() {
        let problems = reading.problems.iter();
        let told = problems.map(|problem| visible(&problem.to_string()).into_owned());
        return Err(PolicyError::Problems(told.collect()));
    }
    if reading.good.iter().all(|(_, policies, _)| *policies == 0) {
        return Err(PolicyError::NoPolicy);
    }
    let connection = args.server.connect_to_change().await?;
    let answer = connection
        .ask(
            "new policies",
            resolve::client(&connection).import_policies(request(&sources)),
        )
        .await
        .map_err(|error| {
            error.next_step(
                Code::AlreadyExists,
                "a policy of the node's directory is changed there: `tycho policy list` says in which file it stands",
            )
        })?;
    args.output
        .print("tycho.v1.ImportPoliciesResponse", &answer, |out, answer| {
            for name in &answer.names {
                writeln!(out, "imported {}", visible(&name::shown(name)))?;
            }
            writeln!(out, "in force from revision {} on", answer.revision)
        })?;
    Ok(())
}

/// All texts as one, so that the server takes all or none.
fn request(sources: &[Source]) -> ImportPoliciesRequest {
    let texts: Vec<&str> = sources.iter().map(|source| source.text.as_str()).collect();
    let files: Vec<&str> = sources.iter().map(|source| source.file.as_str()).collect();
    ImportPoliciesRequest {
        yaml: texts.join("\n---\n"),
        file: files.join(", "),
    }
}
