//! The built `tycho`: runs it and keeps what it said.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// What one run said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit code.
    pub code: i32,
}

/// The binary lies beside the folder of the test executables: `cargo build -p cli` puts it there.
pub fn path() -> PathBuf {
    let tests = std::env::current_exe().expect("a test is a file");
    let path = tests.ancestors().nth(2).expect("…/deps/test").join("tycho");
    let shown = path.display();
    assert!(
        path.exists(),
        "{shown} is missing: run `cargo build -p cli`"
    );
    path
}

/// A command for `tycho` that no setting of this machine reaches.
pub fn command() -> Command {
    let mut command = Command::new(path());
    command
        .env_remove("TYCHO_SERVER")
        .env_remove("HUBBLE_SERVER")
        .env_remove("TYCHO_TLS")
        .env_remove("HUBBLE_TLS")
        .env_remove("TYCHO_REGISTRY")
        .env_remove("TYCHO_LOG")
        .env_remove("COLUMNS")
        .stdin(Stdio::null());
    command
}

/// Runs `tycho` with these arguments.
pub fn tycho<S: AsRef<OsStr>>(arguments: &[S]) -> Run {
    finish(command().args(arguments))
}

/// Runs a prepared command to its end.
pub fn finish(command: &mut Command) -> Run {
    ended(&command.output().expect("tycho runs"))
}

/// What a run that has ended said.
pub fn ended(output: &Output) -> Run {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("tycho writes text");
    Run {
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        code: output.status.code().expect("tycho is not killed"),
    }
}

impl Run {
    /// Fails with this code, prints nothing, and says all of these words.
    #[track_caller]
    pub fn assert_refused(&self, code: i32, words: &[&str]) {
        assert_eq!((self.stdout.as_str(), self.code), ("", code), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in {self:?}");
        }
    }

    /// Standard output of a run that went well and complained of nothing.
    #[track_caller]
    pub fn output(self) -> String {
        assert_eq!((self.stderr.as_str(), self.code), ("", 0), "{self:?}");
        self.stdout
    }
}
