//! Policies with their rules, and what each rule has decided.

use std::io;

use proto::tycho::v1::{Policy, Rule};

use super::name;
use crate::clock::format::TimeFormat;
use crate::output::columns::{Columns, line};
use crate::output::escape::visible;
use crate::output::number::grouped;

/// Writes each policy with a table of its rules below.
pub(super) fn write(out: &mut dyn io::Write, policies: &[Policy]) -> io::Result<()> {
    for (index, policy) in policies.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        head(out, policy)?;
        if policy.rules.is_empty() {
            continue;
        }
        let mut table = Columns::new(&["  RULE", "PACKETS", "BYTES", "LAST HIT"]);
        for rule in &policy.rules {
            table.row([
                line(format!("  {}", rule_name(rule))),
                line(grouped(rule.packets)),
                line(grouped(rule.bytes)),
                line(last_hit(rule)),
            ]);
            table.across(format!("    {}", rule.description));
        }
        table.write(out)?;
    }
    Ok(())
}

/// `ingress[0]`
pub(super) fn rule_name(rule: &Rule) -> String {
    format!("{}[{}]", rule.section, rule.index)
}

fn last_hit(rule: &Rule) -> String {
    match &rule.last_hit {
        Some(time) => TimeFormat::StampMilli.write(Some(time)),
        // Hits outlive the observer, their times do not.
        None if rule.packets > 0 => "before its start".to_owned(),
        None => "-".to_owned(),
    }
}

fn head(out: &mut dyn io::Write, policy: &Policy) -> io::Result<()> {
    writeln!(out, "{}", visible(&title(policy)))?;
    let endpoints = match policy.endpoints {
        1 => "1 endpoint".to_owned(),
        count => format!("{count} endpoints"),
    };
    let subject = if policy.subject.is_empty() {
        "everything"
    } else {
        &policy.subject
    };
    let denied = match (policy.default_deny_ingress, policy.default_deny_egress) {
        (true, true) => "denies by default: ingress and egress",
        (true, false) => "denies by default: ingress",
        (false, true) => "denies by default: egress",
        (false, false) => "denies nothing by default",
    };
    let audited = if policy.audited {
        ", audited: it drops nothing"
    } else {
        ""
    };
    writeln!(
        out,
        "  for {}: {endpoints}; {denied}{audited}",
        visible(subject)
    )
}

/// The name, and where it was defined.
pub(super) fn title(policy: &Policy) -> String {
    let name = policy.name.as_ref().map(name::shown).unwrap_or_default();
    match (policy.owner.as_str(), policy.source.as_str()) {
        ("api", "") => format!("{name}, imported"),
        ("api", source) => format!("{name}, imported: {source}"),
        (_, source) => format!("{name}, {source}"),
    }
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;
    use proto::tycho::v1::Rule;

    use super::last_hit;

    #[test]
    fn a_hit_whose_time_nobody_saw_is_not_never() {
        let time = Timestamp {
            seconds: 1,
            nanos: 0,
        };
        for (packets, time, expected) in [
            (0, None, "-"),
            (3, None, "before its start"),
            (3, Some(time), "Jan  1 00:00:01.000"),
        ] {
            let rule = Rule {
                packets,
                last_hit: time,
                ..Rule::default()
            };
            assert_eq!(last_hit(&rule), expected);
        }
    }
}
