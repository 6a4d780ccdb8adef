//! Aligned columns whose cells may have several lines, below each other. Everything is escaped on its way in.

use std::io;

use super::escape::visible;

/// Spaces between a column's widest line and the next column: these tables are wide already.
const GAP: usize = 2;

/// A table that grows row by row.
pub(crate) struct Columns {
    rows: Vec<Row>,
}

enum Row {
    Cells(Vec<Cell>),
    /// One line over all columns.
    Across(String),
}

/// The lines of one cell.
pub(crate) type Cell = Vec<String>;

/// A cell of one line.
pub(crate) fn line(text: impl AsRef<str>) -> Cell {
    vec![visible(text.as_ref()).into_owned()]
}

/// A cell with one line for each text.
pub(crate) fn lines<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Cell {
    texts.into_iter().flat_map(line).collect()
}

impl Columns {
    /// A table with these names above its columns.
    pub(crate) fn new(header: &[&str]) -> Self {
        Self {
            rows: vec![Row::Cells(header.iter().map(line).collect())],
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row::Cells(cells.into_iter().collect()));
    }

    /// Adds a line that belongs to the row above it and to no column.
    pub(crate) fn across(&mut self, text: impl AsRef<str>) {
        self.rows
            .push(Row::Across(visible(text.as_ref()).into_owned()));
    }

    /// Writes them all; no line ends with spaces.
    pub(crate) fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let widths = self.widths();
        for row in &self.rows {
            let row = match row {
                Row::Cells(cells) => cells,
                Row::Across(text) => {
                    writeln!(out, "{text}")?;
                    continue;
                }
            };
            let height = row.iter().map(Vec::len).max().unwrap_or_default();
            for index in 0..height {
                let mut text = String::new();
                for (cell, width) in row.iter().zip(&widths) {
                    let part = cell.get(index).map_or("", String::as_str);
                    let padding = width + GAP - part.chars().count();
                    text.push_str(part);
                    text.extend(std::iter::repeat_n(' ', padding));
                }
                writeln!(out, "{}", text.trim_end())?;
            }
        }
        Ok(())
    }

    fn widths(&self) -> Vec<usize> {
        let rows = || {
            self.rows.iter().filter_map(|row| match row {
                Row::Cells(cells) => Some(cells),
                Row::Across(_) => None,
            })
        };
        let columns = rows().map(Vec::len).max().unwrap_or_default();
        let mut widths = vec![0; columns];
        for row in rows() {
            for (width, cell) in widths.iter_mut().zip(row) {
                let widest = cell.iter().map(|text| text.chars().count()).max();
                *width = (*width).max(widest.unwrap_or_default());
            }
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::{Columns, line, lines};

    #[test]
    fn cells_of_several_lines_stand_below_each_other() {
        let mut table = Columns::new(&["A", "LABELS", "C"]);
        table.row([line("1"), lines(["k8s:a=b", "x"]), line("ready")]);
        table.across("wider than the table is");
        table.row([line("22"), lines::<&str>([]), line("a\nb")]);
        let mut out = Vec::new();
        table.write(&mut out).expect("a vector takes all");
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "A   LABELS   C\n1   k8s:a=b  ready\n    x\nwider than the table is\n22           a\\nb\n"
        );
    }
}
