//! `cargo xtask test`: builds every test once, runs the tiers this user can run, ends with what failed and the sums.

mod executables;
mod failures;
mod outcome;

use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;

use crate::page;
use crate::repository::{cargo, is_root};
use crate::setup::{self, Node};
use crate::stages::Stages;
use executables::{Executable, Tier};
use outcome::Outcome;

/// Which tests run.
#[derive(Args)]
pub(crate) struct Options {
    /// Only the tests that need no kernel, also as root
    #[arg(long, conflicts_with = "kernel")]
    system: bool,
    /// Only the tests that load eBPF programs; needs root
    #[arg(long)]
    kernel: bool,
    /// Arguments for each test program, for example a part of a test's name
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Options {
    fn wants(&self, tier: Tier) -> bool {
        match tier {
            Tier::Unit | Tier::System => !self.kernel,
            Tier::Kernel => self.kernel || (!self.system && is_root()),
        }
    }
}

/// Runs them; an error names what failed.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if options.kernel && !is_root() {
        bail!("the kernel tier loads eBPF programs and makes network namespaces: run it as root");
    }
    let mut stages = Stages::default();
    let set_up = stages.run("setup", || {
        setup::build_tools()?;
        setup::registry_tools()?;
        if options.wants(Tier::Kernel) {
            setup::network_tools()?;
            setup::browser()?;
        }
        Ok(())
    });
    // Before cargo, which takes in what there is. Without it most tests tell as much as ever.
    let node = stages.run("page", page::build);
    let built = set_up
        .and_then(|()| stages.run("build", executables::build))
        .unwrap_or_default();
    let mut total = Outcome::default();
    for tier in [Tier::Unit, Tier::System, Tier::Kernel] {
        if !built.is_empty() && options.wants(tier) {
            stages.run(&format!("{tier} tests"), || {
                run_tier(tier, &built, node.as_ref(), &options.arguments, &mut total)
            });
        }
    }
    if !built.is_empty() && options.wants(Tier::Unit) && options.arguments.is_empty() {
        stages.run("documentation tests", || {
            let (outcome, result) = outcome::watch(&mut cargo(["test", "--workspace", "--doc"]))?;
            total += outcome;
            result
        });
    }
    if !built.is_empty() && options.wants(Tier::Unit) && options.arguments.is_empty() {
        stages.run("page tests", || {
            let (outcome, result) = outcome::watch(&mut page::tests()?)?;
            total += outcome;
            result
        });
    }
    let result = stages.finish();
    if !options.wants(Tier::Kernel) {
        println!("\n{}", kernel_tier_not_run(&built));
    }
    // Nothing was built: there are no sums, and "0 failed" would mislead.
    if !built.is_empty() {
        println!("\n{total}");
    }
    result
}

/// Runs the programs of one tier, one after the other: each uses all CPUs.
fn run_tier(
    tier: Tier,
    built: &[Executable],
    node: Option<&Node>,
    arguments: &[String],
    total: &mut Outcome,
) -> anyhow::Result<()> {
    let mut programs = built
        .iter()
        .filter(|executable| executable.tier == tier)
        .peekable();
    programs
        .peek()
        .with_context(|| format!("there is no {tier} test"))?;
    let mut failed = Vec::new();
    for program in programs {
        println!("\n{}", program.name);
        let mut command = program.command(arguments);
        if let Some(node) = node {
            // With it the tests of the page drive a browser.
            command.env("PATH", node.path());
        }
        let (outcome, result) = outcome::watch(&mut command)?;
        *total += outcome;
        if let Err(error) = result {
            println!("{error:#}");
            failed.push(program.name.as_str());
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("{}", failed.join(", "))
    }
}

fn kernel_tier_not_run(built: &[Executable]) -> String {
    let mut text = String::from(
        "The kernel tier was NOT run: it needs root. Run it with `cargo xtask test --kernel` as root",
    );
    if let Some(program) = built
        .iter()
        .find(|executable| executable.tier == Tier::Kernel)
    {
        let command: Command = program.command(&[]);
        let arguments: Vec<_> = command
            .get_args()
            .map(|argument| argument.to_string_lossy())
            .collect();
        text += &format!(
            ", or what is built with\n  sudo {} {}",
            program.path.display(),
            arguments.join(" ")
        );
    }
    text
}
