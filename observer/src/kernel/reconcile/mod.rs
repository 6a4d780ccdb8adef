//! Makes the maps say what is desired: writes differences only, in an order in which no packet meets half a change.

mod addresses;
mod interfaces;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bpf_loader::sweeper::Sweep;
use bpf_loader::{Datapath, LoaderError};
use flow::interfaces::InterfaceTable;

use crate::desired::{Desired, DesiredEndpoint};
use addresses::WrittenAddresses;
use interfaces::Interfaces;
use sources::WrittenSources;

/// Why the maps could not be brought to what is desired.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// A map refused.
    #[error(transparent)]
    Loader(#[from] LoaderError),
}

/// The owner of the datapath, and what it has written.
pub(crate) struct Reconciler {
    datapath: Datapath,
    namespace: Option<PathBuf>,
    addresses: WrittenAddresses,
    sources: WrittenSources,
    interfaces: Interfaces,
    /// Whether the policy sets say what was desired last.
    sets_are_written: bool,
    /// Interfaces to which this process has attached.
    attached: BTreeSet<u32>,
    /// Endpoints whose interface refused, with the last error.
    refused: BTreeMap<String, String>,
}

/// What changed, and so which connections must be judged again.
#[derive(Clone, Copy, Debug, Default)]
struct Changes {
    identities: bool,
    policies: bool,
}

impl Reconciler {
    /// Takes the datapath with what stands in its maps.
    pub(super) fn new(
        datapath: Datapath,
        namespace: Option<PathBuf>,
        table: Arc<InterfaceTable>,
    ) -> Result<Self, ReconcileError> {
        Ok(Self {
            addresses: WrittenAddresses::adopt(&datapath.addresses)?,
            sources: WrittenSources::adopt(&datapath.addresses)?,
            interfaces: Interfaces::new(namespace.clone(), table),
            datapath,
            namespace,
            sets_are_written: false,
            attached: BTreeSet::new(),
            refused: BTreeMap::new(),
        })
    }

    /// Brings the maps and the attachments to what is desired, which is `new` since the last call or not. What was
    /// changed takes effect even if a later step fails.
    pub(super) fn apply(&mut self, desired: &Desired, new: bool) -> Result<(), ReconcileError> {
        self.sets_are_written &= !new;
        self.interfaces.look(&desired.endpoints);
        let mut changes = Changes::default();
        let result = self.write(desired, &mut changes);
        if changes.identities {
            self.datapath.bump_identity_epoch();
        }
        if changes.policies {
            self.datapath.bump_policy_epoch();
        }
        result
    }

    /// Tells what idle connections owe.
    pub(super) fn sweep(&mut self) -> Result<Sweep, LoaderError> {
        self.datapath.sweep()
    }

    /// Frees the slots of edges that have been idle for this long; how many.
    pub(super) fn reclaim(&mut self, idle: Duration) -> Result<u64, LoaderError> {
        self.datapath.reclaim_edges(idle)
    }

    /// Takes the programs off every interface.
    pub(super) fn detach_all(&mut self) -> Result<(), LoaderError> {
        let attached = self.datapath.attached()?;
        for ifindex in attached
            .into_iter()
            .chain(std::mem::take(&mut self.attached))
        {
            self.datapath.detach(ifindex)?;
        }
        Ok(())
    }

    fn write(&mut self, desired: &Desired, changes: &mut Changes) -> Result<(), ReconcileError> {
        let managed = |endpoint: &DesiredEndpoint| {
            self.interfaces.ifindex(&endpoint.name).is_some()
                && !self.refused.contains_key(&endpoint.name)
        };
        let wanted = addresses::wanted(
            &desired.endpoints,
            self.interfaces.node_addresses(),
            managed,
        );
        changes.identities |= self.addresses.set(&mut self.datapath.addresses, &wanted)?;
        if !self.sets_are_written {
            changes.policies |= self.write_sets(desired)?;
            self.sets_are_written = true;
        }
        self.sources
            .write(&mut self.datapath.addresses, &desired.endpoints)?;
        for endpoint in &desired.endpoints {
            changes.identities |= self.write_endpoint(endpoint)?;
        }
        self.remove_stale(desired, changes)?;
        changes.identities |= self
            .addresses
            .remove_others(&mut self.datapath.addresses, &wanted)?;
        Ok(())
    }

    fn write_sets(&mut self, desired: &Desired) -> Result<bool, ReconcileError> {
        let mut changed = false;
        for (set, policy) in &desired.sets {
            let number = |rule| desired.rules.get(&rule).copied().unwrap_or(0);
            changed |= self
                .datapath
                .policy_sets
                .write(*set, policy, desired.revision, number, [0; 2])?;
        }
        Ok(changed)
    }

    /// Row first, then the programs: no packet meets a program that does not know its endpoint.
    fn write_endpoint(&mut self, endpoint: &DesiredEndpoint) -> Result<bool, ReconcileError> {
        let Some((ifindex, interface)) = self.interfaces.found(&endpoint.name) else {
            return Ok(false);
        };
        let mut row = endpoint.row;
        row.other_slot = self.datapath.edges.other_slot(row.endpoint);
        let written = match self.datapath.endpoints.set(ifindex, row) {
            Ok(written) => written,
            Err(error @ LoaderError::InterfaceClash { .. }) => {
                self.refuse(&endpoint.name, &error);
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        if self.attached.contains(&ifindex) {
            return Ok(written);
        }
        match self.datapath.attach(self.namespace.as_deref(), &interface) {
            Ok(_) => {
                self.attached.insert(ifindex);
                self.refused.remove(&endpoint.name);
                tracing::info!(
                    endpoint = %endpoint.name,
                    number = row.endpoint,
                    identity = row.identity,
                    interface,
                    ifindex,
                    "attached"
                );
            }
            Err(error) => self.refuse(&endpoint.name, &error),
        }
        Ok(written)
    }

    /// An endpoint whose interface refuses is tried again at the next look; the others go on.
    fn refuse(&mut self, endpoint: &str, error: &LoaderError) {
        let source = std::error::Error::source(error).map(ToString::to_string);
        let text = format!("{error}: {}", source.unwrap_or_default());
        if self.refused.get(endpoint) != Some(&text) {
            tracing::error!(endpoint, error = %text, "cannot attach; trying again every second");
            self.refused.insert(endpoint.to_owned(), text);
        }
    }

    /// Takes away what no endpoint has any more. An interface that is only out of sight keeps its endpoint.
    fn remove_stale(
        &mut self,
        desired: &Desired,
        changes: &mut Changes,
    ) -> Result<(), ReconcileError> {
        let numbers: BTreeSet<u16> = desired
            .endpoints
            .iter()
            .map(|endpoint| endpoint.row.endpoint)
            .collect();
        let rows = self.datapath.endpoints.live();
        let stale: Vec<u32> = rows
            .filter(|(ifindex, row)| {
                let out_of_sight =
                    numbers.contains(&row.endpoint) && self.interfaces.may_exist(*ifindex);
                !self.interfaces.is_used(*ifindex) && !out_of_sight
            })
            .map(|(ifindex, _)| ifindex)
            .collect();
        for ifindex in stale {
            self.datapath.detach(ifindex)?;
            self.datapath.endpoints.remove(ifindex);
            self.attached.remove(&ifindex);
            changes.identities = true;
            tracing::info!(ifindex, "detached");
        }
        self.remove_links_without_row()?;
        self.refused
            .retain(|name, _| desired.endpoints.iter().any(|other| other.name == *name));
        // An interface out of sight keeps the policy set of its row: an empty one would enforce nothing.
        let rows = self.datapath.endpoints.live();
        let used: BTreeSet<u32> = rows.map(|(_, row)| row.policy_set).collect();
        let sets: Vec<u32> = self.datapath.policy_sets.live().collect();
        for set in sets
            .into_iter()
            .filter(|set| !desired.sets.contains_key(set) && !used.contains(set))
        {
            self.datapath.policy_sets.remove(set);
            changes.policies = true;
        }
        Ok(())
    }

    /// Links that an earlier process pinned and whose endpoint is gone.
    fn remove_links_without_row(&mut self) -> Result<(), ReconcileError> {
        let rows: BTreeSet<u32> = self
            .datapath
            .endpoints
            .live()
            .map(|(ifindex, _)| ifindex)
            .collect();
        for ifindex in self.datapath.attached()?.difference(&rows) {
            self.datapath.detach(*ifindex)?;
        }
        Ok(())
    }
}
