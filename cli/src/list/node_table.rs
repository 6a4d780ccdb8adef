//! Nodes in columns, and line by line.

use std::io;
use std::time::Duration;

use proto::relay::NodeState as State;
use proto::tycho::v1::{NodeKind, NodeState};

use crate::clock::duration;
use crate::clock::format::TimeFormat;
use crate::output::escape::visible;
use crate::output::table as columns;

const NOT_AVAILABLE: &str = "N/A";
const RULE: &str = "------------";

/// What is known of a node, as text.
struct Row {
    name: String,
    status: String,
    age: String,
    flows_rate: String,
    flows: String,
    version: String,
    offset: String,
    tls: String,
    address: String,
    kind: String,
    since: String,
    connects: String,
    behind: String,
    source: String,
    problem: String,
}

/// Aligned columns: those of Hubble's CLI, then ours. What is wrong with nodes has a column if anything is.
pub(super) fn table(out: &mut dyn io::Write, nodes: &[NodeState], wide: bool) -> io::Result<()> {
    let rows: Vec<Row> = nodes.iter().map(Row::new).collect();
    let has_problem = rows.iter().any(|row| !row.problem.is_empty());
    let mut lines: Vec<Vec<String>> = Vec::with_capacity(rows.len() + 1);
    let mut header = vec![
        "NAME",
        "STATUS",
        "AGE",
        "FLOWS/S",
        "CURRENT/MAX-FLOWS",
        "VERSION",
        "OFFSET",
        "TLS",
    ];
    if wide {
        header.extend(["ADDRESS", "KIND", "SINCE", "CONNECTS", "BEHIND", "SOURCE"]);
    }
    header.extend(has_problem.then_some("PROBLEM"));
    lines.push(header.into_iter().map(str::to_owned).collect());
    for row in rows {
        let mut cells = vec![
            row.name,
            row.status,
            row.age,
            row.flows_rate,
            row.flows,
            row.version,
            row.offset,
            row.tls,
        ];
        if wide {
            cells.extend([
                row.address,
                row.kind,
                row.since,
                row.connects,
                row.behind,
                row.source,
            ]);
        }
        cells.extend(has_problem.then_some(row.problem));
        lines.push(cells);
    }
    columns::write(out, &lines)
}

/// One line for each thing that is known.
pub(super) fn dict(out: &mut dyn io::Write, nodes: &[NodeState]) -> io::Result<()> {
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            writeln!(out, "{RULE}")?;
        }
        let row = Row::new(node);
        for (title, value) in [
            ("NAME", row.name),
            ("STATUS", row.status),
            ("SINCE", row.since),
            ("PROBLEM", row.problem),
            ("AGE", row.age),
            ("FLOWS/S", row.flows_rate),
            ("FLOWS", row.flows),
            ("VERSION", row.version),
            ("OFFSET", row.offset),
            ("TLS", row.tls),
            ("ADDRESS", row.address),
            ("KIND", row.kind),
            ("CONNECTS", row.connects),
            ("BEHIND", row.behind),
            ("SOURCE", row.source),
        ] {
            if !value.is_empty() {
                writeln!(out, "{title:>8}: {value}")?;
            }
        }
    }
    Ok(())
}

impl Row {
    fn new(state: &NodeState) -> Self {
        let node = state.node.clone().unwrap_or_default();
        let text = |text: &str| visible(text).into_owned();
        let or_not_available = |value: &str| {
            if value.is_empty() {
                NOT_AVAILABLE.to_owned()
            } else {
                text(value)
            }
        };
        let known = state.kind() != NodeKind::Unspecified;
        Self {
            status: status(state),
            age: age(node.uptime_ns),
            flows_rate: flows_rate(state, node.seen_flows, node.uptime_ns),
            flows: flows(node.num_flows, node.max_flows),
            version: or_not_available(&node.version),
            offset: offset(state),
            tls: tls(node.tls.as_ref()),
            kind: kind(state.kind()),
            since: state
                .since
                .as_ref()
                .map_or_else(String::new, |since| TimeFormat::Rfc3339.write(Some(since))),
            connects: if known {
                state.connects.to_string()
            } else {
                String::new()
            },
            behind: text(&state.behind),
            source: text(&state.source),
            problem: text(&state.problem),
            name: text(&node.name),
            address: text(&node.address),
        }
    }
}

fn status(state: &NodeState) -> String {
    let word = match state.state() {
        State::NodeConnected => "Connected",
        State::NodeUnavailable => "Unavailable",
        State::NodeGone => "Gone",
        State::NodeError => "Error",
        State::UnknownNodeState => "Unknown",
    };
    word.to_owned()
}

/// The time that a node runs, in whole seconds.
fn age(uptime_ns: u64) -> String {
    match rounded_seconds(uptime_ns) {
        0 => NOT_AVAILABLE.to_owned(),
        seconds => duration::write(Duration::from_secs(seconds)),
    }
}

fn rounded_seconds(uptime_ns: u64) -> u64 {
    uptime_ns.saturating_add(500_000_000) / 1_000_000_000
}

/// Over the last minute if the server says so, else since the start.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate of two digits needs no more than a float holds"
)]
fn flows_rate(state: &NodeState, seen_flows: u64, uptime_ns: u64) -> String {
    match rounded_seconds(uptime_ns) {
        0 => NOT_AVAILABLE.to_owned(),
        _ if state.kind() != NodeKind::Unspecified => format!("{:.2}", state.flows_rate),
        seconds => format!("{:.2}", seen_flows as f64 / seconds as f64),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "two digits of a percentage need no more than a float holds"
)]
fn flows(held: u64, most: u64) -> String {
    if most == 0 {
        return NOT_AVAILABLE.to_owned();
    }
    let percent = held as f64 / most as f64 * 100.0;
    format!("{held}/{most} ({percent:6.2}%)")
}

/// How far the clock is ahead of the relay's.
fn offset(state: &NodeState) -> String {
    let Some(offset_ns) = state.clock_offset_ns else {
        return NOT_AVAILABLE.to_owned();
    };
    let sign = if offset_ns < 0 { '-' } else { '+' };
    let magnitude = Duration::from_nanos(offset_ns.unsigned_abs());
    // Finer than the relay can know it says nothing.
    let step = if magnitude < Duration::from_secs(1) {
        Duration::from_micros(10)
    } else {
        Duration::from_millis(1)
    };
    let steps = magnitude.as_nanos() / step.as_nanos();
    let rounded = step * u32::try_from(steps).unwrap_or(u32::MAX);
    let skewed = if state.skewed { " (skewed)" } else { "" };
    format!("{sign}{}{skewed}", duration::write(rounded))
}

fn tls(tls: Option<&proto::observer::Tls>) -> String {
    match tls {
        Some(tls) if tls.enabled => "Enabled",
        Some(_) => "Disabled",
        None => NOT_AVAILABLE,
    }
    .to_owned()
}

fn kind(kind: NodeKind) -> String {
    match kind {
        NodeKind::Observer => "observer",
        NodeKind::Relay => "relay",
        NodeKind::Hubble => "hubble",
        NodeKind::Unspecified => "",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use proto::tycho::v1::NodeState;

    use super::{age, flows, offset};

    #[test]
    fn how_far_a_clock_is_off() {
        for (offset_ns, skewed, expected) in [
            (None, false, "N/A"),
            (Some(0), false, "+0s"),
            (Some(999), false, "+0s"),
            (Some(1_234_567), false, "+1.23ms"),
            (Some(-1_234_567), false, "-1.23ms"),
            (Some(2_000_400_000), true, "+2s (skewed)"),
            (Some(-120_001_000_000), true, "-2m0.001s (skewed)"),
            (Some(i64::MIN), true, "-1193h2m47.295s (skewed)"),
        ] {
            let state = NodeState {
                clock_offset_ns: offset_ns,
                skewed,
                ..Default::default()
            };
            assert_eq!(offset(&state), expected);
        }
    }

    #[test]
    fn ages_and_flows() {
        for (uptime_ns, expected) in [
            (0, "N/A"),
            (499_999_999, "N/A"),
            (500_000_000, "1s"),
            (3_600_000_000_000, "1h0m0s"),
            (u64::MAX, "5124095h34m33s"),
        ] {
            assert_eq!(age(uptime_ns), expected);
        }
        assert_eq!(flows(0, 0), "N/A");
        assert_eq!(flows(4_095, 4_095), "4095/4095 (100.00%)");
        assert_eq!(flows(1, 1_048_576), "1/1048576 (  0.00%)");
    }
}
