//! The planner against what its callers rely on.

mod default_deny;
mod identities;
mod life;
mod numbers;
mod owners;
mod prefixes;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flow::metadata::MetadataTable;
use flow::rules::RuleTable;
use flow::store::StoredNumbers;
use policy::{Enforcement, LabelSet};
use registry::directory::Manifest;
use registry::endpoint_file::{EndpointFile, Mode, parse};

use super::*;
use crate::pipeline::wall_ns;

/// A planner with its tables, and the directory of its numbers.
struct Planning {
    planner: Planner,
    metadata: Arc<MetadataTable>,
    rules: Arc<RuleTable>,
    directory: tempfile::TempDir,
    settings: PlanSettings,
}

impl Planning {
    /// A planner for these endpoints, without policies.
    fn new(endpoints: Arc<EndpointFile>) -> Self {
        let settings = settings(Mode::Audit, Enforcement::Default);
        Self::with(settings, endpoints, |_| {})
    }

    fn with(
        settings: PlanSettings,
        endpoints: Arc<EndpointFile>,
        prepare: impl FnOnce(&mut Book),
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let metadata = Arc::new(MetadataTable::new());
        let rules = Arc::new(RuleTable::new());
        let mut book = open(directory.path(), &metadata, &rules);
        prepare(&mut book);
        Self {
            planner: Planner::new(settings, book, endpoints),
            metadata,
            rules,
            directory,
            settings,
        }
    }

    /// The observer ends and starts anew, with these endpoints and no policies yet.
    fn restarted(self, endpoints: Arc<EndpointFile>) -> Self {
        let Self {
            planner,
            directory,
            settings,
            ..
        } = self;
        drop(planner);
        let metadata = Arc::new(MetadataTable::new());
        let rules = Arc::new(RuleTable::new());
        let book = open(directory.path(), &metadata, &rules);
        Self {
            planner: Planner::new(settings, book, endpoints),
            metadata,
            rules,
            directory,
            settings,
        }
    }

    fn set_policies(&mut self, texts: &[&str]) {
        self.planner.set_policies(&manifests("p", texts)).unwrap();
    }

    /// The steps, each applied at once.
    fn settle(&mut self) -> Vec<Desired> {
        let steps = self.planner.desired().unwrap();
        for step in &steps {
            self.planner.applied(step).unwrap();
        }
        steps
    }

    /// The only step, applied.
    fn step(&mut self) -> Desired {
        let mut steps = self.settle();
        assert_eq!(steps.len(), 1);
        steps.remove(0)
    }

    /// Looks twice for numbers that nothing has, and frees them.
    fn reclaim(&mut self, in_use: &InUse, stored: &StoredNumbers) -> Reclaimed {
        let first = self.planner.reclaim(in_use, stored, wall_ns()).unwrap();
        let second = self.planner.reclaim(in_use, stored, wall_ns()).unwrap();
        Reclaimed {
            identities: [first.identities, second.identities].concat(),
            metadata: first.metadata + second.metadata,
            rules: [first.rules, second.rules].concat(),
            policy_sets: first.policy_sets + second.policy_sets,
        }
    }
}

fn settings(mode: Mode, enforcement: Enforcement) -> PlanSettings {
    PlanSettings {
        mode,
        enforcement,
        identity_rest: Duration::from_secs(3_600),
    }
}

fn open(directory: &Path, metadata: &Arc<MetadataTable>, rules: &Arc<RuleTable>) -> Book {
    let path = directory.join("numbers");
    Book::open(&path, Arc::clone(metadata), Arc::clone(rules)).unwrap()
}

fn manifests(prefix: &str, texts: &[&str]) -> Vec<Manifest> {
    let texts = texts.iter().enumerate();
    texts
        .map(|(number, text)| Manifest {
            path: PathBuf::from(format!("{prefix}{number}.yaml")),
            text: (*text).to_owned(),
        })
        .collect()
}

/// An endpoint file: name, role and address of each.
fn file(endpoints: &[(&str, &str, &str)]) -> Arc<EndpointFile> {
    let lines = endpoints.iter().map(|(name, role, ip)| {
        format!("{{name: {name}, namespace: shop, netns: {name}, ips: [{ip}], labels: {{role: {role}}}}}")
    });
    let lines: Vec<String> = lines.collect();
    parsed("e.yaml", &format!("endpoints: [{}]", lines.join(", ")))
}

fn parsed(path: &str, text: &str) -> Arc<EndpointFile> {
    Arc::new(parse(Path::new(path), &format!("node: n\n{text}")).unwrap())
}

/// A policy of the namespace `shop` for everything with a role.
fn policy(name: &str, role: &str, sections: &str) -> String {
    format!(
        "apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: {name}, namespace: shop}}
spec:
  endpointSelector: {{matchLabels: {{role: {role}}}}}
{sections}
"
    )
}

fn backend() -> String {
    let ingress = "  ingress:
  - fromEndpoints: [{matchLabels: {role: frontend}}]
    toPorts: [{ports: [{port: \"8080\", protocol: TCP}]}]";
    policy("backend", "backend", ingress)
}

fn identity_of(step: &Desired, name: &str) -> Identity {
    let endpoint = step.endpoints.iter().find(|one| one.name == name).unwrap();
    Identity(endpoint.row.identity)
}

fn labels_of(planning: &Planning, identity: Identity) -> Option<LabelSet> {
    planning.planner.view().identities.labels(identity).cloned()
}
