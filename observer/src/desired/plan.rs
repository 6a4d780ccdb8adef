//! The planner: holds the newest good inputs, gives every number, and says what the maps should hold.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use policy::{
    Compiler, Enforcement, Identity, LabelFilter, LabelSet, NamedPorts, PolicyRepository,
    RepositoryError,
};
use registry::directory::Manifest;
use registry::endpoint_file::{EndpointFile, EndpointSpec, Mode, labels};

use super::book::{Book, BookError};
use super::{Desired, DesiredEndpoint, endpoint, rule};

/// What does not change while the observer runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanSettings {
    /// Mode of endpoints that name none.
    pub(crate) mode: Mode,
    /// Cilium's policy enforcement setting.
    pub(crate) enforcement: Enforcement,
}

/// From inputs to what the maps should say.
#[derive(Debug)]
pub(crate) struct Planner {
    settings: PlanSettings,
    book: Book,
    filter: LabelFilter,
    repository: PolicyRepository,
    policy_files: BTreeSet<String>,
    /// The repository's revision, and the one that verdicts carry: the latter goes on after a restart.
    revisions: (u64, u32),
    endpoints: Arc<EndpointFile>,
}

impl Planner {
    /// A planner for a first version of the endpoint file, without policies yet.
    pub(crate) fn new(settings: PlanSettings, book: Book, endpoints: Arc<EndpointFile>) -> Self {
        Self {
            settings,
            book,
            filter: LabelFilter::default(),
            repository: PolicyRepository::new(),
            policy_files: BTreeSet::new(),
            revisions: (0, 0),
            endpoints,
        }
    }

    /// Takes a newer version of the endpoint file.
    pub(crate) fn set_endpoints(&mut self, endpoints: Arc<EndpointFile>) {
        self.endpoints = endpoints;
    }

    /// Takes the manifests of the policy directory, all or none.
    pub(crate) fn set_policies(&mut self, manifests: &[Manifest]) -> Result<(), RepositoryError> {
        let files: Vec<(String, &str)> = manifests
            .iter()
            .map(|manifest| (manifest.path.display().to_string(), manifest.text.as_str()))
            .collect();
        let names: BTreeSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let gone = self.policy_files.difference(&names);
        let changes = gone.map(|name| (name.as_str(), None)).chain(
            files
                .iter()
                .map(|(name, text)| (name.as_str(), Some(*text))),
        );
        let before = self.repository.revision();
        let revision = self.repository.change(changes)?;
        self.policy_files = names;
        if revision != before {
            let rules = self.repository.rules().len();
            tracing::info!(revision, rules, "policies changed");
        }
        Ok(())
    }

    /// What the maps should say. Every number in it is written down by then.
    pub(crate) fn desired(&mut self) -> Result<Desired, BookError> {
        let file = Arc::clone(&self.endpoints);
        let mut subjects: BTreeMap<Identity, LabelSet> = BTreeMap::new();
        let mut endpoints = Vec::with_capacity(file.endpoints.len());
        for spec in &file.endpoints {
            endpoints.push(self.endpoint(spec, &file, &mut subjects)?);
        }
        let keys = file.endpoints.iter().map(metadata_key).collect();
        self.book.close_metadata(&keys);
        let rules = self.rules()?;
        let mut sets = BTreeMap::new();
        for identity in subjects.keys() {
            sets.insert(self.book.policy_set(*identity)?, *identity);
        }
        if self.revisions.0 != self.repository.revision() {
            self.revisions = (self.repository.revision(), self.book.next_revision()?);
        }
        // Only now are all identities known that rules may select.
        let named_ports = named_ports(&file, &endpoints, &subjects);
        let model = self
            .repository
            .model(self.settings.enforcement, &named_ports);
        let compiler = Compiler::new(model, self.book.identities());
        let compiled = sets
            .into_iter()
            .filter_map(|(set, identity)| Some((set, compiler.compile(subjects.get(&identity)?))));
        Ok(Desired {
            endpoints,
            sets: compiled.collect(),
            rules,
            revision: self.revisions.1,
        })
    }

    /// Frees the numbers that `desired` does not use; to be called once the maps say what it says.
    pub(crate) fn applied(&mut self, desired: &Desired) -> Result<(), BookError> {
        let endpoints: HashSet<String> = desired
            .endpoints
            .iter()
            .map(|endpoint| endpoint.name.clone())
            .collect();
        let identities = desired
            .endpoints
            .iter()
            .map(|endpoint| endpoint.row.identity.to_string())
            .collect();
        self.book.release(&endpoints, &identities)
    }

    fn endpoint(
        &mut self,
        spec: &EndpointSpec,
        file: &EndpointFile,
        subjects: &mut BTreeMap<Identity, LabelSet>,
    ) -> Result<DesiredEndpoint, BookError> {
        let name = spec.qualified_name();
        let all = labels(spec, &file.namespaces);
        let relevant = self.filter.relevant(&all);
        let identity = self.book.identity(&relevant)?;
        let number = self.book.endpoint(&name)?;
        let content = endpoint::content(spec, &file.cluster, all, number, identity);
        let metadata = self.book.metadata(&metadata_key(spec), content)?;
        let set = self.book.policy_set(identity)?;
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        let row = endpoint::row(spec, self.settings.mode, number, identity, metadata, set);
        subjects.insert(identity, relevant);
        Ok(DesiredEndpoint {
            name,
            attachment: spec.attachment.clone(),
            addresses: spec.ips.clone(),
            row,
            sources: endpoint::sources(spec),
        })
    }

    fn rules(&mut self) -> Result<HashMap<policy::RuleRef, u32>, BookError> {
        let rules = Arc::clone(self.repository.rules());
        let mut numbers = HashMap::with_capacity(rules.len());
        for (reference, entry) in rules.rules() {
            let number = self
                .book
                .rule(&entry.key.to_string(), rule::info(&entry.key))?;
            numbers.insert(reference, number);
        }
        Ok(numbers)
    }
}

/// The names that the endpoints of the file give to their ports.
fn named_ports(
    file: &EndpointFile,
    endpoints: &[DesiredEndpoint],
    subjects: &BTreeMap<Identity, LabelSet>,
) -> NamedPorts {
    let mut named_ports = NamedPorts::new();
    for (spec, endpoint) in file.endpoints.iter().zip(endpoints) {
        let identity = Identity(endpoint.row.identity);
        let Some(labels) = subjects.get(&identity) else {
            continue;
        };
        for (name, port) in &spec.ports {
            named_ports.insert(identity, labels, name, *port);
        }
    }
    named_ports
}

fn metadata_key(spec: &EndpointSpec) -> String {
    format!("endpoint/{}", spec.qualified_name())
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
        let settings = PlanSettings {
            mode: Mode::Audit,
            enforcement: Enforcement::Default,
        };
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
