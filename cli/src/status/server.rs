//! The server's status, line by line as Hubble's CLI prints it.

use std::io;
use std::time::Duration;

use proto::observer::ServerStatusResponse;

use crate::output::number::grouped;

/// Writes the status.
pub(super) fn write(out: &mut dyn io::Write, status: &ServerStatusResponse) -> io::Result<()> {
    let share = if status.max_flows > 0 {
        let share = share_percent(status.num_flows, status.max_flows);
        format!(" ({share:.2}%)")
    } else {
        String::new()
    };
    writeln!(
        out,
        "Current/Max Flows: {}/{}{share}",
        grouped(status.num_flows),
        grouped(status.max_flows)
    )?;
    writeln!(out, "Flows/s: {}", rate(status))?;
    if let Some(connected) = status.num_connected_nodes {
        let total = status
            .num_unavailable_nodes
            .map(|unavailable| format!("/{}", u64::from(connected) + u64::from(unavailable)))
            .unwrap_or_default();
        writeln!(out, "Connected Nodes: {connected}{total}")?;
    }
    let unavailable = status.num_unavailable_nodes.unwrap_or_default();
    if unavailable > 0 {
        writeln!(out, "Unavailable Nodes: {unavailable}")?;
        let mut names = status.unavailable_nodes.clone();
        names.sort();
        for name in &names {
            writeln!(out, "  - {}", name.escape_debug())?;
        }
        let named = u32::try_from(names.len()).unwrap_or(u32::MAX);
        if named > 0 && unavailable > named {
            writeln!(out, "  - and {} more...", unavailable - named)?;
        }
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "two digits of a percentage need no more than a float holds"
)]
pub(super) fn share_percent(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64 * 100.0
}

/// Flows per second: the server's rate, else the mean since it started.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate of two digits needs no more than a float holds"
)]
fn rate(status: &ServerStatusResponse) -> String {
    let uptime = Duration::from_nanos(status.uptime_ns).as_secs_f64();
    if status.flows_rate > 0.0 {
        format!("{:.2}", status.flows_rate)
    } else if uptime > 0.0 {
        format!("{:.2}", status.seen_flows as f64 / uptime)
    } else {
        "N/A".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proto::observer::ServerStatusResponse;

    #[test]
    fn a_relay_with_a_lost_node() {
        let status = ServerStatusResponse {
            num_flows: 4_095,
            max_flows: 8_190,
            flows_rate: 12.345,
            num_connected_nodes: Some(2),
            num_unavailable_nodes: Some(3),
            unavailable_nodes: vec!["b".to_owned(), "a".to_owned()],
            ..Default::default()
        };
        let mut out = Vec::new();
        super::write(&mut out, &status).expect("a vector takes all");
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "Current/Max Flows: 4,095/8,190 (50.00%)\nFlows/s: 12.35\nConnected Nodes: 2/5\n\
             Unavailable Nodes: 3\n  - a\n  - b\n  - and 1 more...\n"
        );
    }
}
