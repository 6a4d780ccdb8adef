//! `-o dict`: one line per column, flows apart by a rule.

use std::io;

use proto::flow::{Flow, LostEvent};
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::GetFlowsResponse;

use super::node_status;
use super::row::{Layout, Style};

const RULE: &str = "------------";

pub(super) struct Dict {
    pub(super) style: Style,
    /// Whether nothing was printed yet.
    pub(super) first: bool,
}

impl Dict {
    fn rule(&mut self, out: &mut dyn io::Write) -> io::Result<()> {
        if std::mem::take(&mut self.first) {
            return Ok(());
        }
        writeln!(out, "{RULE}")
    }
}

impl Layout for Dict {
    fn flow(
        &mut self,
        out: &mut dyn io::Write,
        response: &GetFlowsResponse,
        flow: &Flow,
    ) -> io::Result<()> {
        self.rule(out)?;
        let row = self.style.row(response, flow);
        writeln!(out, "  TIMESTAMP: {}", row.time)?;
        if let Some(node) = row.node {
            writeln!(out, "       NODE: {node}")?;
        }
        writeln!(out, "     SOURCE: {}", row.source.host)?;
        writeln!(out, "DESTINATION: {}", row.destination.host)?;
        writeln!(out, "       TYPE: {}", row.kind)?;
        writeln!(out, "    VERDICT: {}", row.verdict)?;
        writeln!(out, "    SUMMARY: {}", row.summary)
    }

    fn lost(
        &mut self,
        out: &mut dyn io::Write,
        response: &GetFlowsResponse,
        lost: &LostEvent,
    ) -> io::Result<()> {
        self.rule(out)?;
        let row = self.style.lost_row(response, lost);
        writeln!(out, "  TIMESTAMP: {}", row.time)?;
        writeln!(out, "       NODE: {}", row.node)?;
        writeln!(out, "     SOURCE: {}", row.source)?;
        writeln!(out, "       TYPE: EVENTS LOST")?;
        writeln!(out, "    VERDICT: -")?;
        writeln!(
            out,
            "    SUMMARY: CPU({}) - {}{}",
            row.cpu, row.count, row.span
        )
    }

    fn node_status(
        &mut self,
        err: &mut dyn io::Write,
        response: &GetFlowsResponse,
        status: &NodeStatusEvent,
    ) -> io::Result<()> {
        self.rule(err)?;
        node_status::paragraph(err, &self.style, response, status)
    }
}
