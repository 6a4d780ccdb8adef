//! The planner: inputs in, what the maps should say out, in steps that leave no packet between two policies.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use flow::store::StoredNumbers;
use policy::{Cidr, Enforcement, Identity, LabelFilter, LabelSet, NamedPorts, RepositoryError};
use registry::directory::Manifest;
use registry::endpoint_file::{EndpointFile, Mode, labels};

use super::book::{Book, LONG_REST};
use super::compiled::CompiledSets;
use super::error::BookError;
use super::history::{ENDPOINT_KEY, PREFIX_KEY};
use super::inventory::{ClashError, Inventory, Listed, Owner};
use super::policies::{NumberedRules, Policies};
use super::reclaim::{InUse, Leaving, Reclaimed, Wanted};
use super::view::PolicyView;
use super::{Desired, DesiredEndpoint, DesiredPrefix, WaitingEndpoint, endpoint};
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

impl PlanSettings {
    /// These, and a day of rest for identities.
    pub(crate) fn new(mode: Mode, enforcement: Enforcement) -> Self {
        Self {
            mode,
            enforcement,
            identity_rest: LONG_REST,
        }
    }
}

/// From inputs to what the maps should say.
#[derive(Debug)]
pub(crate) struct Planner {
    settings: PlanSettings,
    book: Book,
    filter: LabelFilter,
    inventory: Inventory,
    policies: Policies,
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
    view: Arc<PolicyView>,
}

/// The endpoints as planned, and who of them policies are compiled for.
#[derive(Default)]
struct Planned {
    endpoints: Vec<DesiredEndpoint>,
    waiting: Vec<WaitingEndpoint>,
    subjects: BTreeMap<Identity, LabelSet>,
    named_ports: NamedPorts,
}

impl Planner {
    /// A planner for a first version of the endpoint file, without policies yet.
    pub(crate) fn new(
        settings: PlanSettings,
        mut book: Book,
        endpoints: Arc<EndpointFile>,
    ) -> Self {
        book.set_identity_rest(settings.identity_rest);
        Self {
            settings,
            // What an earlier observer has left in the maps stays until the first rules are in force.
            mapped: book.prefixes().collect(),
            offered: book.prefixes().collect(),
            book,
            filter: LabelFilter::default(),
            inventory: Inventory::new(endpoints),
            policies: Policies::default(),
            compiled: CompiledSets::default(),
            leaving: Leaving::default(),
            newest: None,
            in_force: None,
            wanted: Wanted::default(),
            planned_changes: 0,
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
        let planned = self.plan_endpoints()?;
        let is_new = self
            .in_force
            .as_ref()
            .is_none_or(|known| known.revision != rules.revision);
        let arriving = !rules.prefixes.is_subset(&self.mapped);
        let mut prefixes = BTreeSet::clone(&rules.prefixes);
        if is_new {
            prefixes.extend(&self.offered);
        }
        let desired_prefixes = self.number_prefixes(&prefixes)?;
        self.close_gone(&planned, &desired_prefixes)?;
        let named_ports = self.named_ports(planned.named_ports.clone());
        let mut steps = Vec::new();
        if let Some(old) = self.in_force.clone().filter(|_| is_new && arriving) {
            steps.push(self.step(&old, &planned, &named_ports, &desired_prefixes)?);
        }
        steps.push(self.step(&rules, &planned, &named_ports, &desired_prefixes)?);
        self.offered.extend(&prefixes);
        self.wanted = self.wanted_by(&steps);
        self.planned_changes = self.book.identity_changes;
        self.newest = Some(rules.clone());
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
        if let Some(newest) = &self.newest
            && newest.revision == step.revision
        {
            self.compiled.forget_before(step.revision);
            self.in_force = Some(newest.clone());
        }
        Ok(())
    }

    /// Whether another call of [`Planner::desired`] would take away what nothing needs any more: networks that no rule
    /// names, cells for identities that were freed.
    pub(crate) fn has_leftovers(&self) -> bool {
        let prefixes = self.in_force_is_newest().map(|rules| &*rules.prefixes);
        prefixes.is_some_and(|prefixes| !self.mapped.is_subset(prefixes))
            || self.planned_changes != self.book.identity_changes
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

    fn plan_endpoints(&mut self) -> Result<Planned, BookError> {
        let before = Arc::clone(&self.view.endpoints);
        let mut planned = Planned::default();
        for listed in self.inventory.endpoints().to_vec() {
            let all = labels(&listed.spec, self.inventory.namespaces());
            let endpoint = match self.plan_endpoint(&listed, &all) {
                Err(error @ BookError::Exhausted { .. }) => {
                    let name = listed.spec.qualified_name();
                    let as_before = before.iter().find(|known| known.name == name).cloned();
                    planned.waiting.push(waiting(listed, name, all, &error));
                    as_before
                }
                endpoint => Some(endpoint?),
            };
            if let Some(endpoint) = endpoint {
                self.add_subject(&endpoint, &mut planned)?;
                planned.endpoints.push(endpoint);
            }
        }
        Ok(planned)
    }

    fn plan_endpoint(
        &mut self,
        listed: &Listed,
        all: &LabelSet,
    ) -> Result<DesiredEndpoint, BookError> {
        let spec = &listed.spec;
        let name = spec.qualified_name();
        let identity = self.book.identity(&self.filter.relevant(all))?;
        let number = self.book.endpoint(&name)?;
        let cluster = self.inventory.cluster();
        let content = endpoint::content(spec, cluster, all.clone(), number, identity);
        let metadata = self
            .book
            .metadata(&format!("{ENDPOINT_KEY}{name}"), content)?;
        let set = self.book.policy_set(identity)?;
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        Ok(DesiredEndpoint {
            name,
            attachment: spec.attachment.clone(),
            addresses: spec.ips.clone(),
            row: endpoint::row(spec, self.settings.mode, number, identity, metadata, set),
            sources: endpoint::sources(spec),
            owner: listed.owner,
            source: Arc::clone(&listed.source),
            spec: Arc::clone(spec),
            labels: all.clone(),
        })
    }

    fn add_subject(
        &self,
        endpoint: &DesiredEndpoint,
        planned: &mut Planned,
    ) -> Result<(), BookError> {
        let identity = Identity(endpoint.row.identity);
        let Some(labels) = self.book.identities.labels(identity) else {
            return Ok(());
        };
        for (name, port) in &endpoint.spec.ports {
            planned.named_ports.insert(identity, labels, name, *port);
        }
        planned
            .subjects
            .entry(identity)
            .or_insert_with(|| labels.clone());
        Ok(())
    }

    /// The same ports as before are the same object, so that nothing is compiled anew for them.
    fn named_ports(&self, named_ports: NamedPorts) -> Arc<NamedPorts> {
        if *self.view.named_ports == named_ports {
            Arc::clone(&self.view.named_ports)
        } else {
            Arc::new(named_ports)
        }
    }

    fn number_prefixes(
        &mut self,
        prefixes: &BTreeSet<Cidr>,
    ) -> Result<Vec<DesiredPrefix>, BookError> {
        let mut numbered = Vec::with_capacity(prefixes.len());
        for &cidr in prefixes {
            let identity = self.book.prefix(cidr)?;
            let metadata = if identity.name().is_some() {
                // The metadata of reserved identities has their numbers.
                identity.0
            } else {
                let content = endpoint::prefix_content(cidr, identity);
                self.book
                    .metadata(&format!("{PREFIX_KEY}{cidr}"), content)?
            };
            numbered.push(DesiredPrefix {
                cidr,
                identity,
                metadata,
            });
        }
        Ok(numbered)
    }

    /// What is known of endpoints and networks that are gone holds no more.
    fn close_gone(
        &mut self,
        planned: &Planned,
        prefixes: &[DesiredPrefix],
    ) -> Result<(), BookError> {
        let endpoints = planned.endpoints.iter();
        let endpoints = endpoints.map(|endpoint| format!("{ENDPOINT_KEY}{}", endpoint.name));
        let prefixes = prefixes
            .iter()
            .map(|prefix| format!("{PREFIX_KEY}{}", prefix.cidr));
        self.book
            .close_metadata(&endpoints.chain(prefixes).collect())
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

    fn wanted_by(&self, steps: &[Desired]) -> Wanted {
        let mut wanted = Wanted::default();
        for step in steps {
            let rows = || step.endpoints.iter().map(|endpoint| endpoint.row);
            let prefixes = || step.prefixes.iter();
            wanted.identities.extend(rows().map(|row| row.identity));
            wanted
                .identities
                .extend(prefixes().map(|prefix| prefix.identity.0));
            wanted.metadata.extend(rows().map(|row| row.metadata));
            wanted
                .metadata
                .extend(prefixes().map(|prefix| prefix.metadata));
            wanted.policy_sets.extend(step.sets.keys());
            wanted.rules.extend(step.rules.values());
        }
        wanted.rules.extend(self.compiled.default_rules());
        wanted
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
            waiting: step.waiting.as_slice().into(),
            prefixes: step.prefixes.as_slice().into(),
            identity_journal: Arc::clone(&self.book.history.identities),
            endpoint_journal: Arc::clone(&self.book.history.endpoints),
            revisions,
            api_files: Arc::clone(self.policies.api_files()),
        });
    }
}

fn waiting(listed: Listed, name: String, labels: LabelSet, error: &BookError) -> WaitingEndpoint {
    WaitingEndpoint {
        name,
        owner: listed.owner,
        source: listed.source,
        spec: listed.spec,
        labels,
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flow::metadata::MetadataTable;
    use flow::rules::RuleTable;
    use registry::endpoint_file::parse;
    use std::path::Path;

    const POLICY: &str = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backend, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: backend}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: frontend}}]
    toPorts: [{ports: [{port: \"8080\", protocol: TCP}]}]
";

    fn file(endpoints: &[(&str, &str, &str)]) -> Arc<EndpointFile> {
        let mut text = "node: n\n".to_owned();
        if !endpoints.is_empty() {
            text += "endpoints:\n";
        }
        for (name, role, ip) in endpoints {
            text += &format!(
                "- {{name: {name}, namespace: shop, netns: {name}, ips: [{ip}], labels: {{role: {role}}}}}\n"
            );
        }
        Arc::new(parse(Path::new("e.yaml"), &text).unwrap())
    }

    fn planner(path: &Path, endpoints: Arc<EndpointFile>) -> (Planner, Arc<MetadataTable>) {
        let metadata = Arc::new(MetadataTable::new());
        let book = Book::open(path, Arc::clone(&metadata), Arc::new(RuleTable::new())).unwrap();
        let settings = PlanSettings::new(Mode::Audit, Enforcement::Default);
        let mut planner = Planner::new(settings, book, endpoints);
        let manifest = Manifest {
            path: "p.yaml".into(),
            text: POLICY.to_owned(),
        };
        planner.set_policies(&[manifest]).unwrap();
        (planner, metadata)
    }

    #[test]
    fn numbers_survive_a_restart_and_scaling_changes_no_policy() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("numbers");
        let small = file(&[("a", "frontend", "10.0.0.1"), ("b", "backend", "10.0.0.2")]);
        let (mut first, _) = planner(&path, Arc::clone(&small));
        let before = first.desired().unwrap();
        drop(first);
        let (mut second, _) = planner(&path, small);
        let after = second.desired().unwrap();
        assert_eq!((before.revision, after.revision), (1, 2));
        assert_eq!(before.endpoints, after.endpoints);
        assert_eq!((&before.sets, &before.rules), (&after.sets, &after.rules));
        let scaled = file(&[
            ("a", "frontend", "10.0.0.1"),
            ("b", "backend", "10.0.0.2"),
            ("c", "frontend", "10.0.0.3"),
        ]);
        second.set_endpoints(scaled);
        let scaled = second.desired().unwrap();
        assert_eq!(scaled.sets, after.sets);
        let row = |index: usize| scaled.endpoints[index].row;
        assert_eq!(row(0).identity, row(2).identity);
        assert_eq!(row(0).policy_set, row(2).policy_set);
        assert_ne!(row(0).endpoint, row(2).endpoint);
        assert_ne!(row(0).metadata, row(2).metadata);
    }

    #[test]
    fn a_change_of_labels_is_a_new_version_and_the_old_one_stays_known() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("numbers");
        let (mut planner, metadata) = planner(&path, file(&[("a", "frontend", "10.0.0.1")]));
        let before = planner.desired().unwrap().endpoints[0].row;
        planner.set_endpoints(file(&[("a", "backend", "10.0.0.1")]));
        let after = planner.desired().unwrap().endpoints[0].row;
        assert_eq!(before.endpoint, after.endpoint);
        assert_ne!(before.identity, after.identity);
        assert_ne!(before.metadata, after.metadata);
        let role = |index| {
            let version = metadata.version(index).unwrap();
            let labels = &version.content().labels;
            labels.value("k8s", "role").unwrap().to_owned()
        };
        assert_eq!(role(before.metadata), "frontend");
        assert_eq!(role(after.metadata), "backend");
        planner.set_endpoints(file(&[]));
        let empty = planner.desired().unwrap();
        planner.applied(&empty).unwrap();
        assert!(empty.sets.is_empty());
        assert!(
            metadata
                .version(after.metadata)
                .unwrap()
                .until_ns()
                .is_some()
        );
    }

    #[test]
    fn broken_policies_change_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (mut planner, _) = planner(
            &directory.path().join("numbers"),
            file(&[("b", "backend", "10.0.0.2")]),
        );
        let before = planner.desired().unwrap();
        let broken = Manifest {
            path: "p.yaml".into(),
            text: POLICY.replace("endpointSelector", "endpointSelektor"),
        };
        let error = planner.set_policies(&[broken]).unwrap_err().to_string();
        assert!(error.starts_with("p.yaml:"), "{error}");
        assert_eq!(planner.desired().unwrap().sets, before.sets);
    }
}
