//! The planner against what its callers rely on.

mod contradictions;
mod default_deny;
mod identities;
mod life;
mod numbers;
mod owners;
mod prefixes;
mod remotes;

use std::collections::BTreeSet;
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

/// `cluster/node` of every planner.
const NODE: &str = "default/n";

/// A planner with its tables, the directory of its numbers, and who gives numbers to label sets.
struct Planning {
    planner: Planner,
    giver: Giver,
    metadata: Arc<MetadataTable>,
    rules: Arc<RuleTable>,
    directory: tempfile::TempDir,
    settings: PlanSettings,
}

impl Planning {
    /// A planner for these endpoints, without policies.
    fn new(endpoints: Arc<EndpointFile>) -> Self {
        let settings = settings(Mode::Audit, Enforcement::Default);
        Self::with(settings, endpoints)
    }

    fn with(settings: PlanSettings, endpoints: Arc<EndpointFile>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let metadata = Arc::new(MetadataTable::new());
        let rules = Arc::new(RuleTable::new());
        let book = open(directory.path(), &metadata, &rules);
        Self {
            planner: Planner::new(settings, book, endpoints, NODE),
            giver: Giver::default(),
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
            giver,
            directory,
            settings,
            ..
        } = self;
        drop(planner);
        let metadata = Arc::new(MetadataTable::new());
        let rules = Arc::new(RuleTable::new());
        let book = open(directory.path(), &metadata, &rules);
        Self {
            planner: Planner::new(settings, book, endpoints, NODE),
            giver,
            metadata,
            rules,
            directory,
            settings,
        }
    }

    fn set_policies(&mut self, texts: &[&str]) {
        self.planner.set_policies(&manifests("p", texts)).unwrap();
    }

    /// What the maps should say once every label set that can have a number has one.
    fn desired(&mut self) -> Vec<Desired> {
        for _ in 0..9 {
            let steps = self.planner.desired().unwrap();
            let answered = self.giver.answer(&mut self.planner);
            if !answered {
                return steps;
            }
        }
        panic!("the same numbers are asked for again and again");
    }

    /// The steps, each applied at once.
    fn settle(&mut self) -> Vec<Desired> {
        let steps = self.desired();
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

/// Gives numbers to label sets, as the registry does.
#[derive(Debug, Default)]
struct Giver {
    numbers: BTreeMap<LabelSet, Identity>,
    /// Numbers that other nodes use.
    used: BTreeSet<Identity>,
    /// Whether a number that nobody uses may stand for other labels as soon as the planner has forgotten it.
    forgets: bool,
    /// Why no more numbers are given.
    refuses: Option<String>,
}

impl Giver {
    /// The number of a label set, the lowest free one if it has none.
    fn number(&mut self, labels: &LabelSet) -> Identity {
        if let Some(number) = self.numbers.get(labels) {
            return *number;
        }
        let taken: BTreeSet<Identity> = self.numbers.values().copied().collect();
        let mut free = (Identity::FIRST_ALLOCATED.0..).map(Identity);
        let number = free.find(|number| !taken.contains(number)).unwrap();
        self.numbers.insert(labels.clone(), number);
        number
    }

    /// Answers what a planner asks; whether there was anything.
    fn answer(&mut self, planner: &mut Planner) -> bool {
        let wanted = planner.numbers_wanted();
        if self.forgets {
            // A number rests for longer than this node takes to forget what it stood for.
            let (used, view) = (&self.used, planner.view());
            let known = |number: &Identity| view.identities.labels(*number).is_some();
            self.numbers
                .retain(|_, number| used.contains(number) || known(number));
        }
        let mut answered = false;
        for labels in wanted.unknown {
            if let Some(reason) = &self.refuses {
                planner.refuse_number(labels, reason.clone());
            } else {
                let number = self.number(&labels);
                planner.give_number(labels, number);
                answered = true;
            }
        }
        answered
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
