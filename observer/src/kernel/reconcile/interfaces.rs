//! Which interface each endpoint has: looked for each second, since namespaces and veths come and go.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use flow::interfaces::InterfaceTable;
use registry::endpoint_file::Attachment;

use crate::desired::DesiredEndpoint;
use crate::links::{self, Link, LinksError};

/// The node's interfaces and addresses, and which endpoint is where.
#[derive(Debug)]
pub(super) struct Interfaces {
    namespace: Option<PathBuf>,
    table: Arc<InterfaceTable>,
    links: Vec<Link>,
    /// The same by number.
    present: HashMap<u32, Link>,
    /// False when the node's interfaces could not be listed: then nothing is known to be gone.
    listed: bool,
    addresses: BTreeSet<IpAddr>,
    found: HashMap<String, (Attachment, Link)>,
    /// Interfaces of all that were found.
    used: HashSet<u32>,
    /// Endpoints without interface, and why.
    waiting: BTreeMap<String, String>,
    complaint: Option<String>,
}

impl Interfaces {
    pub(super) fn new(namespace: Option<PathBuf>, table: Arc<InterfaceTable>) -> Self {
        Self {
            namespace,
            table,
            links: Vec::new(),
            present: HashMap::new(),
            listed: false,
            addresses: BTreeSet::new(),
            found: HashMap::new(),
            used: HashSet::new(),
            waiting: BTreeMap::new(),
            complaint: None,
        }
    }

    /// Looks at the node's interfaces and finds that of each endpoint.
    pub(super) fn look(&mut self, endpoints: &[DesiredEndpoint]) {
        match self.list() {
            Ok(()) => self.complaint = None,
            Err(error) => {
                let text = describe(&error);
                if self.complaint.as_ref() != Some(&text) {
                    tracing::error!("{text}; trying again every second");
                    self.complaint = Some(text);
                }
            }
        }
        let mut found = HashMap::with_capacity(endpoints.len());
        let mut waiting = BTreeMap::new();
        for endpoint in endpoints {
            match self.find(endpoint) {
                Ok(link) => {
                    let place = (endpoint.attachment.clone(), link);
                    found.insert(endpoint.name.clone(), place);
                }
                Err(reason) => {
                    waiting.insert(endpoint.name.clone(), reason);
                }
            }
        }
        self.used = found.values().map(|(_, link)| link.ifindex).collect();
        self.found = found;
        self.waiting = waiting;
    }

    /// Number and name of an endpoint's interface.
    pub(super) fn found(&self, endpoint: &str) -> Option<(u32, String)> {
        let (_, link) = self.found.get(endpoint)?;
        Some((link.ifindex, link.name.clone()))
    }

    /// Why an endpoint has no interface.
    pub(super) fn why_waiting(&self, endpoint: &str) -> String {
        let reason = self.waiting.get(endpoint).cloned();
        reason.unwrap_or_else(|| "nobody has looked for its interface yet".to_owned())
    }

    /// Number of an endpoint's interface.
    pub(super) fn ifindex(&self, endpoint: &str) -> Option<u32> {
        self.found.get(endpoint).map(|(_, link)| link.ifindex)
    }

    /// The node's own addresses.
    pub(super) fn node_addresses(&self) -> &BTreeSet<IpAddr> {
        &self.addresses
    }

    /// Whether an endpoint has this interface.
    pub(super) fn is_used(&self, ifindex: u32) -> bool {
        self.used.contains(&ifindex)
    }

    /// Whether the interface is there, as far as is known.
    pub(super) fn may_exist(&self, ifindex: u32) -> bool {
        !self.listed || self.present.contains_key(&ifindex)
    }

    fn list(&mut self) -> Result<(), LinksError> {
        self.listed = false;
        let namespace = self.namespace.as_deref();
        let links = links::links(namespace)?;
        self.addresses = links::addresses(namespace)?;
        self.listed = true;
        if links != self.links {
            let names = links.iter().map(|link| (link.ifindex, link.name.clone()));
            self.table.replace(names);
            self.present = links
                .iter()
                .map(|link| (link.ifindex, link.clone()))
                .collect();
            self.links = links;
        }
        Ok(())
    }

    fn find(&self, endpoint: &DesiredEndpoint) -> Result<Link, String> {
        // A veth goes with its namespace, so as long as it is there it is the endpoint's.
        if let Some((attachment, link)) = self.found.get(&endpoint.name)
            && *attachment == endpoint.attachment
            && (!self.listed || self.present.get(&link.ifindex) == Some(link))
        {
            return Ok(link.clone());
        }
        let found = match &endpoint.attachment {
            Attachment::Netns(netns) => {
                links::host_end(netns, &self.links).map_err(|error| describe(&error))
            }
            Attachment::Interface(name) => self
                .links
                .iter()
                .find(|link| link.name == *name)
                .ok_or_else(|| format!("the node has no interface `{name}`")),
        };
        found.cloned()
    }
}

fn describe(error: &LinksError) -> String {
    let cause = std::error::Error::source(error);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
