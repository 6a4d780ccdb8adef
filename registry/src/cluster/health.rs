//! How it stands between this node and the registry.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use policy::{Identity, LabelSet};

use super::error::RegistryError;

/// Whether the backend can be reached.
#[derive(Clone, Debug)]
pub enum Contact {
    /// Not reached yet since this process started; what is known is what an earlier one has kept, or nothing.
    Starting,
    /// Reached, and what is known is current.
    Connected {
        /// Since when.
        since: SystemTime,
    },
    /// Not reached: everything goes on with what was known last.
    Away {
        /// Since when.
        since: SystemTime,
        /// Why.
        error: Arc<RegistryError>,
    },
    /// Reached, but not this node's cluster: nothing of it is taken, and nothing written to it.
    Refused {
        /// Since when.
        since: SystemTime,
        /// Why, and what to do.
        error: Arc<RegistryError>,
    },
}

/// How it stands between this node and the registry.
#[derive(Clone, Debug)]
pub struct RegistryHealth {
    /// The backend, without secrets: `file:/run/tycho/registry`, `etcd://10.0.0.1:2379/tycho`.
    pub backend: String,
    /// The cluster's random name, once it was reached and has one.
    pub cluster_id: Option<String>,
    /// Whether it can be reached.
    pub contact: Contact,
    /// When it last answered.
    pub last_contact: Option<SystemTime>,
    /// The last error, also after it has passed.
    pub last_error: Option<Arc<RegistryError>>,
    /// The revision up to which this node knows everything.
    pub revision: u64,
    /// How often contact was lost.
    pub losses: u64,
    /// Entries that could not be understood and are left out, and one of them with what is wrong with it.
    pub ignored: u64,
    /// One of the entries that are left out.
    pub ignored_example: Option<String>,
    /// Whether this node, and all its endpoints, stand in the registry as it published them.
    pub published: bool,
    /// Identities that this node uses but that stand for other labels by now, with the labels it uses them for: it
    /// has to allocate these anew. Endpoints with such an identity are not published.
    pub distrusted: Arc<BTreeMap<Identity, LabelSet>>,
}

impl RegistryHealth {
    /// Before the first contact.
    #[must_use]
    pub fn new(backend: impl Into<String>) -> Self {
        Self {
            backend: backend.into(),
            cluster_id: None,
            contact: Contact::Starting,
            last_contact: None,
            last_error: None,
            revision: 0,
            losses: 0,
            ignored: 0,
            ignored_example: None,
            published: false,
            distrusted: Arc::default(),
        }
    }

    /// Whether what is known is current.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self.contact, Contact::Connected { .. })
    }
}
