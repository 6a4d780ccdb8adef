//! The kernel's maps as the control thread sees them.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bpf_loader::Pins;
use flow::edges::{EdgeId, EdgeTotal};

use super::account::Account;
use super::open::Kernel;
use super::reconcile::{ReconcileError, Reconciler};
use super::saved_edges::SavedFile;
use crate::control::{CountedEdges, IpCacheNews, MapPressure, Maps, MapsError, Place, RuleTotal};
use crate::desired::{Desired, InUse};
use crate::pipeline::wall_ns;

/// The owner of the datapath, behind the seam.
pub(crate) struct KernelMaps {
    reconciler: Reconciler,
    account: Arc<Account>,
    pins: Option<Pins>,
    saved: SavedFile,
    counted_since_ns: u64,
}

impl KernelMaps {
    /// Takes the datapath over; the rest is for the drain thread.
    ///
    /// # Errors
    /// When what stands in the maps cannot be read.
    pub(crate) fn new(
        kernel: Kernel,
        namespace: Option<std::path::PathBuf>,
        interfaces: Arc<flow::interfaces::InterfaceTable>,
    ) -> Result<(Self, Drainable), ReconcileError> {
        let Kernel {
            datapath,
            ring,
            base,
            account,
            pins,
            saved,
        } = kernel;
        let drainable = Drainable {
            ring,
            base,
            counters: datapath.counters.clone(),
        };
        let pins = pins.map(Pins::at);
        let maps = Self {
            reconciler: Reconciler::new(datapath, namespace, interfaces)?,
            account,
            counted_since_ns: pins.as_ref().and_then(pinned_since_ns).unwrap_or(wall_ns()),
            pins,
            saved,
        };
        Ok((maps, drainable))
    }

    fn save_edges(&mut self) -> Result<(), MapsError> {
        let saved = self.reconciler.datapath().edges.saved();
        Ok(self.saved.write(saved)?)
    }
}

/// What the drain thread needs.
pub(crate) struct Drainable {
    pub(crate) ring: bpf_loader::ring::EventRing,
    pub(crate) base: super::base::Base,
    pub(crate) counters: bpf_loader::counters::Counters,
}

/// Counting began with the maps.
fn pinned_since_ns(pins: &Pins) -> Option<u64> {
    let since = pins.made_at()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

impl Maps for KernelMaps {
    fn apply(&mut self, desired: &Desired, new: bool) -> Result<(), MapsError> {
        Ok(self.reconciler.apply(desired, new)?)
    }

    fn take_ip_cache_news(&mut self) -> IpCacheNews {
        self.reconciler.take_ip_cache_news()
    }

    fn place(&self, endpoint: &str) -> Place {
        self.reconciler.place(endpoint)
    }

    fn node_addresses(&self) -> BTreeSet<IpAddr> {
        self.reconciler.node_addresses().clone()
    }

    fn sweep(&mut self) -> Result<(), MapsError> {
        let sweep = self.reconciler.datapath().sweep()?;
        self.account.swept(&sweep);
        Ok(())
    }

    fn reclaim_edges(&mut self, idle: Duration) -> Result<u64, MapsError> {
        let freed = self.reconciler.datapath().reclaim_edges(idle)?;
        self.save_edges()?;
        Ok(freed)
    }

    fn forget_numbers(&mut self, rules: &[u32], identities: &[u32]) -> Result<(), MapsError> {
        let edges = &mut self.reconciler.datapath().edges;
        edges.forget_numbers(rules, identities);
        self.save_edges()
    }

    fn in_use(&mut self) -> Result<InUse, MapsError> {
        let datapath = self.reconciler.datapath();
        let held = datapath.in_use()?;
        let mut in_use = InUse {
            rules: held.rules,
            metadata: held.metadata,
            identities: held.identities,
            policy_sets: datapath.policy_sets.live().collect(),
        };
        for (_, row) in datapath.endpoints.live() {
            in_use.metadata.insert(row.metadata);
            in_use.identities.insert(row.identity);
            in_use.policy_sets.insert(row.policy_set);
        }
        Ok(in_use)
    }

    fn rule_totals(&mut self) -> Result<HashMap<u32, RuleTotal>, MapsError> {
        let totals = self.reconciler.datapath().rule_totals()?.into_iter();
        let total = |total: bpf_events::counters::Total| RuleTotal {
            packets: total.packets,
            bytes: total.bytes,
        };
        Ok(totals.map(|(rule, each)| (rule, total(each))).collect())
    }

    fn edges(&mut self) -> Result<CountedEdges, MapsError> {
        let datapath = self.reconciler.datapath();
        let edges = &datapath.edges;
        let total = |id, counts| EdgeTotal { id, counts };
        let all = edges.all()?.into_iter();
        let all = all.map(|(key, counts)| total(EdgeId::Edge(key), counts));
        let others = edges.others();
        let others = others.map(|(slot, counts)| total(EdgeId::Other(slot), counts));
        let forgotten = total(EdgeId::Forgotten, edges.forgotten());
        let rows = datapath.endpoints.live();
        Ok(CountedEdges {
            totals: all.chain(others).chain([forgotten]).collect(),
            other_slots: rows
                .map(|(_, row)| (row.endpoint, row.other_slot))
                .collect(),
        })
    }

    fn counted_since_ns(&self) -> u64 {
        self.counted_since_ns
    }

    fn pressure(&mut self) -> Result<Vec<MapPressure>, MapsError> {
        let pressure = self.reconciler.datapath().pressure()?.into_iter();
        Ok(pressure
            .map(|map| MapPressure {
                map: map.map.to_owned(),
                entries: map.entries,
                capacity: map.capacity,
                meaning: map.meaning.to_owned(),
            })
            .collect())
    }

    fn detach(&mut self) -> Result<(), MapsError> {
        self.reconciler.detach_all()?;
        if let Some(pins) = &self.pins {
            pins.remove()?;
        }
        tracing::info!("the programs are taken off");
        Ok(())
    }
}
