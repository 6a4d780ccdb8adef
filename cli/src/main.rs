//! The `tycho` command: parses the command line and hands over to one module per command.

mod clock;
mod connection;
#[cfg(feature = "observer")]
mod demo;
mod filters;
mod observe;
#[cfg(feature = "observer")]
mod observer;
mod output;
mod status;
mod version;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// See who talks to whom on the network by identity, what was dropped, and which rule decided
#[derive(Debug, Parser)]
#[command(name = "tycho", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show flows of a Tycho or Hubble server
    Observe(Box<observe::ObserveArgs>),
    /// Show what a server says of itself, and where its flows went
    Status(status::StatusArgs),
    /// Run the agent of this node: enforce its policies, tell its flows
    #[cfg(feature = "observer")]
    Observer(Box<observer::ObserverArgs>),
    /// Show it at work: a node of network namespaces, with policies, traffic and its flows (needs root)
    #[cfg(feature = "observer")]
    Demo(demo::DemoArgs),
    /// Show the version
    Version,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output wants no more of it.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // With standard error gone there is nobody left to tell.
            writeln!(io::stderr(), "error: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Observe(args) => client()?.block_on(observe::run(*args))?,
        Command::Status(args) => client()?.block_on(status::run(args))?,
        #[cfg(feature = "observer")]
        Command::Observer(args) => observer::run(*args)?,
        #[cfg(feature = "observer")]
        Command::Demo(args) => demo::run(&args)?,
        Command::Version => writeln!(io::stdout(), "{}", version::line())?,
    }
    Ok(())
}

/// What client commands run on: one thread is enough for one stream.
fn client() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
