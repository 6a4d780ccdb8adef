//! What services read: states that are replaced as a whole, never changed.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use policy::LabelSet;
use proto::tycho::v1::Enforcement;
use registry::endpoint_file::{EndpointSpec, Mode};

use super::endpoint_state::Standing;
use super::hits::Hits;
use super::mailbox::Mailbox;
use super::maps::MapPressure;
use crate::desired::{Owner, PolicyView};

/// Everything that is planned and in force, as of one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// The endpoints, by name.
    pub(crate) endpoints: Vec<Arc<EndpointView>>,
    /// Policies and identities.
    pub(crate) view: Arc<PolicyView>,
    /// What is not in force, and why.
    pub(crate) problems: Problems,
    /// How many identity numbers the registry has given.
    pub(crate) identities_given: usize,
    /// The node's own addresses.
    pub(crate) node_addresses: Arc<BTreeSet<IpAddr>>,
    /// Whether traffic between the node and its own endpoints passes before policy.
    pub(crate) local_host_passes: bool,
}

impl Snapshot {
    /// The endpoint of that name.
    pub(crate) fn endpoint(&self, name: &str) -> Option<&Arc<EndpointView>> {
        let found = self
            .endpoints
            .binary_search_by(|endpoint| endpoint.name.as_str().cmp(name));
        self.endpoints.get(found.ok()?)
    }
}

/// One endpoint as it is wanted, and as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndpointView {
    /// `namespace/name`, or `name`.
    pub(crate) name: String,
    /// Its number; 0 while it has none.
    pub(crate) number: u16,
    /// Its identity; 0 while it has none.
    pub(crate) identity: u32,
    /// All its labels.
    pub(crate) labels: LabelSet,
    /// Its definition.
    pub(crate) spec: Arc<EndpointSpec>,
    /// Where that comes from.
    pub(crate) owner: Owner,
    /// `file:line` of it.
    pub(crate) source: Arc<str>,
    /// Its mode, the node's if it names none.
    pub(crate) mode: Mode,
    /// What becomes of what no rule allows to it.
    pub(crate) ingress: Enforcement,
    /// What becomes of what no rule allows from it.
    pub(crate) egress: Enforcement,
    /// Number and name of its interface.
    pub(crate) interface: Option<(u32, String)>,
    /// Its state.
    pub(crate) standing: Standing,
}

/// What is not in force, and why; each is logged when it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems {
    /// The newest endpoint file.
    pub(crate) endpoints: Option<String>,
    /// The newest policies.
    pub(crate) policies: Option<String>,
    /// The newest label filter.
    pub(crate) labels: Option<String>,
    /// The newest policies of the registry.
    pub(crate) registry: Option<String>,
    /// The maps.
    pub(crate) maps: Option<String>,
    /// Why what is known of the cluster is not current, as a sentence.
    pub(crate) contact: Option<String>,
    /// What else is wrong with what the registry says, each a sentence.
    pub(crate) cluster: Vec<String>,
    /// What the API had added and what the registry has, but files define too, each a sentence.
    pub(crate) set_aside: Vec<String>,
}

impl Problems {
    /// Each as a sentence.
    pub(crate) fn sentences(&self) -> Vec<String> {
        [
            ("the newest endpoint file is not used", &self.endpoints),
            ("the newest policies are not in force", &self.policies),
            ("the newest label filter is not used", &self.labels),
            (
                "the newest policies of the registry are not in force",
                &self.registry,
            ),
            (
                "the kernel's maps are not as wanted, trying again every second",
                &self.maps,
            ),
        ]
        .into_iter()
        .filter_map(|(what, problem)| Some(format!("{what}: {}", problem.as_ref()?)))
        .chain(self.contact.iter().cloned())
        .chain(self.cluster.iter().cloned())
        .chain(self.set_aside.iter().cloned())
        .collect()
    }
}

/// Where the control thread publishes, and where it can be reached.
#[derive(Debug, Default)]
pub(crate) struct Board {
    snapshot: ArcSwapOption<Snapshot>,
    hits: ArcSwap<Hits>,
    maps: ArcSwap<Vec<MapPressure>>,
    mailbox: OnceLock<Mailbox>,
}

impl Board {
    /// The newest state; none before the first, and on a node that only shows flows.
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full()
    }

    /// The newest hits.
    pub(crate) fn hits(&self) -> Arc<Hits> {
        self.hits.load_full()
    }

    /// How full the maps are.
    pub(crate) fn maps(&self) -> Arc<Vec<MapPressure>> {
        self.maps.load_full()
    }

    /// Where commands go.
    pub(crate) fn mailbox(&self) -> Option<&Mailbox> {
        self.mailbox.get()
    }

    pub(super) fn publish(&self, snapshot: Snapshot) {
        self.snapshot.store(Some(Arc::new(snapshot)));
    }

    pub(super) fn publish_hits(&self, hits: Hits) {
        self.hits.store(Arc::new(hits));
    }

    pub(super) fn publish_maps(&self, maps: Vec<MapPressure>) {
        self.maps.store(Arc::new(maps));
    }

    /// A board has one control thread, the first.
    pub(super) fn connect(&self, mailbox: Mailbox) {
        self.mailbox.get_or_init(|| mailbox);
    }
}
