//! `tycho observe agent-events`: what observers did, from a server or a file of JSON lines.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures_util::FutureExt as _;
use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetAgentEventsRequest, GetAgentEventsResponse};
use tonic::Code;

use super::input_file::{InputError, Window, open, unreadable};
use super::selectors::Selectors;
use super::{Formatting, ObserveError, StreamError, standard_output};
use crate::connection::{Connection, MAX_MESSAGE_BYTES, ServerFlags};
use crate::contract_json::{Unknown, read_all};
use crate::output::Format;
use crate::output::agent_events::AgentEventPrinter;

/// The flags of `tycho observe agent-events`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AgentEventArgs {
    #[command(flatten)]
    selectors: Selectors,
    #[command(flatten)]
    formatting: Formatting,
    #[command(flatten)]
    server: ServerFlags,
    /// Read responses from a file of JSON lines (`-`: standard input) and ask no server
    #[arg(long, value_name = "FILE", help_heading = "Other")]
    input_file: Option<PathBuf>,
    #[command(flatten)]
    ignored: Ignored,
}

/// Flags that Hubble's CLI takes here, too, although they mean something for flows only.
#[derive(Debug, Clone, clap::Args)]
struct Ignored {
    #[arg(long, hide = true)]
    print_policy_names: bool,
    #[arg(long, hide = true, value_delimiter = ',')]
    field_mask: Vec<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    use_default_field_masks: Option<bool>,
    #[arg(long, hide = true)]
    print_raw_filters: bool,
    #[arg(short, long, hide = true)]
    silent_errors: bool,
}

pub(super) async fn run(args: AgentEventArgs) -> Result<(), ObserveError> {
    if args.formatting.output == Format::Table && args.selectors.follow {
        return Err(ObserveError::TableFollow);
    }
    let selection = args
        .selectors
        .selection(args.input_file.is_some(), SystemTime::now())?;
    let request = GetAgentEventsRequest {
        number: selection.number,
        first: selection.first,
        follow: selection.follow,
        since: selection.since,
        until: selection.until,
    };
    let mut printer = AgentEventPrinter::new(
        args.formatting.output,
        args.formatting.time_format,
        args.formatting.print_node_name,
        standard_output(),
    );
    match &args.input_file {
        Some(path) => Ok(print_file(path, &request, &mut printer)?),
        None => {
            let connection = args.server.connect().await?;
            print_stream(&connection, request, &mut printer).await
        }
    }
}

/// Prints events until the stream ends or the user interrupts.
async fn print_stream<O: io::Write>(
    connection: &Connection,
    request: GetAgentEventsRequest,
    printer: &mut AgentEventPrinter<O>,
) -> Result<(), ObserveError> {
    let interrupt = tokio::signal::ctrl_c();
    tokio::pin!(interrupt);
    let mut client = ObserverClient::new(connection.channel.clone())
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let opened = tokio::select! {
        opened = client.get_agent_events(request) => opened,
        _ = &mut interrupt => return Ok(()),
    };
    let mut events = match opened {
        Ok(stream) => stream.into_inner(),
        Err(status) => return Err(refused(connection, status)),
    };
    let ended = loop {
        let next = match events.message().now_or_never() {
            Some(next) => next,
            None => {
                printer.flush()?;
                tokio::select! {
                    next = events.message() => next,
                    _ = &mut interrupt => break Ok(()),
                }
            }
        };
        match next {
            Ok(Some(response)) => printer.print(&response)?,
            Ok(None) => break Ok(()),
            Err(status) if status.code() == Code::Cancelled => break Ok(()),
            Err(status) => break Err(refused(connection, status)),
        }
    };
    // What came before an error is shown, too.
    printer.finish()?;
    ended
}

fn refused(connection: &Connection, status: tonic::Status) -> ObserveError {
    let code = status.code();
    let refusal = connection.call_error(status);
    match code {
        Code::Unimplemented => ObserveError::NoAgentEvents { refusal },
        _ => StreamError::Call(refusal).into(),
    }
}

fn print_file<O: io::Write>(
    path: &Path,
    request: &GetAgentEventsRequest,
    printer: &mut AgentEventPrinter<O>,
) -> Result<(), InputError> {
    if request.follow {
        return Err(InputError::Follow);
    }
    let mut window = Window::of_agent_events(request);
    for (index, line) in open(path)?.lines().enumerate() {
        let line = line.map_err(unreadable(path))?;
        let name = "observer.GetAgentEventsResponse";
        let responses: Vec<GetAgentEventsResponse> =
            read_all(name, &line, Unknown::Skip).map_err(|source| InputError::AgentEvent {
                path: path.to_owned(),
                line: index + 1,
                source,
            })?;
        for response in responses {
            let time = response.time;
            if let Some(response) = window.pass(response, time.as_ref()) {
                printer.print(&response).map_err(InputError::Output)?;
            }
        }
        if window.is_full() {
            break;
        }
    }
    for response in window.held() {
        printer.print(&response).map_err(InputError::Output)?;
    }
    printer.finish().map_err(InputError::Output)
}
