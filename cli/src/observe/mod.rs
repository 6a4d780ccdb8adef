//! `tycho observe`: asks a server (or a file) for flows and prints them.

mod field_mask;
mod input_file;
mod raw_filters;
mod refused;
mod request;
mod selectors;
mod stream;

use std::io;
use std::path::PathBuf;

use proto::observer::GetFlowsRequest;

use crate::clock::format::TimeFormat;
use crate::connection::{CallError, ConnectError, Connection, ServerFlags};
use crate::filters::{FilterError, FilterFlags};
use crate::output::color::When;
use crate::output::{Format, Options, Printer};
use field_mask::MaskError;
use input_file::InputError;
use raw_filters::RawFilterError;
use selectors::{SelectorError, Selectors};
use stream::StreamError;

/// The flags of `tycho observe`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ObserveArgs {
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
}

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Formatting")]
struct Formatting {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
    /// Say on which node a flow was seen
    #[arg(long)]
    print_node_name: bool,
    /// Say which policies decided
    #[arg(long)]
    print_policy_names: bool,
    /// How text output writes times
    #[arg(
        long,
        value_enum,
        default_value_t,
        ignore_case = true,
        value_name = "FORM"
    )]
    time_format: TimeFormat,
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
        policy_names: args.formatting.print_policy_names,
        numeric: args.formatting.numeric || !args.formatting.ip_translation,
        color: args.formatting.color,
        silent_errors: args.silent_errors,
    };
    if let Some(path) = &args.input_file {
        let mut printer = Printer::new(&options, standard_output(), io::stderr());
        return Ok(input_file::print(path, &request, &mut printer)?);
    }
    let connection = args.server.connect().await?;
    show(&connection, request, &options)
        .await
        .map_err(|error| refused::with_flags(error, &args))
}

/// Prints what a server answers to the request, until the stream ends or the user interrupts.
pub(crate) async fn show(
    connection: &Connection,
    request: GetFlowsRequest,
    options: &Options,
) -> Result<(), ObserveError> {
    let mut printer = Printer::new(options, standard_output(), io::stderr());
    let details = options.format.is_json();
    Ok(stream::print(connection, request, details, &mut printer).await?)
}

fn standard_output() -> impl io::Write {
    io::BufWriter::with_capacity(64 << 10, io::stdout().lock())
}
