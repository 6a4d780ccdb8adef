//! What the control thread needs of the kernel's maps: the one seam between planning and the loader.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use bpf_events::ipcache::AddressInfo;
use flow::edges::EdgeTotal;
use policy::Cidr;

use crate::agent_events::AGENT_EVENTS;
use crate::desired::{Desired, InUse};

/// Why maps or interfaces are not as wanted.
pub(crate) type MapsError = Box<dyn std::error::Error + Send + Sync>;

/// The owner of the maps and of the attachments.
pub(crate) trait Maps: Send {
    /// Brings maps and attachments to what is desired, which is `new` since the last call or not. An endpoint without
    /// interface is no error.
    fn apply(&mut self, desired: &Desired, new: bool) -> Result<(), MapsError>;

    /// What [`Maps::apply`] has changed in the IP cache since the last call of this.
    fn take_ip_cache_news(&mut self) -> IpCacheNews;

    /// Where an endpoint stands since the last [`Maps::apply`].
    fn place(&self, endpoint: &str) -> Place;

    /// The node's own addresses.
    fn node_addresses(&self) -> BTreeSet<IpAddr>;

    /// Tells what idle connections owe.
    fn sweep(&mut self) -> Result<(), MapsError>;

    /// Frees the slots of edges that have been idle for this long; how many.
    fn reclaim_edges(&mut self, idle: Duration) -> Result<u64, MapsError>;

    /// Says that these numbers may be given again: counts that still name them are nobody's.
    fn forget_numbers(&mut self, rules: &[u32], identities: &[u32]) -> Result<(), MapsError>;

    /// Numbers that the kernel may still put into records.
    fn in_use(&mut self) -> Result<InUse, MapsError>;

    /// What each rule has decided.
    fn rule_totals(&mut self) -> Result<HashMap<u32, RuleTotal>, MapsError>;

    /// What every edge has counted.
    fn edges(&mut self) -> Result<CountedEdges, MapsError>;

    /// Since when that is counted, nanoseconds since 1970.
    fn counted_since_ns(&self) -> u64;

    /// How full the maps are.
    fn pressure(&mut self) -> Result<Vec<MapPressure>, MapsError>;

    /// Takes the programs off every interface, and all pins away.
    fn detach(&mut self) -> Result<(), MapsError>;
}

/// Where an endpoint stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Its interface is not there.
    Waiting {
        /// Why.
        reason: String,
    },
    /// Its interface is there and refuses.
    Refused {
        /// Number and name of the interface.
        interface: (u32, String),
        /// Why.
        reason: String,
    },
    /// The programs are attached and know the endpoint.
    Attached {
        /// Number and name of the interface.
        interface: (u32, String),
    },
}

/// Changes of the IP cache: the newest, oldest first.
#[derive(Debug, Default)]
pub(crate) struct IpCacheNews {
    pub(crate) changes: VecDeque<IpCacheChange>,
    /// Older ones, of which only the count is kept.
    pub(crate) older: u64,
}

/// What addresses resolve to from now on, and did before; at least one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IpCacheChange {
    pub(crate) cidr: Cidr,
    pub(crate) before: Option<AddressInfo>,
    pub(crate) now: Option<AddressInfo>,
}

impl IpCacheNews {
    /// Adds a change; the oldest is only counted if there are more than agent events can tell of.
    pub(crate) fn add(&mut self, change: IpCacheChange) {
        if self.changes.len() == AGENT_EVENTS {
            self.changes.pop_front();
            self.older += 1;
        }
        self.changes.push_back(change);
    }
}

/// What the edges of a node have counted.
#[derive(Debug, Default)]
pub(crate) struct CountedEdges {
    /// Each total once.
    pub(crate) totals: Vec<EdgeTotal>,
    /// The "other" slot of each endpoint, by the endpoint's number.
    pub(crate) other_slots: Vec<(u16, u32)>,
}

/// Packets and bytes that a rule has decided about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleTotal {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

/// How full one map is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MapPressure {
    /// Its name.
    pub(crate) map: String,
    /// Entries in use.
    pub(crate) entries: u64,
    /// Entries at most.
    pub(crate) capacity: u64,
    /// The map and what happens when it is full, in words.
    pub(crate) meaning: String,
}

impl MapPressure {
    /// Whether it is full enough to be warned of: above four fifths.
    pub(crate) fn is_high(&self) -> bool {
        self.capacity > 0 && self.entries.saturating_mul(5) > self.capacity.saturating_mul(4)
    }
}
