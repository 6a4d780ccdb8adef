//! The `tycho` command: parses the command line and hands over to one module per command.

mod certs;
mod clock;
mod connection;
mod contract_json;
#[cfg(all(feature = "observer", feature = "relay"))]
mod demo;
mod endpoints;
mod explain;
mod filters;
mod identities;
mod list;
mod observe;
#[cfg(feature = "observer")]
mod observer;
mod output;
mod policies;
mod registry;
#[cfg(feature = "relay")]
mod relay;
#[cfg(any(feature = "observer", feature = "relay"))]
mod serving;
mod status;
mod text_file;
mod tls_flags;
mod version;
mod watch;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// Servers take and give back a buffer for every chunk they send: the C library's allocator returns it to the kernel and
/// gets it back page by page.
#[cfg(any(feature = "observer", feature = "relay"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// See who talks to whom on the network by identity, what was dropped, and which rule decided
#[derive(Debug, Parser)]
#[command(name = "tycho", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show flows of a Tycho or Hubble server, or what its agents did
    Observe(Box<observe::ObserveArgs>),
    /// Show what a server says of itself, and where its flows went
    Status(status::StatusArgs),
    /// List the nodes of a relay, and namespaces
    List {
        #[command(subcommand)]
        command: list::ListCommand,
    },
    /// Watch what a server tells of changes
    Watch {
        #[command(subcommand)]
        command: watch::WatchCommand,
    },
    /// Show, add and remove endpoints: what is enforced on which interface
    Endpoint {
        #[command(subcommand)]
        command: endpoints::EndpointCommand,
    },
    /// Show security identities and the labels they stand for, now and before
    Identity {
        #[command(subcommand)]
        command: identities::IdentityCommand,
    },
    /// Check, show and change policies, and ask what they decide
    Policy {
        #[command(subcommand)]
        command: policies::PolicyCommand,
    },
    /// Show and change what all nodes of a cluster share: nodes, endpoints, identities, policies, services
    Registry(Box<registry::RegistryArgs>),
    /// Say why a flow got its verdict: which rule decided, and what came close
    Explain(explain::ExplainArgs),
    /// Run the agent of this node: enforce its policies, tell its flows
    #[cfg(feature = "observer")]
    Observer(Box<observer::ObserverArgs>),
    /// Merge the flows of all nodes into one stream in the order of time
    #[cfg(feature = "relay")]
    Relay(Box<relay::RelayArgs>),
    /// Show it at work: three nodes of network namespaces, with policies, traffic, a relay and its flows (needs root)
    #[cfg(all(feature = "observer", feature = "relay"))]
    Demo(demo::DemoArgs),
    /// Make a CA and certificates for nodes, relays and clients, for TLS between them
    Certs(certs::CertsArgs),
    /// Show the version
    Version,
}

/// What the shell gets for arguments that are wrong, where 2 is an answer.
const WRONG_ARGUMENTS: u8 = 1;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && is_policy_verdict() => {
            error.print().ok();
            return ExitCode::from(WRONG_ARGUMENTS);
        }
        Err(error) => error.exit(),
    };
    match run(cli.command) {
        Ok(code) => code,
        // Whoever read the output wants no more of it.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // With standard error gone there is nobody left to tell.
            writeln!(io::stderr(), "error: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

/// `tycho policy verdict` says by 2 that something is dropped. A script must not take a typing error for that.
fn is_policy_verdict() -> bool {
    let mut words = std::env::args_os().skip(1);
    words.next().is_some_and(|word| word == "policy")
        && words.next().is_some_and(|word| word == "verdict")
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Observe(args) => client()?.block_on(observe::run(*args))?,
        Command::Status(args) => client()?.block_on(status::run(args))?,
        Command::List { command } => client()?.block_on(list::run(command))?,
        Command::Watch { command } => client()?.block_on(watch::run(command))?,
        Command::Endpoint { command } => client()?.block_on(endpoints::run(command))?,
        Command::Identity { command } => client()?.block_on(identities::run(command))?,
        Command::Policy { command } => return Ok(client()?.block_on(policies::run(command))?),
        Command::Registry(args) => client()?.block_on(registry::run(*args))?,
        Command::Explain(args) => client()?.block_on(explain::run(args))?,
        #[cfg(feature = "observer")]
        Command::Observer(args) => observer::run(*args)?,
        #[cfg(feature = "relay")]
        Command::Relay(args) => relay::run(*args)?,
        #[cfg(all(feature = "observer", feature = "relay"))]
        Command::Demo(args) => demo::run(&args)?,
        Command::Certs(args) => certs::run(&args, &mut io::stdout())?,
        Command::Version => writeln!(io::stdout(), "{}", version::line())?,
    }
    Ok(ExitCode::SUCCESS)
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
