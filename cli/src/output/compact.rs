//! `-o compact`: one line per flow, the ends in the order of the connection.

use std::io;

use proto::flow::{Flow, LostEvent};
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::GetFlowsResponse;

use super::node_status;
use super::row::{Layout, Style};

pub(super) struct Compact {
    pub(super) style: Style,
}

impl Layout for Compact {
    fn flow(
        &mut self,
        out: &mut dyn io::Write,
        response: &GetFlowsResponse,
        flow: &Flow,
    ) -> io::Result<()> {
        let row = self.style.row(response, flow);
        let node = row
            .node
            .map(|node| format!(" [{node}]"))
            .unwrap_or_default();
        let (arrow, left, right) = match row.is_reply {
            None => ("<>", row.source, row.destination),
            Some(false) => ("->", row.source, row.destination),
            Some(true) => ("<-", row.destination, row.source),
        };
        writeln!(
            out,
            "{}{node}: {} {} {arrow} {} {} {} {} ({})",
            row.time,
            left.host,
            left.identity,
            right.host,
            right.identity,
            row.kind,
            row.verdict,
            row.summary
        )
    }

    fn lost(
        &mut self,
        out: &mut dyn io::Write,
        response: &GetFlowsResponse,
        lost: &LostEvent,
    ) -> io::Result<()> {
        let row = self.style.lost_row(response, lost);
        let node = if self.style.node_names {
            format!(" [{}]", row.node)
        } else {
            String::new()
        };
        writeln!(
            out,
            "{}{node} EVENTS LOST: {} CPU({}) {}{}",
            row.time, row.source, row.cpu, row.count, row.span
        )
    }

    fn node_status(
        &mut self,
        err: &mut dyn io::Write,
        response: &GetFlowsResponse,
        status: &NodeStatusEvent,
    ) -> io::Result<()> {
        node_status::line(err, &self.style, response, status)
    }
}
