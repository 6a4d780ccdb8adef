//! Prints responses: one module per format, and one per part that formats share.

pub(crate) mod agent_events;
mod both_ends;
pub(crate) mod color;
pub(crate) mod columns;
mod compact;
mod dict;
mod drop_reason;
pub(crate) mod ends;
pub(crate) mod escape;
pub(crate) mod facts;
pub(crate) mod flow_type;
pub(crate) mod form;
pub(crate) mod identity;
mod json;
mod node_status;
pub(crate) mod number;
mod row;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod verdict;

use std::io;

use proto::observer::get_flows_response::ResponseTypes as Observed;
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::GetFlowsResponse;
use proto::tycho::v1::get_flows_response::ResponseTypes;

use crate::clock::format::TimeFormat;
use color::{Palette, When};
use node_status::Troubles;
use row::{Layout, Style};

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// One line per flow
    #[default]
    Compact,
    /// One line per column of a flow
    Dict,
    /// One JSON object per line: the whole response
    #[value(alias = "JSON")]
    Json,
    /// The same as json
    Jsonpb,
    /// Aligned columns, printed at the end
    #[value(alias = "tab")]
    Table,
}

impl Format {
    /// Whether each line is JSON.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonpb)
    }
}

/// How to print.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) format: Format,
    pub(crate) time_format: TimeFormat,
    /// Say on which node a flow was seen.
    pub(crate) node_names: bool,
    /// Say which policies decided.
    pub(crate) policy_names: bool,
    /// Addresses rather than names.
    pub(crate) numeric: bool,
    pub(crate) color: When,
    /// Say nothing of nodes in trouble.
    pub(crate) silent_errors: bool,
}

/// Prints responses as they come.
pub(crate) struct Printer<O, E> {
    layout: Box<dyn Layout + Send>,
    silent_errors: bool,
    troubles: Troubles,
    stdout: O,
    stderr: E,
}

impl<O: io::Write, E: io::Write> Printer<O, E> {
    /// A printer on these two streams; it flushes standard output only when told to.
    pub(crate) fn new(options: &Options, stdout: O, stderr: E) -> Self {
        let palette = match options.format {
            Format::Table => Palette::PLAIN,
            _ => Palette::new(options.color),
        };
        let style = Style {
            time_format: options.time_format,
            node_names: options.node_names,
            policy_names: options.policy_names,
            translate: !options.numeric,
            palette,
        };
        let layout: Box<dyn Layout + Send> = match options.format {
            Format::Compact => Box::new(compact::Compact { style }),
            Format::Dict => Box::new(dict::Dict { style, first: true }),
            Format::Table => Box::new(table::Table {
                style,
                rows: Vec::new(),
            }),
            Format::Json | Format::Jsonpb => Box::new(json::Json),
        };
        Self {
            layout,
            silent_errors: options.silent_errors,
            troubles: Troubles::default(),
            stdout,
            stderr,
        }
    }

    /// Prints one response.
    pub(crate) fn print(&mut self, response: &GetFlowsResponse) -> io::Result<()> {
        match &response.response_types {
            Some(ResponseTypes::Flow(flow)) => self.layout.flow(&mut self.stdout, response, flow),
            Some(ResponseTypes::LostEvents(lost)) => {
                self.layout.lost(&mut self.stdout, response, lost)
            }
            Some(ResponseTypes::NodeStatus(status)) => self.node_status(response, status),
            None => Ok(()),
        }
    }

    fn node_status(
        &mut self,
        response: &GetFlowsResponse,
        status: &NodeStatusEvent,
    ) -> io::Result<()> {
        let news = self.troubles.news(status);
        let Some(news) = news.filter(|_| !self.silent_errors) else {
            return Ok(());
        };
        let response = GetFlowsResponse {
            response_types: Some(ResponseTypes::NodeStatus(news.clone())),
            ..response.clone()
        };
        self.layout.node_status(&mut self.stderr, &response, &news)
    }

    /// Shows what was printed so far.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }

    /// Prints what was held back, and flushes.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.layout.finish(&mut self.stdout)?;
        self.stdout.flush()
    }
}

/// Hubble's response in the form that has room for Tycho's details, of which it has none.
pub(crate) fn without_details(response: proto::observer::GetFlowsResponse) -> GetFlowsResponse {
    GetFlowsResponse {
        response_types: response.response_types.map(|kind| match kind {
            Observed::Flow(flow) => ResponseTypes::Flow(flow),
            Observed::NodeStatus(status) => ResponseTypes::NodeStatus(status),
            Observed::LostEvents(lost) => ResponseTypes::LostEvents(lost),
        }),
        node_name: response.node_name,
        time: response.time,
        tycho: None,
    }
}
