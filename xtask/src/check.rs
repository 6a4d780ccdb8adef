//! `cargo xtask check`: what a change must satisfy besides its tests.

use std::env;
use std::ffi::OsStr;
use std::process::Command;

use anyhow::anyhow;

use crate::page;
use crate::repository::{cargo, probes_target_dir, root, target_dir};
use crate::setup;
use crate::stages::{Stages, execute};

const PROBES: &str = "bpf-probes/Cargo.toml";
const FUZZ: &str = "fuzz/Cargo.toml";

/// Runs every stage and reports all that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut stages = Stages::default();
    stages.run("setup", || {
        setup::build_tools()?;
        setup::check_tools()
    });
    stages.run("lock files", || {
        for manifest in ["Cargo.toml", PROBES, FUZZ] {
            let mut metadata = cargo([
                "metadata",
                "--locked",
                "--format-version=1",
                "--manifest-path",
                manifest,
            ]);
            execute(metadata.stdout(std::process::Stdio::null()))?;
        }
        Ok(())
    });
    stages.run("format", || {
        execute(&mut cargo([
            "fmt",
            "--all",
            "--check",
            "--message-format=short",
        ]))?;
        for manifest in [PROBES, FUZZ] {
            execute(&mut cargo([
                "fmt",
                "--check",
                "--message-format=short",
                "--manifest-path",
                manifest,
            ]))?;
        }
        Ok(())
    });
    stages.run("clippy, eBPF", || execute(&mut clippy_for_the_kernel()?));
    stages.run("clippy, host", || {
        execute(&mut cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "--deny=warnings",
        ]))
    });
    stages.run(
        "clippy, fuzz targets",
        || execute(&mut clippy_for_fuzzing()),
    );
    stages.run("page", page::check);
    stages.run("documentation", || {
        let mut doc = cargo(["doc", "--workspace", "--no-deps"]);
        execute(doc.env("RUSTDOCFLAGS", "--deny=warnings"))
    });
    stages.run("architecture", || {
        execute(&mut cargo([
            "test",
            "--workspace",
            "--test",
            "architecture",
        ]))
    });
    stages.finish()
}

/// Clippy with the compiler, the target and the flags of the build script.
fn clippy_for_the_kernel() -> anyhow::Result<Command> {
    let mut command = setup::toolchain()?
        .command(
            "clippy",
            &root().join(PROBES),
            &probes_target_dir(),
            env::consts::ARCH,
            endian(),
        )
        .map_err(|missing| anyhow!("{missing}"))?;
    command.args(["--", "--deny=warnings"].map(OsStr::new));
    Ok(command)
}

/// Clippy for the fuzz targets, with what the workspace has built already.
fn clippy_for_fuzzing() -> Command {
    let mut command = cargo(["clippy", "--bins", "--manifest-path", FUZZ]);
    command.arg("--target-dir").arg(target_dir());
    command.args(["--", "--deny=warnings"]);
    command
}

fn endian() -> &'static str {
    if cfg!(target_endian = "big") {
        "big"
    } else {
        "little"
    }
}
