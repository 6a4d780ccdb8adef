//! What two owners claim: where both say so, and what ends it.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::path::Path;

use policy::{Policy, PolicyName, RepositoryError};
use registry::endpoint_file::{Attachment, EndpointFile, EndpointSpec};

use super::inventory::Owner;

/// What begins the names of policy files that are entries of the registry.
pub(crate) const OF_REGISTRY: &str = "registry:";

/// Something of an endpoint that two owners claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{api}: {what} is already that of the endpoint at {file}")]
pub(crate) struct ClashError {
    /// What they both have.
    what: String,
    /// Where the file says so.
    file: String,
    /// Where the endpoint of the API stands.
    api: String,
    /// The endpoint of the API.
    name: String,
}

impl ClashError {
    /// The clash and how it is ended, for whoever did not just ask for the endpoint.
    pub(crate) fn with_next_step(&self) -> String {
        let name = &self.name;
        format!("{self}: remove it from the file, or run `tycho endpoint remove {name}`")
    }
}

/// The same for policies; `None` if this error is not about one of two owners.
pub(super) fn policy_clash(
    error: &RepositoryError,
    owner: impl Fn(&str) -> Owner,
) -> Option<String> {
    let RepositoryError::Duplicate {
        name,
        file,
        other_file,
        ..
    } = error
    else {
        return None;
    };
    let mut owners = [(owner(file), file), (owner(other_file), other_file)];
    owners.sort();
    let [(first, _), (second, _)] = owners;
    let steps = owners.map(|(owner, file)| match owner {
        Owner::File => "remove it from the file".to_owned(),
        Owner::Api => format!("run `tycho policy delete {name}`"),
        Owner::Registry => {
            let entry = file.strip_prefix(OF_REGISTRY).unwrap_or(file);
            format!("run `tycho registry policy delete {entry}`")
        }
    });
    (first != second).then(|| format!("{error}: {}", steps.join(", or ")))
}

/// A policy that another owner defines too.
pub(super) fn policy_in_both(policy: &Policy, other: &Policy) -> RepositoryError {
    RepositoryError::Duplicate {
        name: Box::new(PolicyName::clone(&policy.name)),
        file: policy.file.clone(),
        line: policy.line,
        other_file: other.file.clone(),
        other_line: other.line,
    }
}

/// `file:line` of an endpoint.
pub(super) fn place(path: &Path, spec: &EndpointSpec) -> String {
    format!("{}:{}", path.display(), spec.line)
}

/// The endpoints of the API that have what one of the file has, by name. Each file was checked for itself.
pub(super) fn clashes(file: &EndpointFile, api: &EndpointFile) -> BTreeMap<String, ClashError> {
    let taken = Taken::by(file);
    let clash = |spec: &EndpointSpec| {
        let name = spec.qualified_name();
        let (what, other) = taken.of(spec)?;
        let error = ClashError {
            what,
            file: place(&file.path, other),
            api: place(&api.path, spec),
            name: name.clone(),
        };
        Some((name, error))
    };
    api.endpoints.iter().filter_map(clash).collect()
}

/// What the endpoints of a file have that no other may have.
pub(crate) struct Taken<'a> {
    names: HashMap<String, &'a EndpointSpec>,
    addresses: HashMap<IpAddr, &'a EndpointSpec>,
    attachments: HashMap<Attachment, &'a EndpointSpec>,
}

impl<'a> Taken<'a> {
    /// By the endpoints of this file.
    pub(crate) fn by(file: &'a EndpointFile) -> Self {
        Self {
            names: by(file, |spec| [spec.qualified_name()]),
            addresses: by(file, |spec| spec.ips.clone()),
            attachments: by(file, |spec| [spec.attachment.clone()]),
        }
    }

    /// What of this endpoint is taken, in words, and who has it.
    pub(crate) fn of(&self, spec: &EndpointSpec) -> Option<(String, &'a EndpointSpec)> {
        let name = spec.qualified_name();
        if let Some(other) = self.names.get(&name) {
            return Some((format!("the name `{name}`"), other));
        }
        let address = |ip: &IpAddr| Some((format!("the address {ip}"), *self.addresses.get(ip)?));
        if let Some(found) = spec.ips.iter().find_map(address) {
            return Some(found);
        }
        let other = self.attachments.get(&spec.attachment)?;
        let what = match &spec.attachment {
            Attachment::Netns(name) => format!("the network namespace `{name}`"),
            Attachment::Interface(name) => format!("the interface `{name}`"),
        };
        Some((what, other))
    }
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
