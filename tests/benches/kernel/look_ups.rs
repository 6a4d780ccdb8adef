//! The policy cells against what could take their place: a trie for each policy set, switched as an inner map.
//!
//! The trie is looked up directly: the look-up of an inner map by the set comes on top.

use std::time::Instant;

use bpf_events::policy::PolicyCell;
use bpf_loader::bench::PolicyTrie;
use bpf_loader::policy_sets::SetWrite;
use bpf_loader::{Datapath, Probe};
use policy::{Compiler, Enforcement, Identities, NamedPorts, PolicyRepository, PolicySet};

use crate::node::{FIRST_RULE, labels, load_datapath};
use crate::{Wanted, median, print, smallest};

pub(crate) const ROWS: &[&str] = &["policy-look-up", "policy-update", "policy-switch"];

const SIZES: [u32; 3] = [100, 1_000, 10_000];
/// Look-ups in a run of the program.
const LOOK_UPS: f64 = 128.0;
const RUNS: u32 = 2_000;
const SWITCHES: u32 = 20;
const SET: u32 = 1;

/// What the program looks into.
#[derive(Clone, Copy)]
enum Map {
    Neither = 0,
    Cells = 1,
    Trie = 2,
}

pub(crate) fn measure(wanted: &Wanted) {
    let mut datapath = load_datapath();
    let mut trie = datapath.take_policy_trie().expect("the first to take it");
    for entries in SIZES {
        let sizes = one_size(&mut datapath, &mut trie, entries);
        let [cells, in_trie] = sizes.updates;
        if wanted.row("policy-update") {
            print(&format!("policy-update/cells-{entries}"), cells, "ns");
            print(&format!("policy-update/trie-{entries}"), in_trie, "ns");
        }
        let [cells, in_trie] = sizes.look_ups;
        if wanted.row("policy-look-up") {
            print(&format!("policy-look-up/cells-{entries}"), cells, "ns");
            print(&format!("policy-look-up/trie-{entries}"), in_trie, "ns");
        }
    }
    if wanted.row("policy-switch") {
        print("policy-switch/cells", switch(&mut datapath), "us");
        let times = trie.switch(SWITCHES).expect("the kernel has maps of maps");
        let times = times.iter().map(|time| time.as_secs_f64() * 1e6);
        print("policy-switch/inner-map", median(times.collect()), "us");
    }
}

/// Nanoseconds per entry: cells, trie.
struct Costs {
    updates: [f64; 2],
    look_ups: [f64; 2],
}

fn one_size(datapath: &mut Datapath, trie: &mut PolicyTrie, entries: u32) -> Costs {
    let (identities, first) = servers(entries);
    let policy = compile(&identities);
    assert_eq!(policy.cells.len(), entries as usize);
    let writes: Vec<SetWrite<'_>> = vec![SetWrite {
        set: SET,
        policy: &policy,
        default_rules: [0; 2],
    }];
    let cells: Vec<_> = (first..first + entries).map(trie_cell).collect();
    let mut updates = [Vec::new(), Vec::new()];
    for revision in 0..5 {
        datapath.policy_sets.remove(SET);
        std::thread::sleep(std::time::Duration::from_millis(110));
        datapath.sweep().expect("the maps can be read");
        trie.clear(&cells).expect("it takes them");
        let started = Instant::now();
        let written = datapath
            .policy_sets
            .write_all(&writes, revision, |_| FIRST_RULE, |_| true);
        updates[0].push(started.elapsed().as_nanos() as f64 / f64::from(entries));
        assert_eq!(written.expect("room").switched, 1);
        let started = Instant::now();
        trie.write(&cells).expect("room");
        updates[1].push(started.elapsed().as_nanos() as f64 / f64::from(entries));
    }
    let (generation, _) = datapath.policy_sets.generation(SET).expect("written");
    let mut run = |map| {
        let packet = order(map, first, entries, generation);
        smallest([(); 5].map(|()| {
            let run = datapath.run(Probe::PolicyLookUps, &packet, None, RUNS);
            let (found, time) = run.expect("runs");
            assert_eq!(f64::from(found), LOOK_UPS, "everything is found");
            time.as_nanos() as f64 / LOOK_UPS
        }))
    };
    let keys = run(Map::Neither);
    let look_ups = [run(Map::Cells) - keys, run(Map::Trie) - keys];
    trie.clear(&cells).expect("it takes them");
    Costs {
        updates: updates.map(median),
        look_ups,
    }
}

/// Microseconds from a filled generation to the packet that obeys it: one store.
fn switch(datapath: &mut Datapath) -> f64 {
    let (identities, _) = servers(1);
    let policy = compile(&identities);
    let mut times = Vec::new();
    for (set, revision) in (2..2 + SWITCHES).zip(1..) {
        let write = |datapath: &mut Datapath, set, revision| {
            let sets = &mut datapath.policy_sets;
            let written = sets.write(set, &policy, revision, |_| FIRST_RULE, [0; 2]);
            assert!(written.expect("room"));
        };
        write(datapath, set, revision);
        // Another set that says the same only switches to what is there.
        let started = Instant::now();
        write(datapath, set + 1_000, revision);
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    median(times)
}

/// So many identities, and the number of the first.
pub(crate) fn servers(count: u32) -> (Identities, u32) {
    let mut identities = Identities::new();
    let mut first = u32::MAX;
    for number in 0..count {
        let labels = labels(&[("role", "server"), ("number", &number.to_string())]);
        first = first.min(identities.allocate(labels).expect("room").0);
    }
    (identities, first)
}

pub(crate) fn compile(identities: &Identities) -> PolicySet {
    let yaml = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: client, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: client}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: server}}]
    toPorts: [{ports: [{port: "443", protocol: TCP}]}]
"#;
    let mut policies = PolicyRepository::new();
    policies.replace_file("bench.yaml", yaml).expect("valid");
    let named_ports = NamedPorts::new();
    let model = policies.model(Enforcement::Default, &named_ports);
    Compiler::new(model, identities).compile(&labels(&[("role", "client")]))
}

/// The same key as a cell of the set: identity, ingress, TCP, port 443.
pub(crate) fn trie_cell(identity: u32) -> ([u8; 8], PolicyCell) {
    let [a, b, c, d] = identity.to_be_bytes();
    let cell = PolicyCell {
        rank: 1,
        rule: FIRST_RULE,
        ..PolicyCell::default()
    };
    ([a, b, c, d, 0, 6, 1, 187], cell)
}

/// What the program is told (`bpf-probes/src/bench_policy.rs`).
fn order(map: Map, first: u32, count: u32, generation: u32) -> Vec<u8> {
    let mut packet = vec![0; 14];
    for word in [map as u32, first, count, generation, 1] {
        packet.extend(word.to_ne_bytes());
    }
    packet.resize(64, 0);
    packet
}
