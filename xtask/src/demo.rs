//! `cargo xtask demo`: set up, build the page and `tycho`, become `tycho demo`.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;

use crate::page;
use crate::repository::{cargo, is_root, root, target_dir};
use crate::setup;
use crate::stages::execute;

/// What is passed on.
#[derive(Args)]
pub(crate) struct Options {
    /// Arguments for `tycho demo`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Replaces this process by the demo, so that signals reach it.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    setup::build_tools()?;
    if is_root() {
        setup::network_tools()?;
        if options
            .arguments
            .iter()
            .any(|argument| argument == "--etcd")
        {
            setup::registry_tools()?;
        }
    }
    page::build()?;
    execute(&mut cargo(["build", "--package", "cli", "--bin", "tycho"]))?;
    let program = target_dir().join("debug/tycho");
    if !program.is_file() {
        bail!("cargo built no {}", program.display());
    }
    let mut demo = Command::new(&program);
    demo.current_dir(root())
        .arg("demo")
        .args(&options.arguments);
    Err(demo.exec()).with_context(|| format!("start {}", program.display()))
}
