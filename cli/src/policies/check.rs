//! `tycho policy check`: needs no server.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::reading::Reading;
use super::{PolicyError, sources};
use crate::output::escape::visible;
use crate::output::form::Form;

/// The flags of `tycho policy check`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CheckArgs {
    /// Policy files, directories of them, or `-` for standard input; all together are what would be in force
    #[arg(value_name = "FILE|DIR|-", required = true)]
    paths: Vec<PathBuf>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
}

pub(super) fn run(args: &CheckArgs) -> Result<ExitCode, PolicyError> {
    let (mut sources, mut unreadable) = (Vec::new(), Vec::new());
    for source in sources::read_each(&args.paths) {
        match source {
            Ok(source) => sources.push(source),
            Err(error) => unreadable.push(in_one_line(&error)),
        }
    }
    let reading = Reading::of(&sources);
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.output {
        Form::Table => write(&mut out, &reading)?,
        Form::Json => writeln!(out, "{}", as_json(&reading, &unreadable))?,
    }
    out.flush()?;
    for problem in &unreadable {
        writeln!(io::stderr(), "error: {}", visible(problem))?;
    }
    Ok(if reading.problems.is_empty() && unreadable.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn in_one_line(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

fn write(out: &mut dyn Write, reading: &Reading) -> io::Result<()> {
    for (file, policies, rules) in &reading.good {
        writeln!(
            out,
            "{}: {}, {}",
            visible(file),
            counted(*policies, "policy", "policies"),
            counted(*rules, "rule", "rules")
        )?;
    }
    for problem in &reading.problems {
        writeln!(out, "{}", visible(&problem.to_string()))?;
    }
    Ok(())
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn as_json(reading: &Reading, unreadable: &[String]) -> serde_json::Value {
    let files = reading
        .good
        .iter()
        .map(|(file, policies, rules)| json!({"file": file, "policies": policies, "rules": rules}));
    let problems = reading.problems.iter().map(|problem| {
        json!({
            "file": problem.file,
            "line": problem.line,
            "field": problem.field,
            "reason": problem.reason,
        })
    });
    json!({
        "files": files.collect::<Vec<_>>(),
        "problems": problems.collect::<Vec<_>>(),
        "unreadable": unreadable,
    })
}
