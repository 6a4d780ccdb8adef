//! A run in named stages: each is timed, all run, failures are told at the end.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};

/// What has run so far.
#[derive(Default)]
pub(crate) struct Stages {
    finished: Vec<Stage>,
}

struct Stage {
    name: String,
    took: Duration,
    failure: Option<String>,
}

impl Stages {
    /// Runs `work` under a headline; an error is kept for the end. Returns what succeeded.
    pub(crate) fn run<T>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> Option<T> {
        println!("\n── {name}");
        let start = Instant::now();
        let outcome = work();
        let failure = outcome.as_ref().err().map(|error| format!("{error:#}"));
        if let Some(failure) = &failure {
            println!("FAILED: {failure}");
        }
        self.finished.push(Stage {
            name: name.to_owned(),
            took: start.elapsed(),
            failure,
        });
        outcome.ok()
    }

    /// Prints the table; an error if a stage failed.
    pub(crate) fn finish(&self) -> anyhow::Result<()> {
        println!("\n{}\n", self.table());
        for stage in &self.finished {
            if let Some(failure) = &stage.failure {
                println!("{}: {failure}", stage.name);
            }
        }
        let failed: Vec<&str> = self
            .finished
            .iter()
            .filter(|stage| stage.failure.is_some())
            .map(|stage| stage.name.as_str())
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        bail!("failed: {}", failed.join(", "))
    }

    fn table(&self) -> String {
        let mut table = String::from("seconds  stage\n");
        for stage in &self.finished {
            let end = if stage.failure.is_some() {
                "  FAILED"
            } else {
                ""
            };
            writeln!(
                table,
                "{:7.1}  {}{end}",
                stage.took.as_secs_f64(),
                stage.name
            )
            .expect("writing to a String succeeds");
        }
        let total: Duration = self.finished.iter().map(|stage| stage.took).sum();
        write!(table, "{:7.1}  total", total.as_secs_f64()).expect("writing to a String succeeds");
        table
    }
}

/// Runs a command to its end; its output goes to the terminal.
pub(crate) fn execute(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("start {program}"))?;
    if !status.success() {
        bail!("{}: {status}", display(command));
    }
    Ok(())
}

/// Runs a command to its end, shows each line that it prints, and hands it to `line`. The inner error says that it failed.
pub(crate) fn watch(
    command: &mut Command,
    mut line: impl FnMut(&str),
) -> anyhow::Result<anyhow::Result<()>> {
    let typed = display(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {typed}"))?;
    let stdout = child.stdout.take().expect("stdout is piped");
    for text in BufReader::new(stdout).split(b'\n') {
        let text = text.with_context(|| format!("read the output of {typed}"))?;
        let text = String::from_utf8_lossy(&text);
        println!("{text}");
        line(&text);
    }
    let status = child.wait().with_context(|| format!("wait for {typed}"))?;
    Ok(match status.success() {
        true => Ok(()),
        false => Err(anyhow!("{typed}: {status}")),
    })
}

/// The command as one would type it.
pub(crate) fn display(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let mut line = program.rsplit('/').next().unwrap_or_default().to_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_stage_does_not_stop_the_next_and_is_named_at_the_end() {
        let mut stages = Stages::default();
        assert_eq!(stages.run("first", || Ok(1)), Some(1));
        assert_eq!(stages.run::<()>("second", || bail!("broken")), None);
        assert_eq!(stages.run("third", || Ok(3)), Some(3));
        assert_eq!(stages.finish().unwrap_err().to_string(), "failed: second");
        let table = stages.table();
        assert!(table.contains("second  FAILED\n"), "{table}");
        assert_eq!(table.lines().count(), 5, "{table}");
    }

    #[test]
    fn a_command_that_fails_is_shown_as_typed() {
        let error = execute(Command::new("/bin/sh").args(["-c", "exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "sh -c exit 3: exit status: 3");
    }
}
