//! `-o table`: columns as wide as their widest cell, so nothing is printed before the end.

use std::io;

use proto::flow::{Flow, LostEvent};
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::GetFlowsResponse;

use super::node_status;
use super::row::{Layout, Style};

/// Spaces between a column's widest cell and the next column.
const GAP: usize = 3;

pub(super) struct Table {
    pub(super) style: Style,
    pub(super) rows: Vec<Vec<String>>,
}

impl Layout for Table {
    fn flow(
        &mut self,
        _out: &mut dyn io::Write,
        response: &GetFlowsResponse,
        flow: &Flow,
    ) -> io::Result<()> {
        let row = self.style.row(response, flow);
        let mut cells = vec![row.time];
        cells.extend(row.node);
        cells.extend([
            row.source.host,
            row.destination.host,
            row.kind,
            row.verdict,
            row.summary,
        ]);
        self.rows.push(cells);
        Ok(())
    }

    fn lost(
        &mut self,
        _out: &mut dyn io::Write,
        response: &GetFlowsResponse,
        lost: &LostEvent,
    ) -> io::Result<()> {
        let row = self.style.lost_row(response, lost);
        let mut cells = vec![row.time];
        cells.extend(self.style.node_names.then_some(row.node));
        cells.extend([
            row.source.to_owned(),
            String::new(),
            "EVENTS LOST".to_owned(),
            "-".to_owned(),
            format!("CPU({}) - {}{}", row.cpu, row.count, row.span),
        ]);
        self.rows.push(cells);
        Ok(())
    }

    fn node_status(
        &mut self,
        err: &mut dyn io::Write,
        response: &GetFlowsResponse,
        status: &NodeStatusEvent,
    ) -> io::Result<()> {
        node_status::line(err, &self.style, response, status)
    }

    fn finish(&mut self, out: &mut dyn io::Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut header = vec!["TIMESTAMP"];
        header.extend(self.style.node_names.then_some("NODE"));
        header.extend(["SOURCE", "DESTINATION", "TYPE", "VERDICT", "SUMMARY"]);
        let header = header.into_iter().map(str::to_owned).collect();
        write(
            out,
            &[vec![header], std::mem::take(&mut self.rows)].concat(),
        )
    }
}

/// Writes lines of cells in aligned columns; the last column is not padded.
pub(crate) fn write(out: &mut dyn io::Write, lines: &[Vec<String>]) -> io::Result<()> {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            lines
                .iter()
                .filter_map(|cells| cells.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    for cells in lines {
        for (cell, width) in cells.iter().zip(&widths).take(cells.len() - 1) {
            let padding = width + GAP - cell.chars().count();
            write!(out, "{cell}{:padding$}", "")?;
        }
        writeln!(out, "{}", cells.last().map_or("", String::as_str))?;
    }
    Ok(())
}
