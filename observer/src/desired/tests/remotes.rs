//! What other nodes have: known by address, selected by policies, and gone with them.

use super::*;
use std::net::IpAddr;

use registry::cluster::{
    ClusterState, EndpointEntry, EndpointKey, IdentityEntry, NodeEntry, WorkloadEntry,
};

/// A state of the cluster that tests put together.
#[derive(Clone, Debug, Default)]
pub(super) struct TestCluster {
    pub(super) endpoints: BTreeMap<EndpointKey, Arc<EndpointEntry>>,
    pub(super) identities: BTreeMap<Identity, Arc<IdentityEntry>>,
    pub(super) nodes: BTreeMap<Arc<str>, Arc<NodeEntry>>,
}

impl TestCluster {
    /// Adds an endpoint of the namespace `shop`, and its identity.
    pub(super) fn add(
        &mut self,
        node: &str,
        name: &str,
        ip: &str,
        number: Identity,
        labels: LabelSet,
    ) {
        self.endpoint(EndpointEntry {
            node: node.to_owned(),
            name: name.to_owned(),
            namespace: Some("shop".to_owned()),
            ips: vec![ip.parse().unwrap()],
            identity: number,
            labels: labels.clone(),
            workload: None,
            ports: BTreeMap::new(),
            managed: true,
            since_ns: 1,
        });
        self.identity(number, labels);
    }

    pub(super) fn identity(&mut self, number: Identity, labels: LabelSet) {
        let entry = IdentityEntry {
            identity: number,
            labels,
        };
        self.identities.insert(number, Arc::new(entry));
    }

    fn endpoint(&mut self, entry: EndpointEntry) {
        self.endpoints.insert(entry.key(), Arc::new(entry));
    }

    fn node(&mut self, name: &str, ips: &[&str]) {
        let entry = NodeEntry {
            name: name.to_owned(),
            address: None,
            tls_server_name: None,
            ips: ips.iter().map(|ip| ip.parse().unwrap()).collect(),
            started_ns: 1,
            epoch: 1,
            version: String::new(),
        };
        self.nodes.insert(name.into(), Arc::new(entry));
    }

    pub(super) fn identities(&self) -> BTreeSet<Identity> {
        self.identities.keys().copied().collect()
    }

    pub(super) fn state(&self, revision: u64) -> Arc<ClusterState> {
        Arc::new(ClusterState {
            revision,
            nodes: Arc::new(self.nodes.clone()),
            endpoints: Arc::new(self.endpoints.clone()),
            identities: Arc::new(self.identities.clone()),
            ..ClusterState::default()
        })
    }
}

/// The labels that `file` gives an endpoint of this role.
pub(super) fn spec_labels(role: &str) -> LabelSet {
    let file = file(&[("x", role, "10.0.0.1")]);
    registry::endpoint_file::labels(&file.endpoints[0], &file.namespaces)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Identity, managed, and the name that flows show.
fn shown(planning: &Planning, step: &Desired, address: &str) -> Option<(u32, bool, String)> {
    let remote = step.remotes.get(&ip(address))?;
    let version = planning.metadata.version(remote.metadata).unwrap();
    let content = version.content();
    assert_eq!(
        (content.identity, content.endpoint_id),
        (remote.identity.0, 0)
    );
    let name = format!(
        "{}/{}/{}",
        content.cluster_name, content.namespace, content.pod_name
    );
    Some((remote.identity.0, remote.managed, name))
}

#[test]
fn a_remote_endpoint_is_known_by_address_and_no_policy_is_compiled_for_it() {
    let mut planning = Planning::new(file(&[("b", "backend", "10.0.0.2")]));
    planning.set_policies(&[&backend()]);
    let mut cluster = TestCluster::default();
    let frontend = spec_labels("frontend");
    let number = planning.giver.number(&frontend);
    cluster.add("default/far", "one", "10.1.0.1", number, frontend.clone());
    planning.planner.set_cluster(cluster.state(1));
    let first = planning.step();
    let expect = (number.0, true, "default/shop/one".to_owned());
    assert_eq!(shown(&planning, &first, "10.1.0.1"), Some(expect));
    let set = &first.sets[&first.endpoints[0].row.policy_set];
    let peers: Vec<Identity> = set.cells.iter().filter_map(|cell| cell.identity).collect();
    assert_eq!(peers, [number], "policies select it by its labels");
    assert_eq!(labels_of(&planning, number), Some(frontend.clone()));
    let known = planning.planner.numbers_wanted().known;
    assert!(
        !known.contains_key(&number),
        "another node uses it, not this one"
    );

    cluster.add("default/other", "two", "fd00::2", number, frontend);
    planning.planner.set_cluster(cluster.state(2));
    let second = planning.step();
    assert_eq!((second.sets.len(), second.revision), (1, first.revision));
    for (set, compiled) in &second.sets {
        assert!(
            Arc::ptr_eq(compiled, &first.sets[set]),
            "nothing was compiled anew"
        );
    }
    assert_eq!(second.remotes.len(), 2);
    assert_eq!(
        second.remotes[&ip("10.1.0.1")],
        first.remotes[&ip("10.1.0.1")]
    );
    let third = planning.step();
    assert!(
        Arc::ptr_eq(&third.remotes, &second.remotes),
        "nothing is new"
    );

    cluster.endpoints.pop_first();
    planning.planner.set_cluster(cluster.state(3));
    let fourth = planning.step();
    assert_eq!(shown(&planning, &fourth, "10.1.0.1"), None);
    let gone = planning
        .metadata
        .version(first.remotes[&ip("10.1.0.1")].metadata);
    assert!(
        gone.unwrap().until_ns().is_some(),
        "flows may still show it"
    );
    let reclaimed = planning.reclaim(&InUse::default(), &StoredNumbers::none());
    assert_eq!((reclaimed.metadata, reclaimed.identities), (1, vec![]));
    planning
        .planner
        .set_cluster(TestCluster::default().state(4));
    planning.step();
    let reclaimed = planning.reclaim(&InUse::default(), &StoredNumbers::none());
    assert_eq!(
        (reclaimed.metadata, reclaimed.identities),
        (1, vec![number.0])
    );
}

#[test]
fn numbers_of_remote_endpoints_survive_a_restart() {
    let endpoints = file(&[("b", "backend", "10.0.0.2")]);
    let mut planning = Planning::new(Arc::clone(&endpoints));
    let mut cluster = TestCluster::default();
    let labels = spec_labels("frontend");
    let number = planning.giver.number(&labels);
    cluster.add("default/far", "one", "10.1.0.1", number, labels);
    planning.planner.set_cluster(cluster.state(1));
    let before = planning.step();
    let mut planning = planning.restarted(endpoints);
    planning.planner.set_cluster(cluster.state(1));
    let after = planning.step();
    assert_eq!(before.remotes, after.remotes);
    assert!(
        planning
            .planner
            .view()
            .endpoint_journal
            .all_at(wall_ns())
            .count()
            == 1
    );
}

#[test]
fn an_endpoint_without_labels_to_its_number_is_held_back() {
    let mut planning = Planning::new(file(&[]));
    let mut cluster = TestCluster::default();
    let labels = spec_labels("frontend");
    cluster.add(
        "default/far",
        "one",
        "10.1.0.1",
        Identity(300),
        labels.clone(),
    );
    cluster.add(
        "default/far",
        "two",
        "10.1.0.2",
        Identity(2),
        labels.clone(),
    );
    cluster.identities.remove(&Identity(300));
    planning.planner.set_cluster(cluster.state(1));
    assert!(planning.step().remotes.is_empty());
    let problems: Vec<String> = planning.planner.cluster_problems().collect();
    assert_eq!(
        problems,
        [
            "endpoint shop/one of default/far is not known by address: its identity 300 is not in the registry",
            "endpoint shop/two of default/far is not known by address: its identity world is none of a label set",
        ]
    );
    assert!(planning.planner.has_leftovers());
    cluster.identity(Identity(300), labels);
    planning.planner.set_cluster(cluster.state(2));
    assert_eq!(planning.step().remotes.len(), 1);
    assert_eq!(planning.planner.cluster_problems().count(), 1);
}

#[test]
fn of_several_that_claim_an_address_this_node_wins_then_the_newer() {
    let mut planning = Planning::new(file(&[("b", "backend", "10.0.0.2")]));
    let mut cluster = TestCluster::default();
    let labels = spec_labels("frontend");
    for (node, name, ip, since_ns) in [
        ("default/far", "old", "10.1.0.1", 5),
        ("default/other", "new", "10.1.0.1", 7),
        ("default/other", "alike-2", "10.1.0.3", 4),
        ("default/far", "alike-1", "10.1.0.3", 4),
        ("default/far", "thief", "10.0.0.2", 9),
        ("default/n", "b", "10.0.0.2", 1),
        ("default/far", "here", "127.0.0.1", 9),
    ] {
        cluster.add(node, name, ip, Identity(300), labels.clone());
        let key = EndpointKey {
            node: node.into(),
            name: format!("shop/{name}").into(),
        };
        let entry = cluster.endpoints.get_mut(&key).unwrap();
        Arc::make_mut(entry).since_ns = since_ns;
    }
    cluster.node(
        "default/far",
        &["10.1.0.1", "10.9.0.1", "fe80::1", "10.0.0.2"],
    );
    cluster.node("default/n", &["10.9.0.9"]);
    planning.planner.set_cluster(cluster.state(1));
    let step = planning.step();
    let name = |address: &str| shown(&planning, &step, address).map(|(_, _, name)| name);
    assert_eq!(name("10.1.0.1").as_deref(), Some("default/shop/new"));
    assert_eq!(name("10.1.0.3").as_deref(), Some("default/shop/alike-1"));
    let node = step.remotes[&ip("10.9.0.1")];
    assert_eq!(
        (node.identity, node.managed),
        (Identity::REMOTE_NODE, false)
    );
    let addresses: Vec<String> = step.remotes.keys().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.1.0.1", "10.1.0.3", "10.9.0.1"]);
    let problems: Vec<String> = planning.planner.cluster_problems().collect();
    assert_eq!(
        problems,
        [
            "address 10.0.0.2 is claimed by endpoint shop/thief of default/far too: shop/b of this node has it",
            "address 10.1.0.1 is claimed by endpoint shop/old of default/far and by shop/new of default/other: the latter has it, which is newer",
            "address 10.1.0.3 is claimed by endpoint shop/alike-2 of default/other and by shop/alike-1 of default/far: the latter has it, which is newer",
        ]
    );
    planning.planner.set_endpoints(file(&[])).unwrap();
    let step = planning.step();
    let name = shown(&planning, &step, "10.0.0.2").map(|(_, _, name)| name);
    assert_eq!(name.as_deref(), Some("default/shop/thief"));
}

#[test]
fn named_ports_are_those_of_other_nodes_too() {
    let mut planning = Planning::new(file(&[("a", "web", "10.0.0.1")]));
    let egress = "  egress:\n  - toEndpoints: [{matchLabels: {role: db}}]\n    toPorts: [{ports: [{port: sql, protocol: TCP}]}]";
    planning.set_policies(&[&policy("web", "web", egress)]);
    let ports = |step: &Desired| -> Vec<u16> {
        let set = &step.sets[&step.endpoints[0].row.policy_set];
        set.cells.iter().map(|cell| cell.port).collect()
    };
    assert_eq!(ports(&planning.step()), [0; 0]);
    let mut cluster = TestCluster::default();
    let labels = spec_labels("db");
    for (name, ip, port) in [("one", "10.1.0.1", 5432), ("two", "10.1.0.2", 5433)] {
        cluster.add("default/far", name, ip, Identity(300), labels.clone());
        let mut entries = cluster.endpoints.values_mut();
        let entry = entries.find(|entry| entry.name == name).unwrap();
        let entry = Arc::make_mut(entry);
        entry.ports.insert("sql".to_owned(), port);
        entry.workload = Some(WorkloadEntry {
            kind: "StatefulSet".to_owned(),
            name: "db".to_owned(),
        });
    }
    planning.planner.set_cluster(cluster.state(1));
    let step = planning.step();
    assert_eq!(ports(&step), [5432, 5433]);
    let index = step.remotes[&ip("10.1.0.2")].metadata;
    let version = planning.metadata.version(index).unwrap();
    assert_eq!(version.content().workloads[0].name, "db");
}
