//! What one end's policies decided, in lines.

use proto::flow::Verdict;
use proto::tycho::v1::{Decision, Difference, NearMiss, RuleName};

use super::name;

/// What fits a terminal beside what stands before it.
const WIDTH: usize = 88;

/// The verdict and what it comes from.
pub(crate) fn lines(decision: &Decision) -> Vec<String> {
    let verdict = verdict(decision.verdict());
    let named = decision.rule.as_ref().filter(|rule| rule.policy.is_some());
    let Some(decider) = named else {
        return match decision.sentence.as_str() {
            "" => vec![verdict.to_owned()],
            sentence => wrapped(&format!("{verdict}: {}", without_verdict(sentence))),
        };
    };
    let by = match decision.verdict() {
        Verdict::Audit => "AUDIT: it passes, and would be dropped by".to_owned(),
        _ => format!("{verdict} by"),
    };
    let mut lines = wrapped(&format!("{by} {}", place(decider)));
    lines.extend(says(decider));
    lines
}

/// The sentence without the words of its own for the verdict.
fn without_verdict(sentence: &str) -> &str {
    ["denied: ", "allowed: ", "forwarded: "]
        .iter()
        .find_map(|word| sentence.strip_prefix(word))
        .unwrap_or(sentence)
}

/// The verdict as `tycho observe` writes it.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    verdict.as_str_name()
}

/// The rules that came closest to deciding otherwise, each with what differs.
pub(crate) fn near(decision: &Decision) -> Vec<String> {
    decision.near.iter().flat_map(near_miss).collect()
}

fn near_miss(near: &NearMiss) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(rule) = &near.rule {
        lines.push(place(rule));
        lines.extend(says(rule));
    }
    lines.extend(near.differences.iter().flat_map(difference));
    lines
}

fn difference(difference: &Difference) -> Vec<String> {
    let Difference {
        what,
        wanted,
        found,
    } = difference;
    wrapped(&format!("  {what}: it wants {wanted}, there is {found}"))
}

/// Its name, and where it stands.
fn place(rule: &RuleName) -> String {
    let mut place = rule.policy.as_ref().map(name::shown).unwrap_or_default();
    if !rule.section.is_empty() {
        place.push_str(&format!(" {}[{}]", rule.section, rule.index));
    }
    if !rule.source.is_empty() {
        place.push_str(&format!(", {}", rule.source));
    }
    place
}

fn says(rule: &RuleName) -> Vec<String> {
    if rule.description.is_empty() {
        return Vec::new();
    }
    wrapped(&format!("  {}", rule.description))
}

/// The text in lines that fit, as far as its words do; all but the first are indented by two more. A list with commas
/// breaks behind one.
fn wrapped(text: &str) -> Vec<String> {
    let rest = text.trim_start();
    let indent = text.len() - rest.len();
    let mut lines = Vec::new();
    let mut line = " ".repeat(indent);
    for part in rest.split_inclusive([' ', ',']) {
        let width = line.chars().count() + part.trim_end().chars().count();
        if width > WIDTH && !line.trim_start().is_empty() {
            lines.push(line.trim_end().to_owned());
            line = " ".repeat(indent + 2);
        }
        line.push_str(part);
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, wrapped};

    #[test]
    fn lines_end_between_words() {
        let word = "w".repeat(WIDTH / 2 - 2);
        for (text, expected) in [
            (String::new(), vec![String::new()]),
            ("a b".to_owned(), vec!["a b".to_owned()]),
            (
                format!("  {word} {word} b"),
                vec![format!("  {word} {word}"), "    b".to_owned()],
            ),
            (
                format!("a {}", "w".repeat(WIDTH)),
                vec!["a".to_owned(), format!("  {}", "w".repeat(WIDTH))],
            ),
            (
                format!("{word},{word},{word}"),
                vec![format!("{word},{word},"), format!("  {word}")],
            ),
        ] {
            assert_eq!(wrapped(&text), expected);
        }
    }
}
