//! The planner: inputs in, what the maps should say out, in steps that leave no packet between two policies.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use flow::store::StoredNumbers;
use policy::{Cidr, Enforcement, Identity, LabelFilter, NamedPorts, RepositoryError};
use registry::cluster::ClusterState;
use registry::directory::Manifest;
use registry::endpoint_file::{EndpointFile, Mode};

use super::book::Book;
use super::clash::ClashError;
use super::compiled::CompiledSets;
use super::error::BookError;
use super::inventory::{Inventory, Owner};
use super::numbering::Numbering;
use super::planned::Planned;
use super::policies::{NumberedRules, Policies};
use super::reclaim::{InUse, Leaving, Reclaimed, Wanted};
use super::remotes::Remotes;
use super::view::PolicyView;
use super::{Desired, DesiredPrefix};
use crate::pipeline::wall_ns;

/// What does not change while the observer runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanSettings {
    /// Mode of endpoints that name none.
    pub(crate) mode: Mode,
    /// Cilium's policy enforcement setting.
    pub(crate) enforcement: Enforcement,
    /// For how long the number of a freed identity rests, at most a day.
    pub(crate) identity_rest: Duration,
}

/// From inputs to what the maps should say.
#[derive(Debug)]
pub(crate) struct Planner {
    pub(super) settings: PlanSettings,
    pub(super) book: Book,
    pub(super) filter: LabelFilter,
    pub(super) inventory: Inventory,
    pub(super) policies: Policies,
    pub(super) numbering: Numbering,
    pub(super) remotes: Remotes,
    compiled: CompiledSets,
    leaving: Leaving,
    /// The rules of the newest step.
    newest: Option<NumberedRules>,
    /// The rules of the last step that the maps say in full.
    in_force: Option<NumberedRules>,
    /// The networks of the last step that the maps say in full.
    mapped: BTreeSet<Cidr>,
    /// Networks that maps may have: those, and those of steps since.
    offered: BTreeSet<Cidr>,
    /// What the newest steps use, until the next call.
    wanted: Wanted,
    /// The identities that the newest step knows of.
    planned_changes: u64,
    /// Whether some endpoint of the newest step waits for a number.
    waits: bool,
    pub(super) view: Arc<PolicyView>,
}

impl Planner {
    /// A planner for a first version of the endpoint file of a node (`cluster/node`), without policies yet.
    pub(crate) fn new(
        settings: PlanSettings,
        mut book: Book,
        endpoints: Arc<EndpointFile>,
        node_name: &str,
    ) -> Self {
        book.set_identity_rest(settings.identity_rest);
        Self {
            settings,
            // What an earlier observer has left in the maps stays until the first rules are in force.
            mapped: book.prefixes().collect(),
            offered: book.prefixes().collect(),
            book,
            filter: LabelFilter::default(),
            remotes: Remotes::new(node_name),
            inventory: Inventory::new(endpoints),
            numbering: Numbering::default(),
            policies: Policies::default(),
            compiled: CompiledSets::default(),
            leaving: Leaving::default(),
            newest: None,
            in_force: None,
            wanted: Wanted::default(),
            planned_changes: 0,
            waits: false,
            view: Arc::new(PolicyView::empty(settings.enforcement)),
        }
    }

    /// Takes a newer version of the endpoint file.
    ///
    /// # Errors
    /// If an endpoint of it has what one of the API has already; then nothing changes.
    pub(crate) fn set_endpoints(&mut self, endpoints: Arc<EndpointFile>) -> Result<(), ClashError> {
        self.inventory = self.inventory.with_file(endpoints)?;
        Ok(())
    }

    /// Takes all endpoints that were added through the API.
    ///
    /// # Errors
    /// As [`Planner::set_endpoints`].
    pub(crate) fn set_api_endpoints(
        &mut self,
        endpoints: Arc<EndpointFile>,
    ) -> Result<(), ClashError> {
        self.inventory = self.inventory.with_api(endpoints)?;
        Ok(())
    }

    /// Takes a newer state of the cluster.
    pub(crate) fn set_cluster(&mut self, state: Arc<ClusterState>) {
        self.remotes.set(state);
    }

    /// Takes the manifests of the policy directory, all or none.
    pub(crate) fn set_policies(&mut self, manifests: &[Manifest]) -> Result<(), RepositoryError> {
        self.policies.set(Owner::File, manifests)
    }

    /// Takes all policies that were added through the API, all or none.
    pub(crate) fn set_api_policies(
        &mut self,
        manifests: &[Manifest],
    ) -> Result<(), RepositoryError> {
        self.policies.set(Owner::Api, manifests)
    }

    /// Takes all policies of the registry, all or none.
    pub(crate) fn set_registry_policies(
        &mut self,
        manifests: &[Manifest],
    ) -> Result<(), RepositoryError> {
        self.policies.set(Owner::Registry, manifests)
    }

    /// Changes which labels make an identity.
    pub(crate) fn set_label_filter(&mut self, filter: LabelFilter) {
        self.filter = filter;
    }

    /// What the maps should say, as steps to be applied in order. Every number in it is written down by then.
    ///
    /// Rules that name new networks come in two steps: first the networks under the old rules, as a packet would else
    /// meet rules that do not know where it comes from. Networks that no rule names any more stay for the new rules' step
    /// too, and leave at the first call after that was applied.
    pub(crate) fn desired(&mut self) -> Result<Vec<Desired>, BookError> {
        let rules = match &self.newest {
            Some(newest) if self.policies.are(newest) => newest.clone(),
            _ => self.policies.number(&mut self.book)?,
        };
        // Kept whatever fails below: a next try is the same revision.
        self.newest = Some(rules.clone());
        self.take_answers()?;
        let planned = self.plan_endpoints()?;
        let in_force = self.in_force.as_ref().map_or(0, |known| known.revision);
        let is_new = in_force != rules.revision;
        let arriving = !rules.prefixes.is_subset(&self.mapped);
        let mut prefixes = BTreeSet::clone(&rules.prefixes);
        if is_new {
            prefixes.extend(&self.offered);
        }
        let desired_prefixes = self.number_prefixes(&prefixes)?;
        self.close_gone(&planned, &desired_prefixes)?;
        let named_ports = self.named_ports(planned.named_ports.clone());
        self.compiled.keep([in_force, rules.revision]);
        let mut steps = Vec::new();
        if let Some(old) = self.in_force.clone().filter(|_| is_new && arriving) {
            steps.push(self.step(&old, &planned, &named_ports, &desired_prefixes)?);
        }
        steps.push(self.step(&rules, &planned, &named_ports, &desired_prefixes)?);
        self.offered.extend(&prefixes);
        self.wanted = Wanted::of(&steps, self.compiled.default_rules());
        self.planned_changes = self.book.identity_changes;
        self.waits = !planned.waiting.is_empty();
        self.look(&rules, &steps, named_ports);
        Ok(steps)
    }

    /// Says that the maps say all of a step.
    pub(crate) fn applied(&mut self, step: &Desired) -> Result<(), BookError> {
        let endpoints = step.endpoints.iter().map(|endpoint| endpoint.name.as_str());
        let waiting = step.waiting.iter().map(|endpoint| endpoint.name.as_str());
        self.book
            .keep_endpoints(&endpoints.chain(waiting).collect())?;
        self.mapped = step.prefixes.iter().map(|prefix| prefix.cidr).collect();
        self.offered = self.mapped.clone();
        self.numbering.applied(step);
        if let Some(newest) = &self.newest
            && newest.revision == step.revision
        {
            self.in_force = Some(newest.clone());
        }
        Ok(())
    }

    /// Whether another call of [`Planner::desired`] may do more: take away networks that no rule names and cells for
    /// identities that were freed, or find a number for an endpoint that waits.
    pub(crate) fn has_leftovers(&self) -> bool {
        let prefixes = self.in_force_is_newest().map(|rules| &*rules.prefixes);
        prefixes.is_some_and(|prefixes| !self.mapped.is_subset(prefixes))
            || self.planned_changes != self.book.identity_changes
            || self.waits
            || self.numbering.has_leftovers()
            || self.remotes.has_leftovers()
    }

    /// Frees the numbers that neither the desired state, nor the kernel (`in_use`, read after the last step was applied),
    /// nor any flow has (`stored`). All records made before `settled_ns` (wall time) are in the store or lost. Nothing is
    /// freed at the first look at which it is unused.
    pub(crate) fn reclaim(
        &mut self,
        in_use: &InUse,
        stored: &StoredNumbers,
        settled_ns: u64,
    ) -> Result<Reclaimed, BookError> {
        if self.in_force_is_newest().is_none() {
            return Ok(Reclaimed::default());
        }
        let networks = self
            .mapped
            .iter()
            .filter_map(|cidr| self.book.known_prefix(*cidr));
        self.wanted.identities.extend(networks);
        let reclaimed =
            self.leaving
                .free(&mut self.book, &self.wanted, in_use, stored, settled_ns)?;
        let mut view = PolicyView::clone(&self.view);
        view.identities = Arc::clone(&self.book.identities);
        view.identity_journal = Arc::clone(&self.book.history.identities);
        self.view = Arc::new(view);
        Ok(reclaimed)
    }

    /// What services read.
    pub(crate) fn view(&self) -> Arc<PolicyView> {
        Arc::clone(&self.view)
    }

    /// The rules in force, if the maps say all of the newest ones.
    fn in_force_is_newest(&self) -> Option<&NumberedRules> {
        let newest = self.newest.as_ref()?.revision;
        self.in_force
            .as_ref()
            .filter(|rules| rules.revision == newest && self.policies.are(rules))
    }

    /// The same ports as before are the same object, so that nothing is compiled anew for them.
    fn named_ports(&self, named_ports: NamedPorts) -> Arc<NamedPorts> {
        if *self.view.named_ports == named_ports {
            Arc::clone(&self.view.named_ports)
        } else {
            Arc::new(named_ports)
        }
    }

    /// Everything under these rules.
    fn step(
        &mut self,
        rules: &NumberedRules,
        planned: &Planned,
        named_ports: &Arc<NamedPorts>,
        prefixes: &[DesiredPrefix],
    ) -> Result<Desired, BookError> {
        let compiled = self.compiled.compile(
            &mut self.book,
            rules,
            self.settings.enforcement,
            named_ports,
            &planned.subjects,
        )?;
        let mut step = Desired {
            endpoints: planned.endpoints.clone(),
            waiting: planned.waiting.clone(),
            prefixes: prefixes.to_vec(),
            remotes: Arc::clone(self.remotes.addresses()),
            sets: BTreeMap::new(),
            rules: Arc::clone(&rules.numbers),
            default_rules: HashMap::new(),
            revision: rules.revision,
        };
        for (identity, compiled) in compiled {
            let set = self.book.policy_set(identity)?;
            step.sets.insert(set, compiled.set);
            step.default_rules.insert(set, compiled.default_rules);
        }
        Ok(step)
    }

    /// Makes the view that services read from now on.
    fn look(&mut self, rules: &NumberedRules, steps: &[Desired], named_ports: Arc<NamedPorts>) {
        let Some(step) = steps.last() else {
            return;
        };
        let mut revisions = Arc::clone(&self.view.revisions);
        if self.view.revision != rules.revision {
            let now_ns = wall_ns();
            let changed = Arc::make_mut(&mut revisions);
            changed.end(&self.view.revision, now_ns);
            changed.begin(rules.revision, Arc::clone(&rules.rules), now_ns);
        }
        let mut endpoint_counts: HashMap<Identity, u32> = HashMap::new();
        for endpoint in &step.endpoints {
            *endpoint_counts
                .entry(Identity(endpoint.row.identity))
                .or_default() += 1;
        }
        self.view = Arc::new(PolicyView {
            rules: Arc::clone(&rules.rules),
            revision: rules.revision,
            rule_numbers: Arc::clone(&rules.by_key),
            enforcement: self.settings.enforcement,
            identities: Arc::clone(&self.book.identities),
            endpoint_counts: Arc::new(endpoint_counts),
            named_ports,
            endpoints: step.endpoints.as_slice().into(),
            prefixes: step.prefixes.as_slice().into(),
            identity_journal: Arc::clone(&self.book.history.identities),
            endpoint_journal: Arc::clone(&self.book.history.endpoints),
            revisions,
            owners: Arc::clone(self.policies.owners()),
        });
    }
}
