//! Developer commands: `cargo xtask setup | check | fuzz | test | soak | demo | bench`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's command talks to its terminal"
)]

mod bench;
mod check;
mod demo;
mod fuzz;
mod page;
#[path = "../../bpf-loader/build/probes.rs"]
mod probes;
mod repository;
mod setup;
mod soak;
mod stages;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer commands of Tycho. Each installs what it needs and says so.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what building and testing needs; changes nothing when it is all there
    Setup,
    /// Format, lints, architecture and documentation
    Check,
    /// Feed the parsers with what nobody writes, for a while; says what broke
    Fuzz(fuzz::Options),
    /// Run the tests: as root all of them, as another user those that need no kernel
    Test(test::Options),
    /// Let nodes, relays, clocks and the network fail again and again, as root; says what memory has become of it
    Soak(soak::Options),
    /// Build and start the demo; as root
    Demo(demo::Options),
    /// Measure, and compare with the targets
    Bench(bench::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Setup => {
            setup::build_tools()?;
            setup::network_tools()?;
            setup::registry_tools()?;
            setup::page_tools()?;
            setup::browser()?;
            println!("Everything is installed.");
            Ok(())
        }
        Command::Check => check::run(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Bench(options) => bench::run(&options),
    }
}
