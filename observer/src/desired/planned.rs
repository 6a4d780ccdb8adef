//! Endpoints and networks with their numbers, and for whom policies are compiled.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use policy::{Cidr, Identity, LabelSet, NamedPorts};
use registry::endpoint_file::labels;

use super::error::BookError;
use super::history::{ENDPOINT_KEY, PREFIX_KEY};
use super::inventory::Listed;
use super::plan::Planner;
use super::{DesiredEndpoint, DesiredPrefix, WaitingEndpoint, endpoint};

/// The endpoints as planned, and who of them policies are compiled for.
#[derive(Default)]
pub(super) struct Planned {
    pub(super) endpoints: Vec<DesiredEndpoint>,
    pub(super) waiting: Vec<WaitingEndpoint>,
    pub(super) subjects: BTreeMap<Identity, LabelSet>,
    pub(super) named_ports: NamedPorts,
}

impl Planner {
    /// Every endpoint with its numbers. One that gets none waits; if it was there before, it stays as it was.
    pub(super) fn plan_endpoints(&mut self) -> Result<Planned, BookError> {
        let before = Arc::clone(&self.view.endpoints);
        let mut planned = Planned::default();
        for listed in self.inventory.endpoints().to_vec() {
            let all = labels(&listed.spec, self.inventory.namespaces());
            let endpoint = match self.plan_endpoint(&listed, &all) {
                Err(error @ (BookError::Exhausted { .. } | BookError::NotNumbered { .. })) => {
                    let name = listed.spec.qualified_name();
                    let as_before = before.iter().find(|known| known.name == name).cloned();
                    planned.waiting.push(waiting(listed, name, all, &error));
                    as_before
                }
                endpoint => Some(endpoint?),
            };
            if let Some(endpoint) = endpoint {
                self.add_subject(&endpoint, &mut planned)?;
                planned.endpoints.push(endpoint);
            }
        }
        self.forget_refusals();
        self.plan_remotes(&mut planned)?;
        Ok(planned)
    }

    fn plan_endpoint(
        &mut self,
        listed: &Listed,
        all: &LabelSet,
    ) -> Result<DesiredEndpoint, BookError> {
        let spec = &listed.spec;
        let name = spec.qualified_name();
        let relevant = self.filter.relevant(all);
        let Some(identity) = self.book.identity(&relevant) else {
            return Err(self.numbering.want(relevant));
        };
        self.book.claim(identity);
        let number = self.book.endpoint(&name)?;
        let cluster = self.inventory.cluster();
        let content = endpoint::content(spec, cluster, all.clone(), number, identity);
        let metadata = self
            .book
            .metadata(&format!("{ENDPOINT_KEY}{name}"), content)?;
        let set = self.book.policy_set(identity)?;
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        Ok(DesiredEndpoint {
            name,
            attachment: spec.attachment.clone(),
            addresses: spec.ips.clone(),
            row: endpoint::row(spec, self.settings.mode, number, identity, metadata, set),
            sources: endpoint::sources(spec),
            owner: listed.owner,
            source: Arc::clone(&listed.source),
            spec: Arc::clone(spec),
            labels: all.clone(),
        })
    }

    /// What other nodes have. Their named ports count like those of this node: a rule that names a port means every
    /// endpoint it is about.
    fn plan_remotes(&mut self, planned: &mut Planned) -> Result<(), BookError> {
        let endpoints = planned.endpoints.iter();
        let local = endpoints.flat_map(|endpoint| {
            let addresses = endpoint.addresses.iter();
            addresses.map(|address| (*address, endpoint.name.clone()))
        });
        self.remotes
            .plan(&mut self.book, &mut self.numbering, local.collect())?;
        self.remotes
            .add_named_ports(&self.book, &mut planned.named_ports);
        Ok(())
    }

    fn add_subject(
        &self,
        endpoint: &DesiredEndpoint,
        planned: &mut Planned,
    ) -> Result<(), BookError> {
        let identity = Identity(endpoint.row.identity);
        let Some(labels) = self.book.identities.labels(identity) else {
            return Ok(());
        };
        for (name, port) in &endpoint.spec.ports {
            planned.named_ports.insert(identity, labels, name, *port);
        }
        planned
            .subjects
            .entry(identity)
            .or_insert_with(|| labels.clone());
        Ok(())
    }

    /// The networks with their numbers.
    pub(super) fn number_prefixes(
        &mut self,
        prefixes: &BTreeSet<Cidr>,
    ) -> Result<Vec<DesiredPrefix>, BookError> {
        let mut numbered = Vec::with_capacity(prefixes.len());
        for &cidr in prefixes {
            let identity = self.book.prefix(cidr)?;
            let metadata = if identity.name().is_some() {
                // The metadata of reserved identities has their numbers.
                identity.0
            } else {
                let content = endpoint::prefix_content(cidr, identity);
                self.book
                    .metadata(&format!("{PREFIX_KEY}{cidr}"), content)?
            };
            numbered.push(DesiredPrefix {
                cidr,
                identity,
                metadata,
            });
        }
        Ok(numbered)
    }

    /// What is known of endpoints and networks that are gone holds no more.
    pub(super) fn close_gone(
        &mut self,
        planned: &Planned,
        prefixes: &[DesiredPrefix],
    ) -> Result<(), BookError> {
        let endpoints = planned.endpoints.iter();
        let endpoints = endpoints.map(|endpoint| format!("{ENDPOINT_KEY}{}", endpoint.name));
        let prefixes = prefixes
            .iter()
            .map(|prefix| format!("{PREFIX_KEY}{}", prefix.cidr));
        let own: HashSet<String> = endpoints.chain(prefixes).collect();
        self.book
            .close_metadata(|key| own.contains(key) || self.remotes.has_metadata(key))
    }
}

fn waiting(listed: Listed, name: String, labels: LabelSet, error: &BookError) -> WaitingEndpoint {
    WaitingEndpoint {
        name,
        owner: listed.owner,
        source: listed.source,
        spec: listed.spec,
        labels,
        reason: error.to_string(),
        asked: matches!(error, BookError::NotNumbered { problem: None }),
    }
}
