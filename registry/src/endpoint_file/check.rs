//! Checks a document and makes an [`EndpointFile`] of it, collecting every problem.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::Path;

use policy::{NAMESPACE_LABEL, NAMESPACE_LABELS_PREFIX};
use serde_saphyr::Spanned;

use super::document::{self, Document, Pairs, line};
use super::error::Problem;
use super::syntax::{self, Syntax};
use super::{
    Attachment, DEFAULT_CLUSTER, EndpointFile, EndpointSpec, MAX_ENTRIES, MAX_IPS, MAX_LABELS,
    MAX_PORTS, MAX_SPOOFING_CIDRS, Mode, Spoofing, Workload,
};

/// Makes the file of a document.
pub(super) fn check(path: &Path, document: Document) -> Result<EndpointFile, Vec<Problem>> {
    let mut checker = Checker::default();
    checker.named("node", &document.node, syntax::dns_subdomain);
    if let Some(cluster) = &document.cluster {
        checker.named("cluster", cluster, syntax::dns_label);
    }
    let file = EndpointFile {
        path: path.to_owned(),
        node: document.node.value,
        cluster: document
            .cluster
            .map_or_else(|| DEFAULT_CLUSTER.to_owned(), |cluster| cluster.value),
        namespaces: checker.namespaces(document.namespaces),
        endpoints: checker.endpoints(document.endpoints),
    };
    let mut problems = checker.problems;
    // Maps keep no order; the user reads from top to bottom.
    problems.sort_by(|a, b| (a.line, &a.field).cmp(&(b.line, &b.field)));
    if problems.is_empty() {
        Ok(file)
    } else {
        Err(problems)
    }
}

/// Makes the specification of one endpoint that stands alone.
pub(super) fn check_endpoint(
    endpoint: Spanned<document::Endpoint>,
) -> Result<EndpointSpec, Vec<Problem>> {
    let mut checker = Checker::default();
    let at = line(&endpoint);
    let spec = checker.endpoint("endpoint", at, endpoint.value);
    spec.filter(|_| checker.problems.is_empty())
        .ok_or(checker.problems)
}

#[derive(Default)]
struct Checker {
    problems: Vec<Problem>,
    /// What may occur once in the file, with the line of its first occurrence.
    names: HashMap<String, u64>,
    attachments: HashMap<Attachment, u64>,
    addresses: HashMap<IpAddr, u64>,
}

impl Checker {
    fn problem(&mut self, line: u64, field: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::new(line, field, message));
    }

    fn named(&mut self, field: &str, value: &Spanned<String>, syntax: fn(&str) -> Syntax) {
        if let Err(message) = syntax(&value.value) {
            self.problem(line(value), field, message);
        }
    }

    fn at_most(&mut self, line: u64, field: &str, found: usize, max: usize) {
        if found > max {
            self.problem(
                line,
                field,
                format!("has {found} entries; at most {max} are allowed"),
            );
        }
    }

    fn namespaces(
        &mut self,
        namespaces: HashMap<Spanned<String>, Option<Pairs>>,
    ) -> BTreeMap<String, BTreeMap<String, String>> {
        self.at_most(1, "namespaces", namespaces.len(), MAX_ENTRIES);
        let mut checked = BTreeMap::new();
        for (name, labels) in namespaces {
            let field = format!("namespaces.{}", name.value);
            self.named(&field, &name, syntax::dns_label);
            let labels = self.labels(&field, line(&name), labels.unwrap_or_default());
            checked.insert(name.value, labels);
        }
        checked
    }

    fn labels(&mut self, field: &str, at: u64, pairs: Pairs) -> BTreeMap<String, String> {
        self.at_most(at, field, pairs.len(), MAX_LABELS);
        let mut checked = BTreeMap::new();
        for (key, value) in pairs {
            let field = format!("{field}.{}", key.value);
            self.named(&field, &key, syntax::label_key);
            self.named(&field, &value, syntax::label_value);
            if key.value == NAMESPACE_LABEL || key.value.starts_with(NAMESPACE_LABELS_PREFIX) {
                let problem = Problem::new(line(&key), field, "this label is set by Tycho");
                self.problems.push(
                    problem.next("use `namespace:` of the endpoint, and `namespaces:` of the file"),
                );
            }
            checked.insert(key.value, value.value);
        }
        checked
    }

    fn endpoints(&mut self, endpoints: Vec<Spanned<document::Endpoint>>) -> Vec<EndpointSpec> {
        self.at_most(1, "endpoints", endpoints.len(), MAX_ENTRIES);
        let mut checked = Vec::with_capacity(endpoints.len());
        for (index, endpoint) in endpoints.into_iter().enumerate() {
            let at = line(&endpoint);
            let field = format!("endpoints[{index}]");
            checked.extend(self.endpoint(&field, at, endpoint.value));
        }
        checked
    }

    /// `None` when a part is missing without which there is no endpoint; a problem says so.
    fn endpoint(
        &mut self,
        field: &str,
        at: u64,
        endpoint: document::Endpoint,
    ) -> Option<EndpointSpec> {
        self.named(
            &format!("{field}.name"),
            &endpoint.name,
            syntax::dns_subdomain,
        );
        if let Some(namespace) = &endpoint.namespace {
            self.named(&format!("{field}.namespace"), namespace, syntax::dns_label);
        }
        let name_line = line(&endpoint.name);
        let attachment = self.attachment(field, at, endpoint.netns, endpoint.interface);
        let ips = self.ips(&format!("{field}.ips"), &endpoint.ips);
        let labels = self.labels(&format!("{field}.labels"), at, endpoint.labels);
        let workload = endpoint
            .workload
            .map(|workload| self.workload(field, workload));
        let ports = self.ports(&format!("{field}.ports"), at, endpoint.ports);
        let mode = endpoint
            .mode
            .and_then(|mode| self.mode(&format!("{field}.mode"), &mode));
        let spoofing = endpoint.spoofing.map_or(Spoofing::Strict, |spoofing| {
            self.spoofing(&format!("{field}.spoofing"), spoofing)
        });
        let spec = EndpointSpec {
            name: endpoint.name.value,
            namespace: endpoint.namespace.map(|namespace| namespace.value),
            attachment: attachment?,
            ips,
            labels,
            workload,
            ports,
            mode,
            spoofing,
            line: at,
        };
        self.unique_name(field, name_line, spec.qualified_name());
        Some(spec)
    }

    fn unique_name(&mut self, field: &str, at: u64, name: String) {
        match self.names.get(&name) {
            Some(first) => {
                let message = format!("`{name}` is already the endpoint of line {first}");
                let problem = Problem::new(at, format!("{field}.name"), message);
                self.problems
                    .push(problem.next("a name is unique in its namespace"));
            }
            None => {
                self.names.insert(name, at);
            }
        }
    }

    fn unique_attachment(&mut self, field: String, at: u64, attachment: &Attachment) {
        match self.attachments.get(attachment) {
            Some(first) => {
                let message = format!("is already that of the endpoint at line {first}");
                let problem = Problem::new(at, field, message);
                self.problems
                    .push(problem.next("an interface belongs to one endpoint"));
            }
            None => {
                self.attachments.insert(attachment.clone(), at);
            }
        }
    }

    fn attachment(
        &mut self,
        field: &str,
        at: u64,
        netns: Option<Spanned<String>>,
        interface: Option<Spanned<String>>,
    ) -> Option<Attachment> {
        let (value_line, key, attachment) = match (netns, interface) {
            (Some(netns), None) => {
                self.named(&format!("{field}.netns"), &netns, syntax::netns);
                (line(&netns), "netns", Attachment::Netns(netns.value))
            }
            (None, Some(interface)) => {
                self.named(&format!("{field}.interface"), &interface, syntax::interface);
                (
                    line(&interface),
                    "interface",
                    Attachment::Interface(interface.value),
                )
            }
            (Some(_), Some(interface)) => {
                let problem =
                    Problem::new(line(&interface), field, "has both `netns` and `interface`");
                self.problems
                    .push(problem.next("keep one: both say where its interface is"));
                return None;
            }
            (None, None) => {
                let problem = Problem::new(at, field, "has neither `netns` nor `interface`");
                self.problems.push(problem.next(
                    "add `netns:` with its network namespace, or `interface:` with the host end of its veth",
                ));
                return None;
            }
        };
        self.unique_attachment(format!("{field}.{key}"), value_line, &attachment);
        Some(attachment)
    }

    fn ips(&mut self, field: &str, ips: &Spanned<Vec<Spanned<String>>>) -> Vec<IpAddr> {
        self.at_most(line(ips), field, ips.value.len(), MAX_IPS);
        if ips.value.is_empty() {
            let problem = Problem::new(line(ips), field, "is empty");
            self.problems
                .push(problem.next("name at least one address, as in `[10.1.0.11]`"));
        }
        let mut checked = Vec::with_capacity(ips.value.len().min(MAX_IPS));
        for (index, text) in ips.value.iter().enumerate() {
            let field = format!("{field}[{index}]");
            match address(&text.value) {
                Err(message) => self.problem(line(text), field, message),
                Ok(address) => match self.addresses.get(&address).copied() {
                    Some(first) => {
                        let message = format!(
                            "{address} is already an address of the endpoint at line {first}"
                        );
                        self.problem(line(text), field, message);
                    }
                    None => {
                        self.addresses.insert(address, line(text));
                        checked.push(address);
                    }
                },
            }
        }
        checked
    }

    fn workload(&mut self, field: &str, workload: document::Workload) -> Workload {
        self.named(
            &format!("{field}.workload.kind"),
            &workload.kind,
            syntax::kind,
        );
        self.named(
            &format!("{field}.workload.name"),
            &workload.name,
            syntax::dns_subdomain,
        );
        Workload {
            kind: workload.kind.value,
            name: workload.name.value,
        }
    }

    fn ports(&mut self, field: &str, at: u64, pairs: Pairs) -> BTreeMap<String, u16> {
        self.at_most(at, field, pairs.len(), MAX_PORTS);
        let mut checked = BTreeMap::new();
        for (name, number) in pairs {
            let field = format!("{field}.{}", name.value);
            self.named(&field, &name, syntax::port_name);
            match number.value.parse() {
                Ok(0) | Err(_) => {
                    let message = format!("`{}` is no port from 1 to 65535", number.value);
                    self.problem(line(&number), field, message);
                }
                Ok(port) => {
                    checked.insert(name.value, port);
                }
            }
        }
        checked
    }

    fn mode(&mut self, field: &str, mode: &Spanned<String>) -> Option<Mode> {
        match mode.value.as_str() {
            "enforce" => Some(Mode::Enforce),
            "audit" => Some(Mode::Audit),
            "off" => Some(Mode::Off),
            other => {
                let message = format!("`{other}` is none of `enforce`, `audit`, `off`");
                self.problem(line(mode), field, message);
                None
            }
        }
    }

    fn spoofing(&mut self, field: &str, spoofing: Spanned<document::Spoofing>) -> Spoofing {
        let at = line(&spoofing);
        let texts = match spoofing.value {
            document::Spoofing::Word(word) if word == "strict" => return Spoofing::Strict,
            document::Spoofing::Word(word) if word == "off" => return Spoofing::Off,
            document::Spoofing::Word(word) => {
                let message = format!("`{word}` is neither `strict` nor `off` nor a list of CIDRs");
                self.problem(at, field, message);
                return Spoofing::Strict;
            }
            document::Spoofing::Cidrs(texts) => texts,
        };
        self.at_most(at, field, texts.len(), MAX_SPOOFING_CIDRS);
        let mut cidrs = Vec::with_capacity(texts.len().min(MAX_SPOOFING_CIDRS));
        for (index, text) in texts.iter().enumerate() {
            match text.value.parse() {
                Ok(cidr) => cidrs.push(cidr),
                Err(error) => {
                    self.problem(line(text), format!("{field}[{index}]"), format!("{error}"))
                }
            }
        }
        Spoofing::Cidrs(cidrs)
    }
}

/// An address that can be an endpoint's own.
fn address(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text
        .parse()
        .map_err(|_ignored| match text.split_once('/') {
            Some((before, _)) if before.parse::<IpAddr>().is_ok() => {
                format!("`{text}` is a network; write the address alone: `{before}`")
            }
            _ => format!("`{text}` is no IP address"),
        })?;
    let kind = match address {
        _ if address.is_unspecified() => "the unspecified address",
        _ if address.is_loopback() => "a loopback address, which never leaves the endpoint",
        _ if address.is_multicast() => "a multicast address",
        IpAddr::V4(v4) if v4.is_broadcast() => "the broadcast address",
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
            "an IPv4 address in IPv6 clothes; write it as IPv4"
        }
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            "link-local, which is not unique on the node"
        }
        _ => return Ok(address),
    };
    Err(format!("`{text}` is {kind}"))
}
