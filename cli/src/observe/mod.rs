//! `tycho observe`: asks a server (or a file) for flows, or for agent events, and prints them.

mod agent_events;
mod dedup;
mod field_mask;
mod input_file;
mod raw_filters;
mod refused;
mod request;
mod selectors;
mod stream;

use std::io;
use std::path::PathBuf;

use crate::clock::format::TimeFormat;
use crate::connection::{CallError, ConnectError, ServerFlags};
use crate::filters::{FilterError, FilterFlags};
use crate::output::color::When;
use crate::output::{Format, Options, Printer};
use dedup::Lines;
use field_mask::MaskError;
use input_file::InputError;
use raw_filters::RawFilterError;
use selectors::{SelectorError, Selectors};
use stream::StreamError;

/// What `tycho observe` shows.
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ObserveArgs {
    #[command(subcommand)]
    command: Option<ObserveCommand>,
    #[command(flatten)]
    flows: FlowArgs,
}

/// The subcommands; without one it is flows.
#[derive(Debug, Clone, clap::Subcommand)]
enum ObserveCommand {
    /// Show flows, as without a subcommand
    Flows(Box<FlowArgs>),
    /// Show what observers did: started, endpoints and policies and addresses that changed
    AgentEvents(Box<agent_events::AgentEventArgs>),
}

/// The flags of `tycho observe` and `tycho observe flows`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FlowArgs {
    #[command(flatten)]
    selectors: Selectors,
    #[command(flatten)]
    filters: FilterFlags,
    /// Show also what this filter matches, a FlowFilter in JSON
    #[arg(long, value_name = "JSON", help_heading = "Filters")]
    allowlist: Vec<String>,
    /// Leave out what this filter matches, a FlowFilter in JSON
    #[arg(long, value_name = "JSON", help_heading = "Filters")]
    denylist: Vec<String>,
    #[command(flatten)]
    formatting: Formatting,
    #[command(flatten)]
    flow_formatting: FlowFormatting,
    #[command(flatten)]
    server: ServerFlags,
    /// Print only these fields of a flow, such as `source.labels,verdict` (with JSON only)
    #[arg(
        long,
        value_name = "PATHS",
        value_delimiter = ',',
        help_heading = "Other"
    )]
    field_mask: Vec<String>,
    /// Ask only for the fields that text output prints
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        action = clap::ArgAction::Set,
        help_heading = "Other"
    )]
    use_default_field_masks: bool,
    /// Read responses from a file of JSON lines (`-`: standard input) and ask no server
    #[arg(long, value_name = "FILE", help_heading = "Other")]
    input_file: Option<PathBuf>,
    /// Print the filters that the flags make, and do nothing else
    #[arg(long, help_heading = "Other")]
    print_raw_filters: bool,
    /// Say nothing of nodes in trouble
    #[arg(short, long, help_heading = "Other")]
    silent_errors: bool,
    /// Print the verdicts of both ends of a connection as one line that says which end decided. Drops
    /// and verdicts that differ stay visible; `--last` counts flows as the server has them. With -o json
    /// the other end's flow is in `tycho.other_end`
    #[arg(long, help_heading = "Other")]
    dedup: bool,
}

/// What flows and agent events have in common.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Formatting")]
struct Formatting {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
    /// Say on which node it was seen
    #[arg(long)]
    print_node_name: bool,
    /// How text output writes times
    #[arg(
        long,
        value_enum,
        default_value_t,
        ignore_case = true,
        value_name = "FORM"
    )]
    time_format: TimeFormat,
}

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Formatting")]
struct FlowFormatting {
    /// Say which policies decided
    #[arg(long)]
    print_policy_names: bool,
    /// When to colour text output
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    color: When,
    /// Print names of pods and services in place of addresses
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    ip_translation: bool,
    /// Print addresses rather than names
    #[arg(long)]
    numeric: bool,
}

/// Why `tycho observe` ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ObserveError {
    /// A filter flag is wrong.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// `--allowlist` or `--denylist` is wrong.
    #[error(transparent)]
    RawFilter(#[from] RawFilterError),
    /// A flag that says which flows is wrong.
    #[error(transparent)]
    Selector(#[from] SelectorError),
    /// `--field-mask` is wrong.
    #[error(transparent)]
    Mask(#[from] MaskError),
    /// A table is printed at the end, and following has none.
    #[error("table output format is not compatible with follow mode; use -o compact")]
    TableFollow,
    /// No server answered.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server ended the stream with an error.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The server has no agent events.
    #[error(
        "{refusal}\nagent events come from a Tycho observer or relay, or from the agent of a node with Hubble; name one with `--server ADDRESS`"
    )]
    NoAgentEvents {
        /// Its words.
        refusal: CallError,
    },
    /// The server refused a filter.
    #[error("{refusal}\n{next_step}")]
    Refused {
        /// Its words.
        refusal: CallError,
        /// Which flags are meant.
        next_step: String,
    },
    /// The file is wrong.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

/// Runs the command on the process's standard streams.
pub(crate) async fn run(args: ObserveArgs) -> Result<(), ObserveError> {
    match args.command {
        None => flows(args.flows).await,
        Some(ObserveCommand::Flows(args)) => flows(*args).await,
        Some(ObserveCommand::AgentEvents(args)) => agent_events::run(*args).await,
    }
}

async fn flows(args: FlowArgs) -> Result<(), ObserveError> {
    let format = args.formatting.output;
    if format == Format::Table && args.selectors.follow {
        return Err(ObserveError::TableFollow);
    }
    let request = request::build(&args)?;
    if args.print_raw_filters {
        return Ok(raw_filters::print(standard_output(), &request)?);
    }
    let options = Options {
        format,
        time_format: args.formatting.time_format,
        node_names: args.formatting.print_node_name,
        policy_names: args.flow_formatting.print_policy_names,
        numeric: args.flow_formatting.numeric || !args.flow_formatting.ip_translation,
        color: args.flow_formatting.color,
        silent_errors: args.silent_errors,
    };
    if let Some(path) = &args.input_file {
        let printer = Printer::new(&options, standard_output(), io::stderr());
        let mut lines = Lines::of_file(printer, args.dedup);
        return Ok(input_file::print(path, &request, &mut lines)?);
    }
    let connection = args.server.connect().await?;
    let printer = Printer::new(&options, standard_output(), io::stderr());
    let mut lines = Lines::new(printer, args.dedup);
    stream::print(&connection, request, format.is_json(), &mut lines)
        .await
        .map_err(|error| refused::with_flags(error.into(), &args))
}

fn standard_output() -> impl io::Write {
    io::BufWriter::with_capacity(64 << 10, io::stdout().lock())
}
