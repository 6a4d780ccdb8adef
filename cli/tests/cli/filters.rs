//! Filter flags against the filters that Hubble's CLI makes of them (`fixtures/filters.txt`).

use crate::binary::{text, tycho};

struct Case {
    arguments: Vec<String>,
    /// Lines of `allow …`, `deny …` or `error …`.
    expected: Vec<String>,
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text("filters.txt").lines() {
        if let Some(arguments) = line.strip_prefix("> ") {
            cases.push(Case {
                arguments: split(arguments),
                expected: Vec::new(),
            });
        } else if !line.is_empty() && !line.starts_with('#') {
            let case = cases.last_mut().expect("a case begins with its arguments");
            case.expected.push(line.to_owned());
        }
    }
    cases
}

/// Splits at spaces outside single quotes.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().expect("there is one").push(other),
        }
    }
    words
}

/// What Hubble's CLI prints for these filters.
fn yaml(expected: &[String]) -> String {
    let mut yaml = String::new();
    for (key, name) in [("allow ", "allowlist"), ("deny ", "denylist")] {
        let filters: Vec<_> = expected
            .iter()
            .filter_map(|line| line.strip_prefix(key))
            .collect();
        if filters.is_empty() {
            continue;
        }
        yaml.push_str(&format!("{name}:\n"));
        for filter in filters {
            yaml.push_str(&format!("    - '{filter}'\n"));
        }
    }
    yaml
}

#[test]
fn flags_make_hubbles_filters() {
    let cases = cases();
    assert!(cases.len() > 60, "the fixture is there");
    for case in cases {
        let mut arguments = vec!["observe".to_owned(), "--print-raw-filters".to_owned()];
        arguments.extend(case.arguments.clone());
        let run = tycho(&arguments);
        match case.expected[0].strip_prefix("error ") {
            None => {
                assert_eq!(run.stdout, yaml(&case.expected), "{:?}", case.arguments);
                assert_eq!((run.stderr.as_str(), run.code), ("", 0), "{run:?}");
            }
            Some(error) => {
                let expected = format!("error: {error}");
                assert!(run.stderr.starts_with(&expected), "{expected}\n{run:?}");
                assert_eq!((run.stdout.as_str(), run.code), ("", 1), "{run:?}");
            }
        }
    }
}

#[test]
fn no_filter_is_an_empty_document() {
    let run = tycho(&["observe", "--print-raw-filters"]);
    assert_eq!((run.stdout.as_str(), run.code), ("{}\n", 0));
}
