//! All that is known of one endpoint, line by line.

use std::io;

use proto::tycho::v1::Endpoint;

use super::words;
use crate::clock::format::TimeFormat;
use crate::output::facts::Facts;
use crate::policies::name;

/// Writes the endpoint.
pub(super) fn write(out: &mut dyn io::Write, endpoint: &Endpoint) -> io::Result<()> {
    let mut facts = Facts::default();
    facts.add("Name", words::name(endpoint));
    facts.add("Endpoint", endpoint.number.to_string());
    facts.add("Status", status(endpoint));
    facts.add("Identity", endpoint.identity.to_string());
    facts.add_all("Labels", &endpoint.labels);
    facts.add_all("IPv6", &endpoint.ipv6);
    facts.add_all("IPv4", &endpoint.ipv4);
    facts.add("Ingress", words::consequence(endpoint.ingress()));
    facts.add("Egress", words::consequence(endpoint.egress()));
    facts.add_all("Policies", endpoint.policies.iter().map(name::shown));
    facts.add("Mode", &endpoint.mode);
    facts.add("Spoofing", &endpoint.spoofing);
    if !endpoint.interface.is_empty() {
        let (interface, number) = (&endpoint.interface, endpoint.ifindex);
        facts.add("Interface", format!("{interface} ({number})"));
    }
    let mut ports: Vec<_> = endpoint.ports.iter().collect();
    ports.sort_unstable();
    let ports = ports.into_iter();
    facts.add_all("Ports", ports.map(|(name, port)| format!("{name}={port}")));
    facts.add("Workload", &endpoint.workload);
    facts.add("Defined", words::definition(endpoint));
    facts.write(out)
}

fn status(endpoint: &Endpoint) -> String {
    let mut status = words::state(endpoint).join(" ");
    if endpoint.state_since.is_some() {
        let since = TimeFormat::Rfc3339.write(endpoint.state_since.as_ref());
        status.push_str(&format!(" since {since}"));
    }
    if !endpoint.state_reason.is_empty() {
        status.push_str(&format!(": {}", endpoint.state_reason));
    }
    status
}
