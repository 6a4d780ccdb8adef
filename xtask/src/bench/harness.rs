//! Figures that a bench prints itself: one JSON object per line, `{"row": …, "value": …, "unit": …}`; other lines are shown.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::Figure;
use crate::stages::display;

#[derive(Deserialize)]
struct Line {
    row: String,
    value: f64,
    unit: String,
}

/// Runs a bench and reads its figures.
pub(super) fn measure(command: &mut Command) -> anyhow::Result<Vec<Figure>> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("start {}", display(command)))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figures = parse(&text)?;
    for line in text.lines().filter(|line| !line.starts_with('{')) {
        println!("{line}");
    }
    if !output.status.success() {
        bail!("{}: {}", display(command), output.status);
    }
    Ok(figures)
}

fn parse(text: &str) -> anyhow::Result<Vec<Figure>> {
    let objects = text.lines().filter(|line| line.starts_with('{'));
    objects
        .map(|line| {
            let Line { row, value, unit } =
                serde_json::from_str(line).with_context(|| format!("a figure: {line}"))?;
            Ok(Figure { row, value, unit })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_figures_and_the_rest_is_text() {
        let text = "warming up\n{\"row\":\"kernel-new-v4\",\"value\":512.5,\"unit\":\"ns\"}\n";
        let expect = Figure {
            row: "kernel-new-v4".to_owned(),
            value: 512.5,
            unit: "ns".to_owned(),
        };
        assert_eq!(parse(text).unwrap(), [expect]);
        assert!(parse("{\"row\":\"x\"}").is_err());
        assert!(parse("").unwrap().is_empty());
    }
}
