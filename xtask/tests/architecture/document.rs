//! ARCHITECTURE.md speaks of every folder, and of no file that is not there.

use std::collections::BTreeSet;
use std::path::Path;

use crate::repository::{members, root, text, top_level_folders};

const DOCUMENT: &str = "ARCHITECTURE.md";

/// What stands in backticks, outside blocks of code.
fn quoted(document: &str) -> Vec<String> {
    let mut inside_block = false;
    let mut found = Vec::new();
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            inside_block = !inside_block;
        } else if !inside_block {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// The folder that a line introduces: `` **`flow`** … ``, `` ### `flow/` ``, `` | `flow` | ``, `` - `flow`: … ``.
fn introduced(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(['#', '*', '-', '|', ' ']);
    let (name, _) = line.strip_prefix('`')?.split_once('`')?;
    Some(name.trim_end_matches('/'))
}

/// Whether a quoted text means a file or folder of ours: its first part is one of the root's, and it has no placeholder.
fn path<'text>(quoted: &'text str, folders: &[String]) -> Option<&'text str> {
    if quoted.contains(['<', '>', '*', '{', ' ', '…', '$']) {
        return None;
    }
    let path = quoted.split(':').next().unwrap_or_default();
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let is_file_of_root = rest.is_empty()
        && [".md", ".toml", ".lock"]
            .iter()
            .any(|end| first.ends_with(end));
    let is_below_folder = path.contains('/') && folders.iter().any(|folder| folder == first);
    (is_file_of_root || is_below_folder).then_some(path)
}

#[test]
fn every_folder_has_a_paragraph() {
    let document = text(Path::new(DOCUMENT));
    let introduced: BTreeSet<&str> = document.lines().filter_map(introduced).collect();
    let mut wanted: BTreeSet<String> = top_level_folders().into_iter().collect();
    wanted.extend(members().iter().map(|package| package.name.clone()));
    let missing: Vec<&String> = wanted
        .iter()
        .filter(|name| !introduced.contains(name.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "{DOCUMENT} has no paragraph that begins with {missing:?}"
    );
}

#[test]
fn every_path_exists() {
    let document = text(Path::new(DOCUMENT));
    let folders = top_level_folders();
    let quoted = quoted(&document);
    let paths: Vec<&str> = quoted
        .iter()
        .filter_map(|quoted| path(quoted, &folders))
        .collect();
    assert!(
        paths.len() > 10,
        "{DOCUMENT} names {} paths only",
        paths.len()
    );
    let absent: Vec<&&str> = paths
        .iter()
        .filter(|path| !root().join(path).exists())
        .collect();
    assert!(
        absent.is_empty(),
        "{DOCUMENT} names {absent:?}, which do not exist"
    );
}

#[test]
fn paths_are_told_from_other_words() {
    let folders = ["flow".to_owned(), "proto".to_owned()];
    let check = |quoted, expect| assert_eq!(path(quoted, &folders), expect, "{quoted}");
    check("flow/src/lib.rs", Some("flow/src/lib.rs"));
    check("flow/src/lib.rs:12", Some("flow/src/lib.rs"));
    check("flow/", Some("flow/"));
    check("README.md", Some("README.md"));
    check("flow", None);
    check("observer.Observer/GetFlows", None);
    check("flow/src/<name>.rs", None);
    check("flow::store", None);
    check("/sys/fs/bpf", None);
    assert_eq!(introduced("**`flow/`**: the model"), Some("flow"));
    assert_eq!(introduced("| `flow` | job |"), Some("flow"));
    assert_eq!(introduced("The `flow` crate"), None);
    assert_eq!(quoted("a `b` c\n```\n`d`\n```\n`e` `f`"), ["b", "e", "f"]);
}
