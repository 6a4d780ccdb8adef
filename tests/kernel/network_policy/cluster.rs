//! The workloads on a node with the real `tycho observer`, and what it says of them as `tycho observe` prints it.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use lab::{EndpointSpec, Namespace};
use serde_json::Value;
use tests::agent::{Agent, number, wait_for};
use tests::attempt::Protocol;
use tests::site::Site;

use super::case::Row;
use super::traffic::{Outcome, Talk, Target, talk};
use super::workloads::{NAMESPACES, STRANGERS, WORKLOADS};

const PREFIX: &str = "npc";
/// The node itself, as the site makes it.
const NODE: [&str; 2] = ["10.46.0.1", "fd46::1"];
/// Flows that are missing after that many looks do not come.
const LOOKS: usize = 100;
const LOOK: Duration = Duration::from_millis(50);
/// More than one case leaves.
const VERDICTS: [&str; 4] = ["-t", "policy-verdict", "--last", "200"];

/// The node, its observer, and the flows that were seen.
pub(super) struct Cluster {
    agent: Agent,
    site: Site,
    seen: HashSet<String>,
    source_port: u16,
}

impl Cluster {
    /// Starts the observer, without policies.
    pub(super) fn new() -> Self {
        let names = WORKLOADS.map(|(name, ..)| short(name));
        let workloads: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "none")).collect();
        let mut site = Site::new(PREFIX, &workloads);
        for (name, _) in STRANGERS {
            let [ipv4, ipv6] = addresses_of_stranger(name);
            let (IpAddr::V4(ipv4), IpAddr::V6(ipv6)) = (ipv4, ipv6) else {
                panic!("one of each family");
            };
            let spec = EndpointSpec::new(&format!("{PREFIX}-{name}"));
            let made = site.node.add_endpoint(spec.ipv4(ipv4).ipv6(ipv6));
            made.expect("it can be made");
        }
        fs::write(site.endpoints(), endpoint_file(&site)).expect("written");
        Self {
            agent: Agent::start(&site, &[]),
            site,
            seen: HashSet::new(),
            source_port: 20_000,
        }
    }

    /// Puts these policies in force, in place of those before.
    pub(super) fn enforce(&mut self, yaml: &str) {
        let before = revision(&self.agent);
        self.site.set_policies(yaml);
        wait_for("the policies to be in force", || {
            revision(&self.agent) > before
        });
    }

    /// Tries what the rows say, each on a connection of its own.
    pub(super) fn attempt_all(&mut self, rows: &[Row]) -> Vec<Outcome> {
        let mut talks = Vec::new();
        for row in rows {
            self.source_port += 1;
            let (namespace, _) = self.end(&row.from, row.ipv6);
            let (to, address) = self.end(&row.to, row.ipv6);
            let target = Target {
                namespace: to,
                address,
            };
            talks.push((
                self.source_port,
                talk(namespace, &target, row, self.source_port),
            ));
        }
        let wanted: usize = rows.iter().map(|row| row.expected.len()).sum();
        let flows = self.new_flows(wanted);
        self.seen
            .extend(flows.iter().map(|flow| uuid(flow).to_owned()));
        let outcome = |(row, (port, talk)): (&Row, (u16, Talk))| {
            let of_row = flows.iter().filter(|flow| self.is_of(flow, row, port));
            Outcome {
                talk,
                said: of_row.map(tell).collect(),
            }
        };
        rows.iter().zip(talks).map(outcome).collect()
    }

    /// The verdicts that came since the last call, as soon as there are as many as wanted, or after a while.
    fn new_flows(&self, wanted: usize) -> Vec<Value> {
        let mut flows = Vec::new();
        for _ in 0..LOOKS {
            flows = self.agent.observe(&VERDICTS);
            flows.retain(|flow| !self.seen.contains(uuid(flow)));
            if flows.len() >= wanted {
                break;
            }
            std::thread::sleep(LOOK);
        }
        flows
    }

    /// Whether a flow is of that attempt: by its port, or for want of one by its ends.
    fn is_of(&self, response: &Value, row: &Row, port: u16) -> bool {
        let flow = &response["flow"];
        let protocol = match (row.protocol, row.ipv6) {
            (Protocol::Tcp, _) => "TCP",
            (Protocol::Udp, _) => "UDP",
            (Protocol::Icmp, false) => "ICMPv4",
            (Protocol::Icmp, true) => "ICMPv6",
        };
        if row.protocol != Protocol::Icmp {
            return flow["l4"][protocol]["source_port"] == port;
        }
        let ends = [("source", &row.from), ("destination", &row.to)];
        flow["l4"][protocol].is_object()
            && ends.iter().all(|(field, name)| {
                let (_, address) = self.end(name, row.ipv6);
                flow["IP"][field] == address.to_string()
            })
    }

    /// What a table names, by its namespace and address.
    fn end(&self, name: &str, ipv6: bool) -> (&Namespace, IpAddr) {
        if name == "node" {
            let address = NODE[usize::from(ipv6)].parse().expect("an address");
            return (self.site.node.namespace(), address);
        }
        let namespace = self.site.namespace(&short(name));
        if STRANGERS.iter().any(|(stranger, _)| *stranger == name) {
            return (namespace, addresses_of_stranger(name)[usize::from(ipv6)]);
        }
        (namespace, self.site.at(&short(name), ipv6, 0).ip())
    }
}

/// The revision in force.
fn revision(agent: &Agent) -> u64 {
    let printed = agent.ask(&["policy", "list", "-o", "json"]).output();
    let list: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(list["problem"].as_str().unwrap_or_default(), "");
    number(&list["revision"])
}

/// What a flow says, as in the table. Where its fields do not agree, all of them are told.
fn tell(response: &Value) -> String {
    let flow = &response["flow"];
    let rule = response["tycho"]["rule_name"].as_str().unwrap_or_default();
    let policies = |fields: [&str; 2]| {
        let policies = fields.iter().flat_map(|field| flow[field].as_array());
        let names = policies.flatten().map(|policy| {
            let part = |name: &str| policy[name].as_str().unwrap_or_default().to_owned();
            [part("kind"), part("namespace"), part("name")]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<String>>()
                .join("/")
        });
        names.collect::<Vec<String>>().join(", ")
    };
    let allowed = policies(["ingress_allowed_by", "egress_allowed_by"]);
    let denied = policies(["ingress_denied_by", "egress_denied_by"]);
    let of_rule = rule.split_once(' ').map_or("", |(policy, _)| policy);
    let default_deny = rule.strip_prefix("default deny by ");
    let reason = flow["drop_reason_desc"].as_str().unwrap_or_default();
    let told = match (flow["verdict"].as_str().unwrap_or_default(), reason) {
        ("FORWARDED", "") if rule.is_empty() && allowed.is_empty() => Some("-".to_owned()),
        ("FORWARDED", "") if rule == "reserved:local-host" => Some(format!("by {rule}")),
        ("FORWARDED", "") if of_rule == allowed => Some(format!("by {}", without_kinds(rule))),
        ("DROPPED", "POLICY_DENIED") if default_deny == Some(&denied) => {
            Some(format!("drop {}", without_kinds(&denied)))
        }
        ("DROPPED", "POLICY_DENY") if of_rule == denied => {
            Some(format!("deny {}", without_kinds(rule)))
        }
        ("AUDIT", "") => Some(format!(
            "audit {}",
            without_kinds(default_deny.unwrap_or(rule))
        )),
        _ => None,
    };
    told.unwrap_or_else(|| format!("{response}"))
}

/// Names of policies without their kinds.
fn without_kinds(names: &str) -> String {
    let names = names
        .split(", ")
        .map(|name| name.split_once('/').map_or(name, |(_, rest)| rest));
    names.collect::<Vec<&str>>().join(", ")
}

fn uuid(response: &Value) -> &str {
    response["flow"]["uuid"]
        .as_str()
        .expect("each flow has one")
}

/// A name for a network namespace.
fn short(name: &str) -> String {
    name.replace('/', "-")
}

fn addresses_of_stranger(name: &str) -> [IpAddr; 2] {
    let (_, last) = STRANGERS
        .iter()
        .find(|(stranger, _)| *stranger == name)
        .expect("a stranger");
    [format!("10.45.0.{last}"), format!("fd45::{last}")]
        .map(|text| text.parse().expect("an address"))
}

/// The workloads as the observer reads them.
fn endpoint_file(site: &Site) -> String {
    let mut text = format!("node: {}\nnamespaces:\n", site.node_name());
    let mut line = |line: String| writeln!(text, "{line}").expect("text takes text");
    for (namespace, key, value) in NAMESPACES {
        line(format!("  {namespace}: {{{key}: {value}}}"));
    }
    line("endpoints:".to_owned());
    let pairs = |pairs: Vec<String>| pairs.join(", ");
    for (name, labels, ports) in WORKLOADS {
        let (namespace, workload) = name.split_once('/').expect("a namespace");
        let [ipv4, ipv6] = [false, true].map(|ipv6| site.at(&short(name), ipv6, 0).ip());
        let labels = labels.iter().map(|(key, value)| format!("{key}: {value}"));
        let ports = ports.iter().map(|(name, port)| format!("{name}: {port}"));
        line(format!(
            "- {{name: {workload}, namespace: {namespace}, netns: {PREFIX}-{}, ips: [{ipv4}, \"{ipv6}\"], \
             labels: {{{}}}, ports: {{{}}}}}",
            short(name),
            pairs(labels.collect()),
            pairs(ports.collect())
        ));
    }
    text
}
