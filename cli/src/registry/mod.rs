//! `tycho registry`: what all nodes of a cluster share, read and changed without a server.

pub(crate) mod etcd_flags;
mod json;
mod place;
mod policy;
mod service;
mod summary;
mod table;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;

use registry::cluster::{RegistryError, ServiceFileError};

use crate::output::escape::visible;
use crate::output::form::Form;
use place::{PlaceError, PlaceFlags};

/// Options of `tycho registry`.
#[derive(Debug, clap::Args)]
pub(crate) struct RegistryArgs {
    /// Form of the output
    #[arg(
        short,
        long,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        global = true
    )]
    output: Form,
    #[command(flatten)]
    place: PlaceFlags,
    #[command(subcommand)]
    command: Option<RegistryCommand>,
}

/// The subcommands. Without one, the summary.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RegistryCommand {
    /// Say what registry it is and how much is in it; this is also what no subcommand does
    Summary,
    /// Show everything
    All,
    /// List the nodes: when they were last seen, and where they can be reached
    Nodes,
    /// List the endpoints of all nodes
    Endpoints,
    /// List the identities, their labels, and the nodes that use them
    Identities,
    /// List the policies that hold on all nodes, and where they were put from
    Policies,
    /// List the services
    Services,
    /// Put, show or delete a policy that holds on all nodes
    Policy {
        #[command(subcommand)]
        command: policy::PolicyCommand,
    },
    /// Put or delete a service
    Service {
        #[command(subcommand)]
        command: service::ServiceCommand,
    },
}

/// One kind of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Nodes,
    Endpoints,
    Identities,
    Policies,
    Services,
}

/// What of it is shown.
struct Shown {
    summary: bool,
    sections: &'static [Section],
}

/// Why a subcommand failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryCommandError {
    /// The registry is not where it was said to be.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// It does not do what it was asked.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no policies.
    #[error("nothing was put:\n{}", .0.join("\n"))]
    NoPolicies(Vec<String>),
    /// A file holds no services.
    #[error("nothing was put")]
    NoServices(#[from] ServiceFileError),
    /// What is to be put or deleted has no usable name.
    #[error("{0}")]
    Name(String),
    /// There is no such entry.
    #[error(
        "there is no {kind} {name:?} in {place}; `tycho registry {list}` shows those there are"
    )]
    Unknown {
        /// Policy or service.
        kind: &'static str,
        /// As given.
        name: String,
        /// The registry.
        place: String,
        /// The command that lists them.
        list: &'static str,
    },
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

/// Runs a subcommand.
pub(crate) async fn run(args: RegistryArgs) -> Result<(), RegistryCommandError> {
    use Section::{Endpoints, Identities, Nodes, Policies, Services};
    let (summary, sections): (bool, &'static [Section]) = match args.command {
        None | Some(RegistryCommand::Summary) => (true, &[]),
        Some(RegistryCommand::All) => (true, &[Nodes, Endpoints, Identities, Policies, Services]),
        Some(RegistryCommand::Nodes) => (false, &[Nodes]),
        Some(RegistryCommand::Endpoints) => (false, &[Endpoints]),
        Some(RegistryCommand::Identities) => (false, &[Identities]),
        Some(RegistryCommand::Policies) => (false, &[Policies]),
        Some(RegistryCommand::Services) => (false, &[Services]),
        Some(RegistryCommand::Policy { command }) => {
            return policy::run(command, args.place, args.output).await;
        }
        Some(RegistryCommand::Service { command }) => {
            return service::run(command, args.place, args.output).await;
        }
    };
    let shown = Shown { summary, sections };
    let place = args.place.open(false).await?;
    let content = place.content();
    let lives = match sections.contains(&Nodes) {
        true => place.registry.lives().await?,
        false => BTreeMap::new(),
    };
    print(|out| match args.output {
        Form::Table => table::write(out, &content, &lives, &shown),
        Form::Json => json::write(out, &content, &lives, &shown),
    })
}

/// Says on standard output what was done.
fn tell(form: Form, done: &str, report: &serde_json::Value) -> Result<(), RegistryCommandError> {
    print(|out| match form {
        Form::Table => writeln!(out, "{}", visible(done)),
        Form::Json => writeln!(out, "{report}"),
    })
}

fn print(
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Result<(), RegistryCommandError> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&mut out)?;
    out.flush()?;
    Ok(())
}
