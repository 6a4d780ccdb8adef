//! The fuzz targets as programs: which there are, how they are built and started.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

use super::Report;
use crate::repository::{cargo, root, rustc_path, target_dir};
use crate::stages::execute;

const FOLDER: &str = "fuzz";
/// Longer inputs are slower, and find nothing that shorter ones do not.
const INPUT_BYTES_AT_MOST: u32 = 4096;
/// An input that takes longer is a find: work must be bounded.
const SECONDS_PER_INPUT: u32 = 20;
const MEGABYTES_AT_MOST: u32 = 2048;

/// One built target.
pub(super) struct Program {
    pub(super) name: String,
    path: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// The targets' names, as the manifest has them.
pub(super) fn names() -> anyhow::Result<Vec<String>> {
    let mut command = cargo(["metadata", "--no-deps", "--format-version=1"]);
    command.arg("--manifest-path").arg(manifest());
    let output = command.output().context("start cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let targets = metadata
        .packages
        .into_iter()
        .flat_map(|package| package.targets);
    Ok(targets
        .filter(|target| target.kind == ["bin"])
        .map(|target| target.name)
        .collect())
}

/// Builds the targets. Without a sanitizer the stable compiler will do, and safe code does not miss one.
pub(super) fn build(names: &[String]) -> anyhow::Result<Vec<Program>> {
    let host = host()?;
    for name in names {
        let mut command = cargo(["fuzz", "build", "--sanitizer=none", "--codegen-units=16"]);
        command
            .args(["--target", &host])
            .arg("--target-dir")
            .arg(built());
        execute(command.arg(name))?;
    }
    let folder = built().join(host).join("release");
    let program = |name: &String| Program {
        name: name.clone(),
        path: folder.join(name),
    };
    Ok(names.iter().map(program).collect())
}

impl Program {
    /// Runs it on one input, to the terminal.
    pub(super) fn on_input(&self, input: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command.arg(input);
        command
    }

    /// Runs it for a time, from its seeds and from what earlier runs found worth keeping.
    pub(super) fn fuzz(&self, seconds: u32) -> anyhow::Result<Report> {
        let kept = built().join("kept").join(&self.name);
        let failing = built().join("failing").join(&self.name);
        for folder in [&kept, &failing] {
            fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        }
        let log = built().join(format!("{}.log", self.name));
        let file = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let mut command = Command::new(&self.path);
        command.env("RUST_BACKTRACE", "0").arg(kept);
        let seeds = root().join(FOLDER).join("seeds").join(&self.name);
        if seeds.is_dir() {
            command.arg(seeds);
        }
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={INPUT_BYTES_AT_MOST}"))
            .arg(format!("-timeout={SECONDS_PER_INPUT}"))
            .arg(format!("-rss_limit_mb={MEGABYTES_AT_MOST}"))
            .arg(format!("-artifact_prefix={}/", failing.display()))
            .arg(format!(
                "-dict={}",
                root().join(FOLDER).join("words.dict").display()
            ))
            .stdout(file.try_clone().context("share the log")?)
            .stderr(file);
        let status = command
            .status()
            .with_context(|| format!("start {}", self.path.display()))?;
        let bytes = fs::read(&log).with_context(|| format!("read {}", log.display()))?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(Report::new(&self.name, status, &text, &log))
    }
}

fn manifest() -> PathBuf {
    root().join(FOLDER).join("Cargo.toml")
}

/// Where the targets are built, and where they keep what they find. Apart from the rest: all is instrumented.
fn built() -> PathBuf {
    target_dir().join(FOLDER)
}

/// The host's target triple.
fn host() -> anyhow::Result<String> {
    let output = Command::new(rustc_path()).arg("-vV").output();
    let output = output.context("start rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}
