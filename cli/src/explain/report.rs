//! An explanation as text.

use std::io::{self, Write};

use proto::tycho::v1::get_flows_response::ResponseTypes;
use proto::tycho::v1::{Decision, Explanation};

use super::flow;
use crate::output::escape::visible_lines;
use crate::output::facts::Facts;
use crate::policies::decision;

/// Writes it, with the policy's text if that is wanted.
pub(super) fn write(out: &mut dyn Write, explanation: &Explanation, yaml: bool) -> io::Result<()> {
    let mut facts = Facts::default();
    if let Some(response) = &explanation.flow
        && let Some(ResponseTypes::Flow(flow)) = &response.response_types
    {
        flow::add(&mut facts, response, flow);
    }
    if let Some(decided) = &explanation.decision {
        facts.add_all("Verdict", decision::lines(decided));
        facts.add_all("Nearest", decision::near(decided));
    }
    facts.add_all("Policies", changes(explanation));
    facts.write(out)?;
    if !yaml {
        return Ok(());
    }
    if explanation.yaml.is_empty() {
        return writeln!(out, "\nNo policy decided, so there is no text.");
    }
    writeln!(
        out,
        "\n{}",
        visible_lines(explanation.yaml.trim_end_matches('\n'))
    )
}

/// Whether the policies are still those that decided, and what they would decide now.
fn changes(explanation: &Explanation) -> Vec<String> {
    let revision = explanation.revision;
    if revision == 0 {
        return vec!["none was asked".to_owned()];
    }
    let mut lines = match &explanation.now {
        None => vec![format!("as they were then, at revision {revision}")],
        Some(now) => now_in_words(revision, now),
    };
    let compared = explanation.compared_revision;
    let has_near = explanation
        .decision
        .as_ref()
        .is_some_and(|decision| !decision.near.is_empty());
    if has_near && compared != revision {
        lines.push(format!(
            "those of revision {revision} are gone: what is nearest was worked out with revision {compared}"
        ));
    }
    lines
}

fn now_in_words(revision: u64, now: &Decision) -> Vec<String> {
    let mut lines = vec![format!(
        "changed since revision {revision}, which decided; those in force now say"
    )];
    let now = decision::lines(now).into_iter();
    lines.extend(now.map(|line| format!("  {line}")));
    lines
}

/// An empty line between two explanations.
pub(super) fn separate() -> io::Result<()> {
    writeln!(io::stdout())
}
