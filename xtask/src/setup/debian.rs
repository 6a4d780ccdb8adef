//! Debian's packages: installed when we are root, otherwise named with the command for the user.

use std::process::Command;
use std::sync::Once;

use anyhow::{Context, bail};

use super::on_path;
use crate::repository;
use crate::stages::{display, execute};

/// Installs `packages`, which bring `what`.
pub(super) fn install(packages: &[&str], what: &str) -> anyhow::Result<()> {
    if !on_path("apt-get") {
        bail!(
            "missing: {what}. This is not Debian; install what its packages {} hold",
            packages.join(", ")
        );
    }
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
        .args(["install", "--quiet", "--yes", "--no-install-recommends"])
        .args(packages);
    if !repository::is_root() {
        bail!(
            "missing: {what}. Installing it needs root; run these, then try again:\n  \
             sudo apt-get update\n  sudo {}",
            display(&command)
        );
    }
    println!("setup: installing {what}: {}", display(&command));
    update();
    execute(&mut command).with_context(|| format!("install {what}"))
}

/// Fetches the package lists, once. Old lists may do, so that a failure is only told.
fn update() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = execute(Command::new("apt-get").args(["--quiet", "update"])) {
            println!("setup: the package lists are not up to date ({error:#}); trying with those that are here");
        }
    });
}
