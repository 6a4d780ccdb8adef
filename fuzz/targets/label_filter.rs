//! The label filter: the first pattern that matches decides, whatever the patterns are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::{Label, LabelFilter, LabelSet, SOURCE_ANY, SOURCE_RESERVED};

// Lines up to the first empty one are patterns, the rest are labels.
fuzz_target!(|text: &str| {
    let (patterns, labels) = text.split_once("\n\n").unwrap_or((text, ""));
    let patterns: Vec<&str> = patterns.lines().collect();
    let labels: LabelSet = labels
        .lines()
        .filter_map(|line| Label::parse(line).ok())
        .collect();
    let filter = match LabelFilter::new(&patterns) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(patterns.contains(&error.pattern.as_str()));
            return;
        }
    };
    let expect: LabelSet = labels
        .iter()
        .filter(|label| counts(&patterns, label))
        .cloned()
        .collect();
    let relevant = filter.relevant(&labels);
    assert_eq!(relevant, expect, "{patterns:?}");
    assert_eq!(filter.relevant(&relevant), relevant, "filtering twice");
});

/// The plain reading, from the patterns' text.
fn counts(patterns: &[&str], label: &Label) -> bool {
    if label.source == SOURCE_RESERVED {
        return true;
    }
    let includes = |pattern: &str| !pattern.trim().starts_with('!');
    let deciding = patterns.iter().find(|pattern| matches(pattern, label));
    match deciding {
        Some(pattern) => includes(pattern),
        None => !patterns.iter().any(|pattern| includes(pattern)),
    }
}

fn matches(pattern: &str, label: &Label) -> bool {
    let pattern = pattern.trim();
    let name = pattern.strip_prefix('!').unwrap_or(pattern);
    let (source, key) = name.split_once(':').unwrap_or((SOURCE_ANY, name));
    let key_fits = match key.strip_suffix('*') {
        Some(start) => label.key.starts_with(start),
        None => label.key == key,
    };
    key_fits && (source == SOURCE_ANY || source == label.source)
}
