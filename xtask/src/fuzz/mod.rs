//! `cargo xtask fuzz [--seconds N] [TARGET…]`: runs the fuzz targets for a time, and says what they found.

mod program;
mod report;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, bail};
use clap::Args;

use crate::setup;
use crate::stages::{Stages, execute};
use program::Program;
use report::Report;

/// What runs, and how long.
#[derive(Args)]
pub(crate) struct Options {
    /// Targets to run; all of them if none is named
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
    /// Run the one named target on this input alone
    #[arg(long, value_name = "FILE", conflicts_with = "seconds")]
    input: Option<PathBuf>,
}

/// Builds the targets and runs as many at once as there are CPUs; an error names those that failed.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut stages = Stages::default();
    let set_up = stages.run("setup", setup::fuzz_tools);
    let programs = set_up.and_then(|()| {
        stages.run("build", || {
            let chosen = choose(&program::names()?, &options.targets)?;
            program::build(&chosen)
        })
    });
    let Some(programs) = programs else {
        return stages.finish();
    };
    if let Some(input) = &options.input {
        let [program] = &programs[..] else {
            bail!("--input needs the name of one target");
        };
        return execute(&mut program.on_input(input));
    }
    stages.run("fuzz", || fuzz_all(programs, options.seconds));
    stages.finish()
}

fn fuzz_all(programs: Vec<Program>, seconds: u32) -> anyhow::Result<()> {
    println!("executions    edges  inputs kept  target");
    let waiting = Mutex::new(VecDeque::from(programs));
    let next = || {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pop_front()
    };
    let work = || {
        let mut failed = Vec::new();
        while let Some(program) = next() {
            match program.fuzz(seconds) {
                Ok(report) => {
                    println!("{report}");
                    failed.extend(report.failed().then_some(program.name));
                }
                Err(error) => {
                    println!("{}: {error:#}", program.name);
                    failed.push(program.name);
                }
            }
        }
        failed
    };
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    let failed: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cpus).map(|_| scope.spawn(work)).collect();
        let finished = workers.into_iter().map(|worker| worker.join());
        finished
            .flat_map(|failed| failed.expect("a worker does not panic"))
            .collect()
    });
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("{}", failed.join(", "))
    }
}

fn choose(known: &[String], wanted: &[String]) -> anyhow::Result<Vec<String>> {
    if wanted.is_empty() {
        return Ok(known.to_vec());
    }
    let find = |name: &String| {
        known
            .iter()
            .find(|known| *known == name)
            .cloned()
            .with_context(|| format!("no target {name}; there are {}", known.join(", ")))
    };
    wanted.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_chosen_by_name() {
        let known = ["policies", "records"].map(str::to_owned);
        let check = |wanted: &[&str], expect: Result<&[&str], &str>| {
            let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
            let found = choose(&known, &wanted).map_err(|error| error.to_string());
            let expect = expect.map(|names| names.iter().map(|&name| name.to_owned()).collect());
            assert_eq!(found, expect.map_err(str::to_owned));
        };
        check(&[], Ok(&["policies", "records"]));
        check(&["records"], Ok(&["records"]));
        check(&["x"], Err("no target x; there are policies, records"));
    }

    #[test]
    fn the_targets_of_the_repository_are_found() {
        let names = program::names().unwrap();
        assert!(names.contains(&"policies".to_owned()), "{names:?}");
    }
}
