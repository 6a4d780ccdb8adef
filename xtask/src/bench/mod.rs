//! `cargo xtask bench [ROW…] [--json FILE]`: our figures beside the targets, each with the command that makes it.

mod criterion;
mod harness;
mod row;
mod rows;
mod source;
mod table;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use crate::page;
use crate::repository::{cargo, is_root, target_dir};
use crate::setup;
use crate::stages::{Stages, execute};
use row::Row;
use rows::ROWS;
use source::{Beforehand, Source};

/// What is measured.
#[derive(Args)]
pub(crate) struct Options {
    /// Rows to measure; all of them if none is named
    rows: Vec<String>,
    /// Also write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// One measured value.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Figure {
    row: String,
    value: f64,
    unit: String,
}

/// Runs the benches that the rows need, each once, and prints the table.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    setup::build_tools()?;
    let wanted = choose(&options.rows)?;
    let mut stages = Stages::default();
    let mut figures = Vec::new();
    for source in sources(&wanted) {
        let names: Vec<&str> = wanted
            .iter()
            .filter(|row| row.source == source)
            .map(|row| row.name)
            .collect();
        if source.needs_root && !is_root() {
            stages.run(source.bench, || -> anyhow::Result<()> {
                bail!("{} need root", names.join(", "))
            });
            continue;
        }
        let measured = stages.run(source.bench, || measure(source, &names));
        figures.extend(measured.unwrap_or_default());
    }
    let result = stages.finish();
    println!("\n{}", table::render(&wanted, &figures));
    if let Some(file) = &options.json {
        let json = serde_json::to_string_pretty(&figures).context("encode the figures")?;
        fs::write(file, json + "\n").with_context(|| format!("write {}", file.display()))?;
    }
    result
}

/// Runs one bench for some of its rows and reads what it measured.
fn measure(source: Source, names: &[&str]) -> anyhow::Result<Vec<Figure>> {
    let mut command = source.command(names);
    if source.beforehand != Beforehand::Nothing {
        setup::browser()?;
        command.env("PATH", page::build()?.path());
    }
    if source.beforehand == Beforehand::PageAndTycho {
        setup::network_tools()?;
        execute(&mut cargo(["build", "--release", "--package", "cli"]))?;
    }
    if source.prints_json {
        return harness::measure(&mut command);
    }
    execute(&mut command)?;
    let folder = target_dir().join("criterion");
    let mut figures = Vec::new();
    for name in names {
        figures.extend(criterion::read(&folder, name)?);
    }
    Ok(figures)
}

fn choose(names: &[String]) -> anyhow::Result<Vec<&'static Row>> {
    if names.is_empty() {
        return Ok(ROWS.iter().collect());
    }
    let find = |name: &String| {
        ROWS.iter().find(|row| row.name == name).with_context(|| {
            let known: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
            format!("no row {name}; there are {}", known.join(", "))
        })
    };
    names.iter().map(find).collect()
}

/// The benches behind the rows, in order, each once.
fn sources(rows: &[&Row]) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    for row in rows {
        if !sources.contains(&row.source) {
            sources.push(row.source);
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_bench_start_it_once() {
        let all = choose(&[]).unwrap();
        let sources = sources(&all);
        assert!(sources.len() < all.len());
        for (position, source) in sources.iter().enumerate() {
            assert!(!sources[..position].contains(source), "{source:?} twice");
        }
    }

    #[test]
    fn an_unknown_row_is_refused_with_those_there_are() {
        let error = choose(&["nonsense".to_owned()]).unwrap_err().to_string();
        assert!(
            error.starts_with("no row nonsense; there are ") && error.contains(ROWS[0].name),
            "{error}"
        );
    }
}
