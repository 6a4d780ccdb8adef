//! What fuzzing needs: `cargo-fuzz`, and a C++ compiler for libFuzzer, which comes as source.

use std::process::Stdio;

use anyhow::Context;

use super::{debian, on_path};
use crate::repository;
use crate::stages::execute;

/// Finds the C++ compiler, or installs it: even clippy of the fuzz targets builds libFuzzer.
pub(super) fn ensure_compiler() -> anyhow::Result<()> {
    if on_path("c++") {
        return Ok(());
    }
    debian::install(&["g++"], "a C++ compiler, for libFuzzer")
}

/// Finds both, or installs them.
pub(super) fn ensure() -> anyhow::Result<()> {
    ensure_compiler()?;
    if runs() {
        return Ok(());
    }
    println!(
        "setup: cargo install cargo-fuzz, which builds the fuzz targets (about half a minute)"
    );
    let mut install = repository::cargo(["install", "cargo-fuzz", "--locked"]);
    // A folder of its own, whatever the surrounding build uses.
    execute(install.env_remove("CARGO_TARGET_DIR")).context("install cargo-fuzz")
}

fn runs() -> bool {
    let mut version = repository::cargo(["fuzz", "--version"]);
    let status = version.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
