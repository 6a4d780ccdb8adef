//! A compiler that has the source of `core`: rustup's, else Debian's.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use super::{debian, toolchain};
use crate::probes::{Origin, Toolchain};
use crate::repository;
use crate::stages::execute;

/// Finds the compiler for the eBPF programs, or installs what it lacks.
pub(super) fn ensure() -> anyhow::Result<Toolchain> {
    if let Ok(found) = toolchain() {
        return Ok(found);
    }
    println!(
        "setup: no compiler here has the source of core, which the eBPF programs are built with"
    );
    let added = add_component("rust-src").and_then(|()| toolchain());
    added.or_else(|error| {
        println!("setup: rustup did not help ({error:#}); Debian's compiler can build the eBPF programs too");
        debian::install(&["rustc-web", "rust-web-src"], "Debian's Rust compiler and its source")?;
        toolchain().context("after the installation")
    })
}

/// Sees to it that code can be formatted, and linted for the host and for the kernel.
pub(super) fn ensure_lints(probes: &Toolchain) -> anyhow::Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let mut version = repository::cargo([subcommand, "--version"]);
        let status = version.stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !status.is_ok_and(|status| status.success()) {
            add_component(component)?;
        }
    }
    if probes.origin == Origin::Debian && !Path::new("/usr/bin/cargo-clippy").is_file() {
        debian::install(
            &["rust-web-clippy"],
            "clippy for Debian's compiler, which builds the eBPF programs",
        )?;
    }
    Ok(())
}

fn add_component(component: &str) -> anyhow::Result<()> {
    let mut command = Command::new("rustup");
    println!("setup: rustup component add {component}");
    execute(command.args(["component", "add", component]))
}
