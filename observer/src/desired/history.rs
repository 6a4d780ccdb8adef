//! What held when, for look-ups as of a time: identities and endpoints.

use std::sync::Arc;

use flow::journal::Journal;
use flow::metadata::MetadataVersion;
use policy::{Identity, LabelSet};

/// Ended spans that are remembered, of each kind.
const REMEMBERED: usize = 4_096;

/// What begins the keys of endpoints in the metadata table.
pub(super) const ENDPOINT_KEY: &str = "endpoint/";

/// What begins the keys of networks in the metadata table.
pub(super) const PREFIX_KEY: &str = "cidr/";

/// Labels by identity.
pub(crate) type IdentityJournal = Journal<Identity, LabelSet>;

/// What was known by name of endpoint, `namespace/name`.
pub(crate) type EndpointJournal = Journal<String, EndpointVersion>;

/// One version of what was known of an endpoint. Equal if it has the same index.
#[derive(Clone, Debug)]
pub(crate) struct EndpointVersion(pub(crate) Arc<MetadataVersion>);

impl PartialEq for EndpointVersion {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The journals. Whoever has taken one keeps it as it was.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) identities: Arc<IdentityJournal>,
    pub(super) endpoints: Arc<EndpointJournal>,
}

impl History {
    /// Nothing has happened yet.
    pub(super) fn new(known_since_ns: u64) -> Self {
        Self {
            identities: Arc::new(Journal::new(REMEMBERED, known_since_ns)),
            endpoints: Arc::new(Journal::new(REMEMBERED, known_since_ns)),
        }
    }

    pub(super) fn identity_begins(&mut self, identity: Identity, labels: LabelSet, at_ns: u64) {
        Arc::make_mut(&mut self.identities).begin(identity, labels, at_ns);
    }

    pub(super) fn identity_ends(&mut self, identity: Identity, at_ns: u64) {
        Arc::make_mut(&mut self.identities).end(&identity, at_ns);
    }

    /// `key` is that of the metadata table; networks are identities, and no endpoints.
    pub(super) fn endpoint_begins(&mut self, key: &str, version: Arc<MetadataVersion>, at_ns: u64) {
        if let Some(name) = key.strip_prefix(ENDPOINT_KEY) {
            let endpoints = Arc::make_mut(&mut self.endpoints);
            endpoints.begin(name.to_owned(), EndpointVersion(version), at_ns);
        }
    }

    pub(super) fn endpoint_ends(&mut self, key: &str, at_ns: u64) {
        if let Some(name) = key.strip_prefix(ENDPOINT_KEY) {
            Arc::make_mut(&mut self.endpoints).end(&name.to_owned(), at_ns);
        }
    }
}
