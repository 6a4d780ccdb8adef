//! Figures that criterion leaves in `target/criterion/<row>[/<variant>]/new`: the mean, per element if the bench says how many.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::Figure;

#[derive(Deserialize)]
struct Estimates {
    mean: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Benchmark {
    throughput: Option<Throughput>,
}

#[derive(Deserialize)]
struct Throughput {
    #[serde(rename = "Elements")]
    elements: Option<f64>,
}

/// Every figure of one row, by name.
pub(super) fn read(folder: &Path, row: &str) -> anyhow::Result<Vec<Figure>> {
    let mut found = Vec::new();
    search(&folder.join(row), &mut found);
    found.sort();
    if found.is_empty() {
        bail!("criterion left no figure for {row} in {}", folder.display());
    }
    found.iter().map(|new| figure(folder, new)).collect()
}

/// Collects the folders `new` that hold figures.
fn search(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
    {
        if path.ends_with("new") && path.join("estimates.json").is_file() {
            found.push(path);
        } else {
            search(&path, found);
        }
    }
}

fn figure(folder: &Path, new: &Path) -> anyhow::Result<Figure> {
    let estimates: Estimates = parse(&new.join("estimates.json"))?;
    let benchmark: Benchmark = parse(&new.join("benchmark.json"))?;
    let elements = benchmark
        .throughput
        .and_then(|throughput| throughput.elements)
        .unwrap_or(1.0);
    let row = new
        .parent()
        .and_then(|path| path.strip_prefix(folder).ok())
        .context("criterion's folders")?;
    Ok(Figure {
        row: row.to_string_lossy().into_owned(),
        value: estimates.mean.point_estimate / elements,
        unit: "ns".to_owned(),
    })
}

fn parse<T: for<'text> Deserialize<'text>>(file: &Path) -> anyhow::Result<T> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("parse {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench(folder: &Path, id: &str, mean_ns: f64, throughput: &str) {
        let new = folder.join(id).join("new");
        fs::create_dir_all(&new).unwrap();
        let estimates = format!(
            r#"{{"mean":{{"point_estimate":{mean_ns},"standard_error":0.1}},"median":null}}"#
        );
        fs::write(new.join("estimates.json"), estimates).unwrap();
        fs::write(
            new.join("benchmark.json"),
            format!(r#"{{"group_id":"g","throughput":{throughput}}}"#),
        )
        .unwrap();
    }

    #[test]
    fn means_are_read_per_element_and_by_variant() {
        let folder = tempfile::tempdir().unwrap();
        bench(folder.path(), "plain", 41.5, "null");
        bench(folder.path(), "many/v4", 4096.0, r#"{"Elements":4096}"#);
        bench(folder.path(), "many/v6", 8192.0, r#"{"Elements":4096}"#);
        bench(folder.path(), "bytes", 7.0, r#"{"Bytes":128}"#);
        let check = |row: &str, expect: &[(&str, f64)]| {
            let figures = read(folder.path(), row).unwrap();
            let figures: Vec<_> = figures
                .iter()
                .map(|figure| (figure.row.as_str(), figure.value))
                .collect();
            assert_eq!(figures, expect);
        };
        check("plain", &[("plain", 41.5)]);
        check("many", &[("many/v4", 1.0), ("many/v6", 2.0)]);
        check("bytes", &[("bytes", 7.0)]);
        assert!(
            read(folder.path(), "absent")
                .unwrap_err()
                .to_string()
                .contains("no figure for absent")
        );
    }

    #[test]
    fn a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        bench(folder.path(), "broken", 1.0, "null");
        fs::write(folder.path().join("broken/new/estimates.json"), "{").unwrap();
        let error = read(folder.path(), "broken").unwrap_err().to_string();
        assert!(error.contains("broken/new/estimates.json"), "{error}");
    }
}
