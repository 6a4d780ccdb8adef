//! The table: row, our figure, the target, whether it is met, the command.

use super::Figure;
use super::row::{Row, Target};

/// One line per figure, and one per row that has none.
pub(super) fn render(rows: &[&Row], figures: &[Figure]) -> String {
    let mut lines = vec![["row", "ours", "target", "", "what", "command"].map(str::to_owned)];
    for row in rows {
        let own: Vec<&Figure> = figures
            .iter()
            .filter(|figure| belongs(&figure.row, row.name))
            .collect();
        for figure in &own {
            lines.push(line(row, &figure.row, Some(figure)));
        }
        if own.is_empty() {
            lines.push(line(row, row.name, None));
        }
    }
    align(&lines)
}

fn belongs(figure: &str, row: &str) -> bool {
    figure
        .strip_prefix(row)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn line(row: &Row, name: &str, figure: Option<&Figure>) -> [String; 6] {
    let ours = figure.map_or_else(
        || "not measured".to_owned(),
        |figure| amount(figure.value, &figure.unit),
    );
    let target = row.target.map_or_else(
        || "–".to_owned(),
        |Target { bound, unit }| format!("{} {}", bound.sign(), amount(bound.value(), unit)),
    );
    let verdict = match (figure, row.target) {
        (Some(figure), Some(target)) if figure.unit != target.unit => "other unit".to_owned(),
        (Some(figure), Some(target)) => match target.bound.worse(figure.value) {
            worse if worse <= 1.0 => "met".to_owned(),
            worse => format!("MISSED ×{worse:.1}"),
        },
        _ => String::new(),
    };
    let command = format!("cargo xtask bench {}", row.name);
    [
        name.to_owned(),
        ours,
        target,
        verdict,
        row.what.to_owned(),
        command,
    ]
}

fn amount(value: f64, unit: &str) -> String {
    let digits = if value < 10.0 {
        2
    } else if value < 100.0 {
        1
    } else {
        0
    };
    format!("{value:.digits$} {unit}")
}

/// Pads every column but the last.
fn align(lines: &[[String; 6]]) -> String {
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let text = lines.iter().map(|line| {
        let cells = line
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    text.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::rows::ROWS;
    use super::*;

    #[test]
    fn figures_stand_beside_their_targets() {
        let row = |name: &str| {
            ROWS.iter()
                .find(|row| row.name == name)
                .expect("a row of the table")
        };
        let figure = |row: &str, value: f64, unit: &str| Figure {
            row: row.to_owned(),
            value,
            unit: unit.to_owned(),
        };
        let rows = [
            row("encode"),
            row("kernel-new-v4"),
            row("memory-per-flow"),
            row("decode"),
            row("page-frames-2000"),
        ];
        let figures = [
            figure("encode/v4", 43.21, "ns"),
            figure("encode-masked", 1.0, "ns"),
            figure("kernel-new-v4", 1000.0, "ns"),
            figure("page-frames-2000/map", 55.1, "frames/s"),
            figure("page-frames-2000/matrix", 50.0, "frames/s"),
        ];
        let text = render(&rows, &figures);
        let cells: Vec<Vec<&str>> = text
            .lines()
            .map(|line| {
                line.split("  ")
                    .filter(|cell| !cell.is_empty())
                    .map(str::trim)
                    .collect()
            })
            .collect();
        assert_eq!(cells[1][..4], ["encode/v4", "43.2 ns", "≤ 200 ns", "met"]);
        assert_eq!(
            cells[2][..4],
            ["kernel-new-v4", "1000 ns", "≤ 500 ns", "MISSED ×2.0"]
        );
        assert_eq!(
            cells[3][..3],
            ["memory-per-flow", "not measured", "≤ 160 bytes"]
        );
        assert_eq!(cells[4][..3], ["decode", "not measured", "–"]);
        assert_eq!(cells[5][1..4], ["55.1 frames/s", "≥ 55.0 frames/s", "met"]);
        assert_eq!(cells[6][3], "MISSED ×1.1");
        assert_eq!(cells.len(), 7);
    }
}
