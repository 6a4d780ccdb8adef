//! Runs the built `tycho` and keeps what it said.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What one run said.
#[derive(Debug)]
pub(crate) struct Run {
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    /// Exit code.
    pub(crate) code: i32,
}

/// A command for `tycho` that no setting of this machine reaches.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tycho"));
    command
        .env_remove("TYCHO_SERVER")
        .env_remove("HUBBLE_SERVER")
        .env_remove("TYCHO_TLS")
        .env_remove("HUBBLE_TLS")
        .env_remove("TYCHO_REGISTRY")
        .env_remove("COLUMNS")
        .stdin(Stdio::null());
    command
}

/// Runs `tycho` with these arguments.
pub(crate) fn tycho<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Run {
    finish(command().args(arguments))
}

/// Runs `tycho` with this text on standard input.
pub(crate) fn tycho_fed(arguments: &[&str], input: &str) -> Run {
    let mut child = command()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tycho starts");
    child
        .stdin
        .take()
        .expect("standard input is piped")
        .write_all(input.as_bytes())
        .expect("tycho reads its input");
    run(child.wait_with_output().expect("tycho ends"))
}

/// Runs a prepared command to its end.
pub(crate) fn finish(command: &mut Command) -> Run {
    run(command.output().expect("tycho runs"))
}

fn run(output: std::process::Output) -> Run {
    Run {
        stdout: String::from_utf8(output.stdout).expect("standard output is text"),
        stderr: String::from_utf8(output.stderr).expect("standard error is text"),
        code: output.status.code().expect("tycho is not killed"),
    }
}

/// A file of `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// The text of a fixture.
pub(crate) fn text(name: &str) -> String {
    std::fs::read_to_string(fixture(name)).expect(name)
}
