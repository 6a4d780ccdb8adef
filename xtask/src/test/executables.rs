//! Builds all test programs and `tycho` in one cargo call, and says where they are.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::repository::cargo;
use crate::stages::display;

/// What a test needs to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    /// One package.
    Unit,
    /// The whole program, any user.
    System,
    /// Root and a kernel that loads eBPF programs.
    Kernel,
}

impl fmt::Display for Tier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unit => "unit",
            Self::System => "system",
            Self::Kernel => "kernel",
        })
    }
}

/// A program full of tests.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Executable {
    pub(super) name: String,
    pub(super) tier: Tier,
    pub(super) path: PathBuf,
    folder: PathBuf,
}

impl Executable {
    /// Runs the program in its package's folder, as cargo does.
    pub(super) fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.path);
        command
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder);
        if self.tier == Tier::Kernel {
            // Its tests share the machine's interfaces and count packets.
            command.arg("--test-threads=1");
        }
        command.args(arguments);
        command
    }
}

/// One call, so that each crate is compiled once, with one set of features; the tests start `tycho` itself, hence `--bins`.
pub(super) fn build() -> anyhow::Result<Vec<Executable>> {
    let mut command = cargo([
        "build",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--message-format=json-render-diagnostics",
    ]);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("start cargo")?;
    if !output.status.success() {
        bail!("{}: {}", display(&command), output.status);
    }
    parse(&String::from_utf8(output.stdout).context("cargo's messages are JSON")?)
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

fn parse(messages: &str) -> anyhow::Result<Vec<Executable>> {
    let mut executables = Vec::new();
    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let message: Message =
            serde_json::from_str(line).with_context(|| format!("cargo's message {line}"))?;
        if message.reason == "compiler-artifact" {
            executables.extend(executable(message));
        }
    }
    executables.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(executables)
}

/// The message's program, if it is one of tests.
fn executable(message: Message) -> Option<Executable> {
    let (target, path) = (message.target?, message.executable?);
    if !message.profile?.test {
        return None;
    }
    let folder = message.manifest_path?.parent()?.to_path_buf();
    let package = folder
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let is_integration = target.kind.iter().any(|kind| kind == "test");
    let tier = match (package.as_str(), target.name.as_str()) {
        ("tests", "kernel") if is_integration => Tier::Kernel,
        ("tests", _) if is_integration => Tier::System,
        _ => Tier::Unit,
    };
    let name = if is_integration {
        format!("{package}: {}", target.name)
    } else {
        package
    };
    Some(Executable {
        name,
        tier,
        path: Path::new(&path).to_path_buf(),
        folder,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(folder: &str, target: &str, kind: &str, test: bool) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","manifest_path":"/r/{folder}/Cargo.toml","target":{{"name":"{target}","kind":["{kind}"]}},"profile":{{"test":{test}}},"executable":"/r/target/{target}-1"}}"#
        )
    }

    #[test]
    fn tiers_are_told_by_package_and_target() {
        let messages = [
            artifact("tests", "kernel", "test", true),
            artifact("tests", "system", "test", true),
            artifact("flow", "flow", "lib", true),
            artifact("proto", "snapshot", "test", true),
            artifact("cli", "tycho", "bin", false),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let found = parse(&messages.join("\n")).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.name.as_str(), found.tier))
            .collect();
        let expect = [
            ("flow", Tier::Unit),
            ("proto: snapshot", Tier::Unit),
            ("tests: kernel", Tier::Kernel),
            ("tests: system", Tier::System),
        ];
        assert_eq!(found, expect);
    }

    #[test]
    fn kernel_tests_run_one_at_a_time() {
        let found = parse(&artifact("tests", "kernel", "test", true)).unwrap();
        let command = found[0].command(&["flood".to_owned()]);
        assert_eq!(
            command.get_args().collect::<Vec<_>>(),
            ["--test-threads=1", "flood"]
        );
        assert_eq!(command.get_current_dir(), Some(Path::new("/r/tests")));
    }

    #[test]
    fn a_broken_message_is_an_error() {
        assert!(parse("{broken").is_err());
    }
}
