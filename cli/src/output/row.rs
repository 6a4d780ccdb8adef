//! The parts of a flow that the text formats arrange: each already escaped and painted.

use std::io;

use prost_types::Timestamp;
use proto::flow::{Flow, LostEvent, LostEventSource};
use proto::tycho::v1::GetFlowsResponse;

use super::both_ends::BothEnds;
use super::color::Palette;
use super::ends::{self, End, EndStyle};
use super::escape::escape;
use super::{flow_type, summary, verdict};
use crate::clock::format::TimeFormat;

/// How text formats write what they share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) time_format: TimeFormat,
    pub(super) node_names: bool,
    pub(super) policy_names: bool,
    /// Names rather than addresses.
    pub(super) translate: bool,
    pub(super) palette: Palette,
}

/// One flow in columns.
pub(super) struct Row {
    pub(super) time: String,
    /// Only if node names are asked for.
    pub(super) node: Option<String>,
    pub(super) source: End,
    pub(super) destination: End,
    pub(super) is_reply: Option<bool>,
    pub(super) kind: String,
    pub(super) verdict: String,
    pub(super) summary: String,
}

/// A loss of flows in columns.
pub(super) struct LostRow {
    pub(super) time: String,
    pub(super) node: String,
    pub(super) source: &'static str,
    pub(super) cpu: i32,
    pub(super) count: u64,
    /// ` (first: …, last: …)`, or nothing.
    pub(super) span: String,
}

impl Style {
    /// The columns of a flow; of one that has the other end's in it, the columns of both.
    pub(super) fn row(&self, response: &GetFlowsResponse, flow: &Flow) -> Row {
        let both = BothEnds::of(response, flow);
        let (source, destination) = ends::of(
            flow,
            EndStyle {
                translate: self.translate,
                palette: self.palette,
            },
        );
        let (mut verdict, paint) = verdict::text(flow, self.policy_names);
        let mut kind = flow_type::text(flow);
        let mut node = flow.node_name.clone();
        let mut is_reply = flow.is_reply;
        if let Some(both) = both {
            verdict = both.verdict(self.policy_names);
            kind = both.kind();
            node = both.nodes();
            is_reply = both.is_reply();
        }
        let verdict = escape(&verdict);
        Row {
            time: self.time(flow.time.as_ref()),
            node: self.node_names.then(|| escape(&node).into_owned()),
            source,
            destination,
            is_reply,
            kind: escape(&kind).into_owned(),
            verdict: match paint {
                Some(paint) => self.palette.paint(paint, &verdict),
                None => verdict.into_owned(),
            },
            summary: summary::text(flow, self.palette),
        }
    }

    /// The columns of a loss.
    pub(super) fn lost_row(&self, response: &GetFlowsResponse, lost: &LostEvent) -> LostRow {
        let span = match (&lost.first, &lost.last) {
            (Some(first), Some(last)) => format!(
                " (first: {}, last: {})",
                self.time(Some(first)),
                self.time(Some(last))
            ),
            _ => String::new(),
        };
        LostRow {
            time: self.time(response.time.as_ref()),
            node: escape(&response.node_name).into_owned(),
            source: LostEventSource::try_from(lost.source)
                .unwrap_or_default()
                .as_str_name(),
            cpu: lost.cpu.unwrap_or_default(),
            count: lost.num_events_lost,
            span,
        }
    }

    /// A point in time.
    pub(super) fn time(&self, time: Option<&Timestamp>) -> String {
        self.time_format.write(time)
    }
}

/// One output format: turns messages into bytes.
pub(super) trait Layout {
    /// Writes a flow.
    fn flow(
        &mut self,
        out: &mut dyn io::Write,
        response: &GetFlowsResponse,
        flow: &Flow,
    ) -> io::Result<()>;

    /// Writes a loss of flows.
    fn lost(
        &mut self,
        out: &mut dyn io::Write,
        response: &GetFlowsResponse,
        lost: &LostEvent,
    ) -> io::Result<()>;

    /// Writes what a relay says of its nodes, to standard error.
    fn node_status(
        &mut self,
        err: &mut dyn io::Write,
        response: &GetFlowsResponse,
        status: &proto::relay::NodeStatusEvent,
    ) -> io::Result<()>;

    /// Writes what was held back until the end.
    fn finish(&mut self, out: &mut dyn io::Write) -> io::Result<()> {
        let _ = out;
        Ok(())
    }
}
