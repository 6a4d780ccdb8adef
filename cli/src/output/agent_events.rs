//! Agent events as text and as JSON: what an observer did, in the words of Hubble's CLI.

use std::io;

use proto::flow::agent_event::Notification;
use proto::flow::{AgentEvent, AgentEventType, ServiceUpsertNotificationAddr};
use proto::observer::GetAgentEventsResponse;

use super::escape::escape;
use super::{Format, table};
use crate::clock::format::TimeFormat;

const RULE: &str = "------------";

/// Prints agent events as they come.
pub(crate) struct AgentEventPrinter<O> {
    format: Format,
    time_format: TimeFormat,
    node_names: bool,
    out: O,
    /// Whether nothing was printed yet.
    first: bool,
    /// What is printed at the end.
    rows: Vec<Vec<String>>,
}

impl<O: io::Write> AgentEventPrinter<O> {
    /// A printer that flushes only when told to.
    pub(crate) fn new(format: Format, time_format: TimeFormat, node_names: bool, out: O) -> Self {
        Self {
            format,
            time_format,
            node_names,
            out,
            first: true,
            rows: Vec::new(),
        }
    }

    /// Prints one response.
    pub(crate) fn print(&mut self, response: &GetAgentEventsResponse) -> io::Result<()> {
        if self.format.is_json() {
            let name = "observer.GetAgentEventsResponse";
            let line = proto::json::message_to_json(name, response);
            return writeln!(self.out, "{line}");
        }
        let Some(event) = &response.agent_event else {
            return Ok(());
        };
        let time = self.time_format.write(response.time.as_ref());
        let node = self.node_names.then(|| escape(&response.node_name));
        let kind = AgentEventType::try_from(event.r#type).map_or_else(
            |_| event.r#type.to_string(),
            |kind| kind.as_str_name().to_owned(),
        );
        let details = details(event, self.time_format);
        let details = escape(&details);
        let is_first = std::mem::take(&mut self.first);
        match self.format {
            Format::Dict => {
                if !is_first {
                    writeln!(self.out, "{RULE}")?;
                }
                writeln!(self.out, "  TIMESTAMP: {time}")?;
                if let Some(node) = node {
                    writeln!(self.out, "       NODE: {node}")?;
                }
                writeln!(self.out, "       TYPE: {kind}")?;
                writeln!(self.out, "    DETAILS: {details}")
            }
            Format::Table => {
                let mut cells = vec![time];
                cells.extend(node.map(|node| node.into_owned()));
                cells.extend([kind, details.into_owned()]);
                self.rows.push(cells);
                Ok(())
            }
            _ => {
                let node = node.map(|node| format!(" [{node}]")).unwrap_or_default();
                writeln!(self.out, "{time}{node}: {kind} ({details})")
            }
        }
    }

    /// Shows what was printed so far.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Prints what was held back, and flushes.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if !self.rows.is_empty() {
            let mut header = vec!["TIMESTAMP"];
            header.extend(self.node_names.then_some("NODE"));
            header.extend(["TYPE", "DETAILS"]);
            let header = header.into_iter().map(str::to_owned).collect();
            let lines = [vec![header], std::mem::take(&mut self.rows)].concat();
            table::write(&mut self.out, &lines)?;
        }
        self.out.flush()
    }
}

fn details(event: &AgentEvent, time_format: TimeFormat) -> String {
    let unknown = || "UNKNOWN".to_owned();
    let Some(notification) = &event.notification else {
        return unknown();
    };
    let mut parts = Parts::default();
    match (event.r#type(), notification) {
        (AgentEventType::AgentEventUnknown, Notification::Unknown(what)) => {
            parts.add("type", &what.r#type);
            parts.add("notification", &what.notification);
        }
        (AgentEventType::AgentStarted, Notification::AgentStart(start)) => {
            parts.add("start time", &time_format.write(start.time.as_ref()));
        }
        (
            AgentEventType::PolicyUpdated | AgentEventType::PolicyDeleted,
            Notification::PolicyUpdate(policy),
        ) => {
            parts.add("labels", &list(&policy.labels));
            parts.add("revision", &policy.revision.to_string());
            parts.add("count", &policy.rule_count.to_string());
        }
        (
            AgentEventType::EndpointRegenerateSuccess | AgentEventType::EndpointRegenerateFailure,
            Notification::EndpointRegenerate(endpoint),
        ) => {
            parts.add("id", &endpoint.id.to_string());
            parts.add("labels", &list(&endpoint.labels));
            parts.add_if_any("error", &endpoint.error);
        }
        (
            AgentEventType::EndpointCreated | AgentEventType::EndpointDeleted,
            Notification::EndpointUpdate(endpoint),
        ) => {
            parts.add("id", &endpoint.id.to_string());
            parts.add_if_any("namespace", &endpoint.namespace);
            parts.add_if_any("pod name", &endpoint.pod_name);
        }
        (
            AgentEventType::IpcacheUpserted | AgentEventType::IpcacheDeleted,
            Notification::IpcacheUpdate(address),
        ) => {
            parts.add("cidr", &address.cidr);
            parts.add("identity", &address.identity.to_string());
            if let Some(old) = address.old_identity {
                parts.add("old identity", &old.to_string());
            }
            parts.add_if_any("host ip", &address.host_ip);
            parts.add_if_any("old host ip", &address.old_host_ip);
            parts.add("encrypt key", &address.encrypt_key.to_string());
        }
        (AgentEventType::ServiceUpserted, Notification::ServiceUpsert(service)) => {
            parts.add("id", &service.id.to_string());
            if let Some(frontend) = &service.frontend_address {
                parts.add("frontend", &address(frontend));
            }
            let backends: Vec<String> = service.backend_addresses.iter().map(address).collect();
            if !backends.is_empty() {
                parts.add("backends", &list(&backends));
            }
            parts.add_if_any("type", &service.r#type);
            parts.add_if_any("traffic policy", &service.traffic_policy);
            parts.add_if_any("namespace", &service.namespace);
            parts.add_if_any("name", &service.name);
        }
        (AgentEventType::ServiceDeleted, Notification::ServiceDelete(service)) => {
            parts.add("id", &service.id.to_string());
        }
        _ => return unknown(),
    }
    parts.0
}

/// `name: value, …`.
#[derive(Default)]
struct Parts(String);

impl Parts {
    fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push_str(", ");
        }
        self.0.push_str(&format!("{name}: {value}"));
    }

    fn add_if_any(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.add(name, value);
        }
    }
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

fn address(address: &ServiceUpsertNotificationAddr) -> String {
    if address.ip.contains(':') {
        format!("[{}]:{}", address.ip, address.port)
    } else {
        format!("{}:{}", address.ip, address.port)
    }
}
