//! Selectors: what is read is printed and read again as the same, and matches as its requirements say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::{Label, LabelSet, Operator, Requirement, Selector};

// The first line is the selector, each further line a label.
fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let source = lines.next().unwrap_or_default();
    let selector = match Selector::parse(source) {
        Ok(selector) => selector,
        Err(error) => {
            assert_eq!(error.text, source);
            // One behind the last character is where something is missing.
            assert!(
                (1..=source.chars().count() + 1).contains(&error.column),
                "{error}"
            );
            return;
        }
    };
    let printed = selector.to_string();
    let again = Selector::parse(&printed);
    assert_eq!(again.as_ref(), Ok(&selector), "printed as {printed:?}");

    let labels: LabelSet = lines.filter_map(|line| Label::parse(line).ok()).collect();
    let expect = selector
        .requirements()
        .iter()
        .all(|requirement| is_met(requirement, &labels));
    assert_eq!(selector.matches(&labels), expect);
    assert_eq!(selector.is_everything(), printed.is_empty());

    let reversed = selector.requirements().iter().rev().cloned();
    assert_eq!(Selector::new(reversed), selector);
});

/// The plain reading: of all labels, with nothing sorted.
fn is_met(requirement: &Requirement, labels: &LabelSet) -> bool {
    let values: Vec<&String> = labels
        .iter()
        .filter(|label| {
            requirement
                .source()
                .is_none_or(|source| label.source == source)
        })
        .filter(|label| label.key == requirement.key())
        .map(|label| &label.value)
        .collect();
    match requirement.operator() {
        Operator::In(wanted) => values.iter().any(|value| wanted.contains(value)),
        Operator::NotIn(wanted) => !values.iter().any(|value| wanted.contains(value)),
        Operator::Exists => !values.is_empty(),
        Operator::DoesNotExist => values.is_empty(),
    }
}
