//! A policy change on a node with 250 endpoints and 1,000 identities, until it is enforced everywhere.
//!
//! The time is that of reading the changed file, compiling, writing, switching and raising the epoch; endpoints of one
//! workload share a policy set.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bpf_events::endpoint::{EndpointRow, MODE_ENFORCE};
use bpf_events::ipcache::{ADDRESS_MANAGED, AddressInfo};
use bpf_loader::policy_sets::SetWrite;
use bpf_loader::{Datapath, Probe};
use policy::{Compiler, Enforcement, Identities, LabelSet, NamedPorts, PolicyRepository, RuleKey};

use crate::frame::{SYN, tcp};
use crate::node::{FIRST_RULE, LOOPBACK, labels, load_datapath};
use crate::{Wanted, median, print};

pub(crate) const ROWS: &[&str] = &[
    "policy-change",
    "policy-change-writes",
    "policy-change-worst",
    "policy-change-worst-writes",
];

const ENDPOINTS: usize = 250;
const IDENTITIES: usize = 1_000;
/// Values of the label `group`: 10 identities have each.
const GROUPS: usize = 100;
const CHANGES: u16 = 7;
/// The rules that are added have ports from here on.
const FIRST_ADDED_PORT: u16 = 9_000;
/// Longer than a given-up generation is kept.
const SETTLE: Duration = Duration::from_millis(120);

/// What the node has.
struct Case {
    workloads: usize,
    /// A workload's own policies.
    own: fn(usize) -> String,
    /// Rules of the policy that selects all of them.
    shared_rules: usize,
}

/// 50 workloads of 5 endpoints, each selected by 3 policies of 10 rules; each rule names a group of 10 identities and a
/// port: 300 cells per workload. Each change adds a rule to the policy that selects all of them.
const USUAL: Case = Case {
    workloads: 50,
    own: |workload| policy(workload, 0, 10) + &policy(workload, 1, 10),
    shared_rules: 10,
};

/// 250 workloads of one endpoint, each with a policy of its own that lets every identity in at a port of its own: 1,000
/// cells per workload, none alike. Each change adds a rule to a policy that selects all of them.
const WORST: Case = Case {
    workloads: ENDPOINTS,
    own: |workload| {
        let port = 10_000 + workload;
        format!(
            r#"
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: w{workload}, namespace: shop}}
spec:
  endpointSelector: {{matchLabels: {{workload: w{workload}}}}}
  ingress:
  - fromEndpoints: [{{}}]
    toPorts: [{{ports: [{{port: "{port}", protocol: TCP}}]}}]
"#
        )
    },
    shared_rules: 1,
};

pub(crate) fn measure(wanted: &Wanted) {
    for (case, row) in [(USUAL, "policy-change"), (WORST, "policy-change-worst")] {
        let writes = format!("{row}-writes");
        if !wanted.row(row) && !wanted.row(&writes) {
            continue;
        }
        let mut site = Site::new(&case);
        let changes: Vec<_> = (0..CHANGES).map(|change| site.change(change)).collect();
        let times = changes.iter().map(|(time, _)| time.as_secs_f64() * 1e3);
        let counts = changes.iter().map(|(_, writes)| *writes as f64);
        if wanted.row(row) {
            print(row, median(times.collect()), "ms");
        }
        if wanted.row(&writes) {
            print(&writes, median(counts.collect()), "writes");
        }
    }
}

struct Site {
    datapath: Datapath,
    identities: Identities,
    subjects: Vec<LabelSet>,
    policies: PolicyRepository,
    /// A rule keeps its number.
    numbers: HashMap<RuleKey, u32>,
    shared_rules: usize,
}

impl Site {
    fn new(case: &Case) -> Self {
        let mut identities = Identities::new();
        let mut subjects = Vec::new();
        let mut datapath = load_datapath();
        for number in 0..IDENTITIES {
            let (workload, group) = (format!("w{number}"), format!("g{}", number % GROUPS));
            let labels = labels(&[("workload", &workload), ("group", &group)]);
            let identity = identities.allocate(labels.clone()).expect("room");
            if number < case.workloads {
                subjects.push(labels);
            }
            let info = AddressInfo {
                identity: identity.0,
                metadata: 100,
                endpoint: 0,
                flags: ADDRESS_MANAGED,
            };
            let address = address(number).ip();
            datapath.addresses.set(address, info).expect("room");
        }
        let mut policies = PolicyRepository::new();
        let own: String = (0..case.workloads).map(case.own).collect();
        policies.replace_file("own.yaml", &own).expect("valid");
        let mut site = Self {
            datapath,
            identities,
            subjects,
            policies,
            numbers: HashMap::new(),
            shared_rules: case.shared_rules,
        };
        site.enforce(&shared(site.shared_rules, 0));
        let row = EndpointRow {
            policy_set: case.workloads as u32,
            mode: MODE_ENFORCE,
            endpoint: 1,
            other_slot: 1,
            ..EndpointRow::default()
        };
        site.datapath.endpoints.set(LOOPBACK, row).expect("written");
        site
    }

    /// Adds a rule to the shared policy; the time it took, and the map writes.
    fn change(&mut self, number: u16) -> (Duration, u64) {
        std::thread::sleep(SETTLE);
        self.datapath.sweep().expect("the maps can be read");
        let port = FIRST_ADDED_PORT + number;
        let yaml = shared(self.shared_rules, number + 1);
        assert!(!self.lets_pass(port), "not yet");
        let writes = self.datapath.policy_sets.writes();
        let started = Instant::now();
        self.enforce(&yaml);
        let time = started.elapsed();
        assert!(self.lets_pass(port), "enforced");
        (time, self.datapath.policy_sets.writes() - writes)
    }

    fn enforce(&mut self, shared: &str) {
        let revision = self.policies.replace_file("shared.yaml", shared);
        let revision = revision.expect("valid") as u32;
        for (_, rule) in self.policies.rules().rules() {
            if !self.numbers.contains_key(&rule.key) {
                let number = FIRST_RULE + self.numbers.len() as u32;
                self.numbers.insert(rule.key.clone(), number);
            }
        }
        let numbers: Vec<u32> = self
            .policies
            .rules()
            .rules()
            .map(|(_, rule)| self.numbers[&rule.key])
            .collect();
        let named_ports = NamedPorts::new();
        let model = self.policies.model(Enforcement::Default, &named_ports);
        let compiler = Compiler::new(model, &self.identities);
        let sets: Vec<_> = self
            .subjects
            .iter()
            .map(|subject| compiler.compile(subject))
            .collect();
        let wanted: Vec<SetWrite<'_>> = (1..)
            .zip(&sets)
            .map(|(set, policy)| SetWrite {
                set,
                policy,
                default_rules: [FIRST_RULE - 1; 2],
            })
            .collect();
        let number = |rule: policy::RuleRef| numbers[rule.0 as usize];
        let written = self
            .datapath
            .policy_sets
            .write_all(&wanted, revision, number, |_| true)
            .expect("room");
        assert_eq!(written.switched, sets.len(), "every set changes");
        self.datapath.bump_policy_epoch();
    }

    /// Whether the last workload gets a segment from an identity of group 99 at this port.
    fn lets_pass(&mut self, port: u16) -> bool {
        let to = SocketAddr::new(Ipv4Addr::new(10, 99, 0, 1).into(), port);
        let packet = tcp(address(GROUPS - 1), to, SYN);
        let (code, _) = self
            .datapath
            .run(Probe::ToEndpoint, &packet, None, 1)
            .expect("runs");
        code == -1
    }
}

fn address(number: usize) -> SocketAddr {
    let first = u32::from(Ipv4Addr::new(10, 0, 0, 1));
    SocketAddr::new(Ipv4Addr::from_bits(first + number as u32).into(), 40_000)
}

/// A policy of one workload with so many rules, each for a group and a port.
fn policy(workload: usize, number: usize, rules: usize) -> String {
    let mut text = format!(
        r#"
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: w{workload}-{number}, namespace: shop}}
spec:
  endpointSelector: {{matchLabels: {{workload: w{workload}}}}}
  ingress:
"#
    );
    for position in 0..rules {
        let group = (workload * 20 + number * 10 + position) % (GROUPS - 1);
        rule(&mut text, group, 8_000 + position as u16);
    }
    text
}

/// The policy that selects everybody, with so many rules and those for group 99 that were added.
fn shared(rules: usize, added: u16) -> String {
    let mut text = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: shared, namespace: shop}
spec:
  endpointSelector: {}
  ingress:
"#
    .to_owned();
    for position in 0..rules {
        rule(&mut text, position * 7, 7_000 + position as u16);
    }
    for port in (FIRST_ADDED_PORT..).take(added.into()) {
        rule(&mut text, GROUPS - 1, port);
    }
    text
}

fn rule(text: &mut String, group: usize, port: u16) {
    write!(
        text,
        r#"  - fromEndpoints: [{{matchLabels: {{group: g{group}}}}}]
    toPorts: [{{ports: [{{port: "{port}", protocol: TCP}}]}}]
"#
    )
    .expect("a string takes everything");
}
