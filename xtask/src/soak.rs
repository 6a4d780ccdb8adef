//! `cargo xtask soak [--rounds N] [FAULT…]`: the fault tests of the kernel tier, many rounds of each; ends with the memory.

use std::process::Command;

use anyhow::bail;
use clap::Args;

use crate::repository::{cargo, is_root};
use crate::setup;
use crate::stages::{self, Stages, execute};

/// Read by `tests/kernel/faults/rounds.rs`.
const ROUNDS: &str = "TYCHO_FAULT_ROUNDS";

/// What a line begins with that tells the memory of a process.
const FIGURE: &str = "fault ";

/// How much of it.
#[derive(Args)]
pub(crate) struct Options {
    /// Parts of the names of the tests to run, such as `peers` or `killed`; all of them if none is named
    faults: Vec<String>,
    /// Rounds of each fault
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// Runs them; an error says that a fault has left something behind.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if !is_root() {
        bail!("the faults happen to real nodes in network namespaces: run it as root");
    }
    let mut stages = Stages::default();
    let built = stages.run("setup and build", || {
        setup::build_tools()?;
        setup::network_tools()?;
        setup::registry_tools()?;
        execute(&mut cargo(["build", "--package", "cli", "--bin", "tycho"]))
    });
    let mut figures = Vec::new();
    if built.is_some() {
        stages.run(&format!("{} rounds", options.rounds), || {
            watch(&mut tests(options), &mut figures)
        });
    }
    let result = stages.finish();
    for figure in figures {
        println!("{figure}");
    }
    result
}

fn tests(options: &Options) -> Command {
    let mut command = cargo(["test", "--package", "tests", "--test", "kernel", "--"]);
    command
        .env(ROUNDS, options.rounds.to_string())
        .args(["--test-threads=1", "--nocapture"]);
    match options.faults.is_empty() {
        true => command.arg("faults::"),
        false => command.args(&options.faults),
    };
    command
}

/// Shows the output, and keeps the lines about memory.
fn watch(command: &mut Command, figures: &mut Vec<String>) -> anyhow::Result<()> {
    stages::watch(command, |line| figures.extend(figure(line)))?
}

/// The first line of a test follows its name.
fn figure(line: &str) -> Option<String> {
    line.find(FIGURE).map(|place| line[place..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_about_memory_are_found() {
        for (line, expect) in [
            (
                "fault clock: relay: 3 rounds",
                Some("fault clock: relay: 3 rounds"),
            ),
            (
                "test faults::clocks::off ... fault clock: relay: 3 rounds",
                Some("fault clock: relay: 3 rounds"),
            ),
            ("test faults::clocks::off ... ok", None),
            ("running 10 tests", None),
        ] {
            assert_eq!(figure(line).as_deref(), expect, "{line}");
        }
    }

    #[test]
    fn the_output_is_kept_also_of_a_failure() {
        let script = "echo 'fault a: b'; echo other; exit 3";
        let mut figures = Vec::new();
        let result = watch(Command::new("/bin/sh").args(["-c", script]), &mut figures);
        let error = result.unwrap_err().to_string();
        assert!(error.ends_with("exit status: 3"), "{error}");
        assert_eq!(figures, ["fault a: b"]);
    }
}
