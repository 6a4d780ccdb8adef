//! What is in the registry, for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use prost_types::Timestamp;
use registry::cluster::{ClusterState, NodeLife, ServicePort};

use super::place::Content;
use super::policy::held;
use super::{Section, Shown, summary};
use crate::clock::duration;
use crate::clock::format::TimeFormat;
use crate::output::columns::{Columns, line, lines};
use crate::output::escape::visible;

/// Writes these parts.
pub(super) fn write(
    out: &mut dyn Write,
    content: &Content,
    lives: &BTreeMap<String, NodeLife>,
    shown: &Shown,
) -> io::Result<()> {
    let state = &content.state;
    if shown.summary {
        summary::write(out, content)?;
    }
    for section in shown.sections {
        let table = match section {
            Section::Nodes => nodes(state, lives),
            Section::Endpoints => endpoints(state),
            Section::Identities => identities(state),
            Section::Policies => policies(state),
            Section::Services => services(state),
        };
        if shown.summary {
            writeln!(out)?;
        }
        table.write(out)?;
    }
    if let Some(example) = &content.ignored_example {
        writeln!(
            out,
            "\nleft out, as it cannot be understood: {}{}",
            visible(example),
            match content.ignored {
                1 => String::new(),
                count => format!("; and {} more", count.saturating_sub(1)),
            }
        )?;
    }
    Ok(())
}

fn nodes(state: &ClusterState, lives: &BTreeMap<String, NodeLife>) -> Columns {
    let mut table = Columns::new(&[
        "NODE",
        "LAST SEEN",
        "LEASE",
        "ADDRESS",
        "TLS NAME",
        "IPS",
        "ENDPOINTS",
        "STARTED",
        "VERSION",
    ]);
    for (name, node) in state.nodes.iter() {
        let (seen, lease) = life(lives.get(&**name));
        table.row([
            line(name),
            line(seen),
            line(lease),
            line(node.address.as_deref().unwrap_or("-")),
            line(node.tls_server_name.as_deref().unwrap_or("-")),
            lines(node.ips.iter().map(ToString::to_string)),
            line(state.endpoints_of(name).count().to_string()),
            line(time(node.started_ns)),
            line(&node.version),
        ]);
    }
    table
}

/// When a node was last seen, and how long it stays after that.
fn life(life: Option<&NodeLife>) -> (String, String) {
    match life {
        Some(NodeLife::Lease { length, remaining }) => {
            let seen = duration::write(length.saturating_sub(*remaining));
            (format!("{seen} ago"), duration::write(*length))
        }
        Some(NodeLife::Process { lives: true }) => ("now".to_owned(), "-".to_owned()),
        Some(NodeLife::Process { lives: false }) => ("its process died".to_owned(), "-".to_owned()),
        None => ("-".to_owned(), "-".to_owned()),
    }
}

fn endpoints(state: &ClusterState) -> Columns {
    let mut table = Columns::new(&["ENDPOINT", "NODE", "IDENTITY", "IPS", "LABELS"]);
    for (key, endpoint) in state.endpoints.iter() {
        table.row([
            line(&key.name),
            line(&key.node),
            line(endpoint.identity.to_string()),
            lines(endpoint.ips.iter().map(ToString::to_string)),
            lines(endpoint.labels.iter().map(ToString::to_string)),
        ]);
    }
    table
}

fn identities(state: &ClusterState) -> Columns {
    let mut table = Columns::new(&["IDENTITY", "USED BY", "LABELS"]);
    for (identity, entry) in state.identities.iter() {
        let users = state.users.get(identity);
        table.row([
            line(identity.to_string()),
            users.map_or_else(|| line("nobody"), |users| lines(users.iter())),
            lines(entry.labels.iter().map(ToString::to_string)),
        ]);
    }
    table
}

fn policies(state: &ClusterState) -> Columns {
    let mut table = Columns::new(&["POLICY", "HOLDS", "PUT FROM"]);
    for (name, policy) in state.policies.iter() {
        table.row([
            line(name),
            lines(held(policy)),
            line(policy.origin.as_deref().unwrap_or("-")),
        ]);
    }
    table
}

fn services(state: &ClusterState) -> Columns {
    let mut table = Columns::new(&["SERVICE", "IPS", "PORTS", "SELECTOR"]);
    for (key, service) in state.services.iter() {
        table.row([
            line(format!("{}/{}", key.namespace, key.name)),
            lines(service.ips.iter().map(ToString::to_string)),
            lines(service.ports.iter().map(port)),
            lines(selector(&service.selector)),
        ]);
    }
    table
}

fn port(port: &ServicePort) -> String {
    let mut text = format!("{}/{}", port.port, port.protocol);
    if let Some(target) = port.target_port {
        text += &format!(" to {target}");
    }
    if let Some(name) = &port.name {
        text += &format!(" ({name})");
    }
    text
}

fn selector(selector: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    selector.iter().map(|(key, value)| format!("{key}={value}"))
}

fn time(ns: u64) -> String {
    TimeFormat::Rfc3339.write(Some(&Timestamp {
        seconds: i64::try_from(ns / 1_000_000_000).unwrap_or(i64::MAX),
        nanos: 0,
    }))
}
