//! The endpoints of both owners, the file's and those that were added through the API.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use registry::endpoint_file::{Attachment, EndpointFile, EndpointSpec};

/// Where something was defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// In a file that the node follows.
    File,
    /// Through the API.
    Api,
}

/// Something that two owners claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{api}: {what} is already that of the endpoint at {file}")]
pub(crate) struct ClashError {
    /// What they both have.
    what: String,
    /// Where the file says so.
    file: String,
    /// Where the endpoint of the API stands.
    api: String,
}

/// One endpoint and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) spec: Arc<EndpointSpec>,
    pub(super) owner: Owner,
    /// `file:line`.
    pub(super) source: Arc<str>,
}

/// All endpoints that the node shall have.
#[derive(Clone, Debug)]
pub(super) struct Inventory {
    file: Arc<EndpointFile>,
    api: Option<Arc<EndpointFile>>,
    listed: Vec<Listed>,
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
}

impl Inventory {
    /// Those of the file alone.
    pub(super) fn new(file: Arc<EndpointFile>) -> Self {
        Self::merged(file, None)
    }

    /// With a newer version of the file.
    pub(super) fn with_file(&self, file: Arc<EndpointFile>) -> Result<Self, ClashError> {
        Self::checked(file, self.api.clone())
    }

    /// With a newer version of what the API has added.
    pub(super) fn with_api(&self, api: Arc<EndpointFile>) -> Result<Self, ClashError> {
        Self::checked(Arc::clone(&self.file), Some(api))
    }

    /// The endpoints, the file's first.
    pub(super) fn endpoints(&self) -> &[Listed] {
        &self.listed
    }

    /// The cluster of all of them.
    pub(super) fn cluster(&self) -> &str {
        &self.file.cluster
    }

    /// The labels of namespaces; what the file says goes before what the API was told.
    pub(super) fn namespaces(&self) -> &BTreeMap<String, BTreeMap<String, String>> {
        &self.namespaces
    }

    fn checked(
        file: Arc<EndpointFile>,
        api: Option<Arc<EndpointFile>>,
    ) -> Result<Self, ClashError> {
        if let Some(api) = &api {
            refuse_clashes(&file, api)?;
        }
        Ok(Self::merged(file, api))
    }

    fn merged(file: Arc<EndpointFile>, api: Option<Arc<EndpointFile>>) -> Self {
        let mut listed = list(&file, Owner::File);
        let mut namespaces = file.namespaces.clone();
        if let Some(api) = &api {
            listed.extend(list(api, Owner::Api));
            for (namespace, labels) in &api.namespaces {
                namespaces
                    .entry(namespace.clone())
                    .or_insert_with(|| labels.clone());
            }
        }
        Self {
            file,
            api,
            listed,
            namespaces,
        }
    }
}

fn list(file: &EndpointFile, owner: Owner) -> Vec<Listed> {
    let listed = file.endpoints.iter().map(|spec| Listed {
        source: place(&file.path, spec).into(),
        spec: Arc::new(spec.clone()),
        owner,
    });
    listed.collect()
}

fn place(path: &Path, spec: &EndpointSpec) -> String {
    format!("{}:{}", path.display(), spec.line)
}

/// Each file was checked for itself; this is about what both have.
fn refuse_clashes(file: &EndpointFile, api: &EndpointFile) -> Result<(), ClashError> {
    let names = by(file, |spec| [spec.qualified_name()]);
    let addresses = by(file, |spec| spec.ips.clone());
    let attachments = by(file, |spec| [spec.attachment.clone()]);
    let clash = |what: String, spec: &EndpointSpec, other: &EndpointSpec| ClashError {
        what,
        file: place(&file.path, other),
        api: place(&api.path, spec),
    };
    for spec in &api.endpoints {
        let name = spec.qualified_name();
        if let Some(other) = names.get(&name) {
            return Err(clash(format!("the name `{name}`"), spec, other));
        }
        let taken = |ip: &IpAddr| Some((*ip, *addresses.get(ip)?));
        if let Some((ip, other)) = spec.ips.iter().find_map(taken) {
            return Err(clash(format!("the address {ip}"), spec, other));
        }
        if let Some(other) = attachments.get(&spec.attachment) {
            let what = match &spec.attachment {
                Attachment::Netns(name) => format!("the network namespace `{name}`"),
                Attachment::Interface(name) => format!("the interface `{name}`"),
            };
            return Err(clash(what, spec, other));
        }
    }
    Ok(())
}

fn by<K: Eq + Hash, I: IntoIterator<Item = K>>(
    file: &EndpointFile,
    keys: impl Fn(&EndpointSpec) -> I,
) -> HashMap<K, &EndpointSpec> {
    let pairs = file.endpoints.iter();
    pairs
        .flat_map(|spec| keys(spec).into_iter().map(move |key| (key, spec)))
        .collect()
}
