//! Makes the maps say what is desired: writes differences only, in an order in which no packet meets half a change.

mod addresses;
mod interfaces;
mod resolving;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bpf_loader::policy_sets::SetWrite;
use bpf_loader::{Datapath, LoaderError};
use flow::interfaces::InterfaceTable;

use crate::control::{IpCacheNews, Place};
use crate::desired::{Desired, DesiredEndpoint};
use addresses::IpCache;
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
    ip_cache: IpCache,
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
            ip_cache: IpCache::adopt(&datapath.addresses)?,
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
        if result.is_err() {
            // Part of a step may be written.
            (changes.identities, changes.policies) = (true, true);
        }
        if changes.identities {
            self.datapath.bump_identity_epoch();
        }
        if changes.policies {
            self.datapath.bump_policy_epoch();
        }
        result
    }

    /// The datapath, to read it and to sweep.
    pub(super) fn datapath(&mut self) -> &mut Datapath {
        &mut self.datapath
    }

    /// What has changed in the IP cache since the last call.
    pub(super) fn take_ip_cache_news(&mut self) -> IpCacheNews {
        std::mem::take(&mut self.ip_cache.news)
    }

    /// The node's own addresses.
    pub(super) fn node_addresses(&self) -> &BTreeSet<IpAddr> {
        self.interfaces.node_addresses()
    }

    /// Where an endpoint stands since the last [`Reconciler::apply`].
    pub(super) fn place(&self, endpoint: &str) -> Place {
        let Some(interface) = self.interfaces.found(endpoint) else {
            return Place::Waiting {
                reason: self.interfaces.why_waiting(endpoint),
            };
        };
        match self.refused.get(endpoint) {
            None if self.attached.contains(&interface.0) => Place::Attached { interface },
            reason => Place::Refused {
                interface,
                reason: reason
                    .map_or("its turn did not come yet", String::as_str)
                    .to_owned(),
            },
        }
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

    /// Sets first: they know identities before any address has them. What is gone comes last, in the opposite order.
    fn write(&mut self, desired: &Desired, changes: &mut Changes) -> Result<(), ReconcileError> {
        if !self.sets_are_written {
            changes.policies |= self.write_sets(desired)?;
            self.sets_are_written = true;
        }
        let managed = |endpoint: &DesiredEndpoint| {
            self.interfaces.ifindex(&endpoint.name).is_some()
                && !self.refused.contains_key(&endpoint.name)
        };
        let node = self.interfaces.node_addresses();
        let own = addresses::wanted(&desired.endpoints, node, managed);
        let addresses = self.ip_cache.change(own, &desired.remotes);
        let prefixes = addresses::wanted_prefixes(&desired.prefixes);
        let kernel = &mut self.datapath.addresses;
        changes.identities |= self.ip_cache.set(kernel, addresses.as_ref(), &prefixes)?;
        self.sources.allow(kernel, &desired.endpoints)?;
        for endpoint in &desired.endpoints {
            changes.identities |= self.write_endpoint(endpoint)?;
        }
        self.remove_interfaces(desired, changes)?;
        let kernel = &mut self.datapath.addresses;
        self.sources.disallow_others(kernel, &desired.endpoints)?;
        changes.identities |= self.ip_cache.remove_others(kernel, addresses, &prefixes)?;
        changes.policies |= self.remove_sets(desired);
        Ok(())
    }

    fn write_sets(&mut self, desired: &Desired) -> Result<bool, ReconcileError> {
        let wanted: Vec<SetWrite<'_>> = desired
            .sets
            .iter()
            .map(|(set, policy)| SetWrite {
                set: *set,
                policy,
                default_rules: desired.default_rules.get(set).copied().unwrap_or_default(),
            })
            .collect();
        let number = |rule| desired.rules.get(&rule).copied().unwrap_or(0);
        self.ip_cache.resolving.forget(Instant::now());
        let resolving = &self.ip_cache.resolving;
        let written =
            self.datapath
                .policy_sets
                .write_all(&wanted, desired.revision, number, |identity| {
                    resolving.contains(identity)
                })?;
        Ok(written.switched > 0)
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
                tracing::debug!(
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
        let source = std::error::Error::source(error);
        let text = source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        self.refused.insert(endpoint.to_owned(), text);
    }

    /// Takes away what no endpoint has any more. An interface that is only out of sight keeps its endpoint.
    fn remove_interfaces(
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
            tracing::debug!(ifindex, "detached");
        }
        self.remove_links_without_row()?;
        self.refused
            .retain(|name, _| desired.endpoints.iter().any(|other| other.name == *name));
        Ok(())
    }

    /// An interface out of sight keeps the policy set of its row: an empty one would enforce nothing.
    fn remove_sets(&mut self, desired: &Desired) -> bool {
        let rows = self.datapath.endpoints.live();
        let used: BTreeSet<u32> = rows.map(|(_, row)| row.policy_set).collect();
        let live: Vec<u32> = self.datapath.policy_sets.live().collect();
        let mut gone = live
            .into_iter()
            .filter(|set| !desired.sets.contains_key(set) && !used.contains(set))
            .peekable();
        let any = gone.peek().is_some();
        gone.for_each(|set| self.datapath.policy_sets.remove(set));
        any
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
