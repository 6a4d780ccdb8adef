//! Policy sets in the real maps: sharing, changes in place, adoption, and maps that are full.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use bpf_events::endpoint::{EndpointRow, MODE_ENFORCE};
use bpf_events::ipcache::AddressInfo;
use bpf_loader::policy_sets::{SetWrite, Written};
use bpf_loader::{Datapath, LoaderError, Pins, RunTimeSettings, Settings};
use policy::{Compiler, Enforcement, Identities, Identity, LabelSet, NamedPorts, PolicySet};
use policy::{PolicyRepository, RuleRef};
use tests::attempt::{Attempt, Protocol};
use tests::datapath::TestNode;

const RULE: u32 = 16;
/// Longer than a generation is kept that no set points to any more.
const GRACE: Duration = Duration::from_millis(150);

/// Identities of the role `friend`, and policies that let them in at differing ports.
struct Friends {
    identities: Identities,
    subject: LabelSet,
}

impl Friends {
    fn new(count: u32) -> Self {
        let mut identities = Identities::new();
        let subject = labels("server", 0);
        for number in 0..count {
            let friend = labels("friend", number);
            identities.allocate(friend).expect("room");
        }
        Self {
            identities,
            subject,
        }
    }

    /// One cell per friend and port.
    fn let_in(&self, ports: &[u16]) -> PolicySet {
        let ports: String = ports
            .iter()
            .map(|port| format!("{{port: \"{port}\", protocol: TCP}},"))
            .collect();
        let yaml = format!(
            r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: server, namespace: shop}}
spec:
  endpointSelector: {{matchLabels: {{role: server}}}}
  ingress:
  - fromEndpoints: [{{matchLabels: {{role: friend}}}}]
    toPorts: [{{ports: [{ports}]}}]
"#
        );
        let mut policies = PolicyRepository::new();
        policies.replace_file("test.yaml", &yaml).expect("valid");
        let named_ports = NamedPorts::new();
        let model = policies.model(Enforcement::Default, &named_ports);
        Compiler::new(model, &self.identities).compile(&self.subject)
    }
}

fn labels(role: &str, number: u32) -> LabelSet {
    LabelSet::parse([
        format!("k8s:role={role}"),
        format!("k8s:number={number}"),
        "k8s:io.kubernetes.pod.namespace=shop".to_owned(),
    ])
    .expect("labels")
}

fn load(settings: &Settings) -> Datapath {
    Datapath::load(settings, &RunTimeSettings::default()).expect("root and a kernel with BPF")
}

/// Writes sets at a revision; every identity counts as in use.
fn write(
    datapath: &mut Datapath,
    revision: u32,
    sets: &[(u32, &PolicySet)],
) -> Result<Written, LoaderError> {
    let wanted: Vec<SetWrite<'_>> = sets
        .iter()
        .map(|(set, policy)| SetWrite {
            set: *set,
            policy,
            default_rules: [RULE - 1; 2],
        })
        .collect();
    let number = |_: RuleRef| RULE;
    let sets = &mut datapath.policy_sets;
    sets.write_all(&wanted, revision, number, |_| true)
}

/// Entries of a map, and how many it has room for.
fn fill(datapath: &Datapath, map: &str) -> (u64, u64) {
    let all = datapath.pressure().expect("the maps can be read");
    let one = all.iter().find(|pressure| pressure.map == map);
    let one = one.expect("every map is there");
    (one.entries, one.capacity)
}

/// After a while, what no set points to any more is gone.
fn settle(datapath: &mut Datapath) {
    std::thread::sleep(GRACE);
    datapath.sweep().expect("the maps can be read");
}

#[test]
fn sets_that_say_the_same_share_one_generation() {
    let friends = Friends::new(50);
    let (web, mail) = (friends.let_in(&[80, 443]), friends.let_in(&[25]));
    let mut datapath = load(&Settings::default());
    let all = [(1, &web), (2, &mail), (3, &web), (4, &web)];
    let written = write(&mut datapath, 5, &all).expect("room");
    assert_eq!((written.switched, written.edited), (4, 0));
    let generation = |datapath: &Datapath, set| {
        let generation = datapath.policy_sets.generation(set);
        generation.expect("it is written")
    };
    let (first, second) = (generation(&datapath, 1), generation(&datapath, 2));
    assert_eq!((first.1, second.1), (5, 5));
    assert_ne!(first.0, second.0);
    for set in [3, 4] {
        assert_eq!(generation(&datapath, set), first);
    }
    assert_eq!(fill(&datapath, "POLICY_CELLS").0, 100 + 50);
    // Cells, headers and switches.
    let writes = datapath.policy_sets.writes();
    assert_eq!(writes, 150 + 2 + 4);

    let written = write(&mut datapath, 6, &all).expect("room");
    assert_eq!(written, Written::default(), "nothing is different");
    assert_eq!(datapath.policy_sets.writes(), writes);
    assert_eq!(generation(&datapath, 1).1, 5, "the revision of its cells");

    // One that joins brings its revision, as the others are known to say the same there.
    let joined = [(1, &web), (2, &mail), (3, &web), (4, &web), (5, &mail)];
    write(&mut datapath, 7, &joined).expect("room");
    assert_eq!(datapath.policy_sets.writes(), writes + 2);
    assert_eq!(generation(&datapath, 5), (second.0, 7));
    assert_eq!(generation(&datapath, 1), first);

    // The last to go takes it along.
    for (set, cells) in [(1, 150), (3, 150), (4, 50), (2, 50), (5, 0)] {
        datapath.policy_sets.remove(set);
        settle(&mut datapath);
        assert_eq!(fill(&datapath, "POLICY_CELLS").0, cells, "after set {set}");
    }
    assert_eq!(fill(&datapath, "POLICY_GENERATIONS").0, 0);
}

#[test]
fn what_is_pinned_is_adopted_with_all_that_shares_it() {
    let pins = Cleanup::new("sets");
    let settings = Settings {
        pins: Some(pins.0.clone()),
        policy_cells: 60,
        ..Settings::default()
    };
    let friends = Friends::new(20);
    let (web, mail) = (friends.let_in(&[80]), friends.let_in(&[25]));
    let all = [(1, &web), (2, &web), (3, &mail)];
    let info = AddressInfo {
        identity: 1 << 24 | 7,
        metadata: 9,
        ..AddressInfo::default()
    };
    let prefixes = [("10.0.0.0", 8), ("10.1.0.0", 16), ("::", 0), ("fd00::", 8)];
    let mut datapath = load(&settings);
    write(&mut datapath, 3, &all).expect("room");
    // Given up a moment before the end: nobody is left to remove it.
    write(&mut datapath, 4, &[(3, &web)]).expect("room");
    for (address, bits) in prefixes {
        let address = address.parse().expect("an address");
        let addresses = &mut datapath.addresses;
        addresses.set_prefix(address, bits, info).expect("room");
        addresses.allow_source(12, address, bits).expect("room");
    }
    let generations = [1, 2, 3].map(|set| datapath.policy_sets.generation(set));
    drop(datapath);

    let mut next = load(&settings);
    assert!(next.adopted());
    assert_eq!(
        [1, 2, 3].map(|set| next.policy_sets.generation(set)),
        generations
    );
    let same = [(1, &web), (2, &web), (3, &web)];
    let written = write(&mut next, 9, &same).expect("room");
    assert_eq!(
        (written, next.policy_sets.writes()),
        (Written::default(), 0)
    );
    let news = friends.let_in(&[119]);
    write(&mut next, 10, &[(3, &news)]).expect("room, as nobody's cells are gone");
    next.policy_sets.remove(1);
    settle(&mut next);
    assert_eq!(fill(&next, "POLICY_CELLS"), (40, 60), "set 2 has it still");

    let mut found = next.addresses.prefixes().expect("readable");
    found.sort_unstable_by_key(|(prefix, _)| *prefix);
    let expected = prefixes.map(|(address, bits)| {
        let prefix = (address.parse().expect("an address"), bits);
        (prefix, info)
    });
    assert_eq!(found, expected);
    let mut sources = next.addresses.sources().expect("readable");
    sources.sort_unstable();
    assert_eq!(sources, expected.map(|(prefix, _)| (12, prefix)));
    for ((address, bits), _) in expected {
        let addresses = &mut next.addresses;
        addresses.remove_prefix(address, bits).expect("removed");
        addresses
            .disallow_source(12, address, bits)
            .expect("removed");
    }
    for map in ["IPCACHE4_CIDR", "IPCACHE6_CIDR", "SPOOFING_CIDRS"] {
        assert_eq!(fill(&next, map).0, 0, "{map}");
    }
}

#[test]
fn a_full_map_leaves_in_force_what_was_and_nothing_half_written() {
    let friends = Friends::new(100);
    let settings = Settings {
        policy_cells: 1_000,
        ..Settings::default()
    };
    let mut datapath = load(&settings);
    let ports = |count: u16| friends.let_in(&(1..=count).collect::<Vec<_>>());
    write(&mut datapath, 1, &[(1, &ports(6))]).expect("600 of 1,000");
    let check_full = |datapath: &mut Datapath, revision, sets: &[(u32, &PolicySet)], stay| {
        let before = sets
            .iter()
            .map(|(set, _)| datapath.policy_sets.generation(*set))
            .collect::<Vec<_>>();
        let error = write(datapath, revision, sets).expect_err("no room");
        let text = format!(
            "map POLICY_CELLS is full (1000 entries): {stay} policy sets go on by what they said before"
        );
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_none());
        let after = sets
            .iter()
            .map(|(set, _)| datapath.policy_sets.generation(*set));
        assert_eq!(after.collect::<Vec<_>>(), before);
    };
    check_full(&mut datapath, 2, &[(2, &ports(5))], 1);
    assert_eq!(fill(&datapath, "POLICY_CELLS"), (600, 1_000));
    write(&mut datapath, 2, &[(2, &ports(4))]).expect("exactly so many are left");
    // A change needs room beside what it replaces.
    check_full(&mut datapath, 3, &[(1, &ports(5))], 1);
    // In place, too; and what is tried again is refused again.
    for revision in [3, 4] {
        let more = Friends::new(101);
        let wanted = [SetWrite {
            set: 2,
            policy: &more.let_in(&[1, 2, 3, 4]),
            default_rules: [RULE - 1; 2],
        }];
        let sets = &mut datapath.policy_sets;
        let nobody = |_: Identity| false;
        let error = sets.write_all(&wanted, revision, |_| RULE, nobody);
        assert!(matches!(
            error,
            Err(LoaderError::PoliciesFull { sets: 1, .. })
        ));
        assert_eq!(
            datapath.policy_sets.generation(2).map(|(_, at)| at),
            Some(2)
        );
    }
    assert_eq!(fill(&datapath, "POLICY_CELLS"), (1_000, 1_000));

    // Two of 300 change at once: not both beside what they replace, but one after the other.
    datapath.policy_sets.remove(1);
    datapath.policy_sets.remove(2);
    let (a, b) = (ports(3), friends.let_in(&[91, 92, 93]));
    write(&mut datapath, 5, &[(1, &a), (2, &b)]).expect("room once the others are gone");
    let (a, b) = (friends.let_in(&[81, 82, 83]), friends.let_in(&[71, 72, 73]));
    let written = write(&mut datapath, 6, &[(1, &a), (2, &b)]).expect("room");
    assert_eq!(written.switched, 2);
    settle(&mut datapath);
    assert_eq!(fill(&datapath, "POLICY_CELLS"), (600, 1_000));
}

#[test]
fn cells_of_an_identity_come_in_place_before_its_first_address() {
    let endpoints = [("server", "server"), ("friend", "friend")];
    let mut node = TestNode::new("psi", &endpoints);
    let policy = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: server}}
  ingress:
  - fromEndpoints: [{matchExpressions: [{key: role, operator: In, values: [friend, late]}]}]
"#;
    node.enforce(policy);
    let set = node.members["server"].identity.0 - 255;
    let before = node.datapath.policy_sets.generation(set);
    let late = LabelSet::parse(["k8s:role=late", "k8s:io.kubernetes.pod.namespace=shop"]);
    let late = late.expect("labels");
    let identity = node.identities.allocate(late).expect("room");
    for expect in [
        Written {
            switched: 0,
            edited: 1,
        },
        Written::default(),
    ] {
        assert_eq!(edit(&mut node, set, identity), expect);
    }
    assert_eq!(node.datapath.policy_sets.generation(set), before);
    let _server = node.serve("server", 8080);
    node.add("late", "late");
    node.add("enemy", "enemy");
    for (from, allowed) in [("late", true), ("friend", true), ("enemy", false)] {
        let attempt = Attempt {
            from,
            to: "server",
            protocol: Protocol::Tcp,
            ipv6: true,
            source_port: 43_000,
            port: 8080,
        };
        assert_eq!(node.is_answered(&attempt), allowed, "{attempt:?}");
    }
    // Its last address has gone, then its labels.
    for address in node.members["late"].addresses.clone() {
        node.datapath.addresses.remove(address).expect("removed");
    }
    assert!(node.identities.remove(identity).is_some());
    let gone = Written {
        switched: 0,
        edited: 1,
    };
    assert_eq!(edit(&mut node, set, identity), gone);
    assert_eq!(node.datapath.policy_sets.generation(set), before);
}

/// Writes the server's set for the identities that are known now, of which nobody has `identity`.
fn edit(node: &mut TestNode, set: u32, identity: Identity) -> Written {
    let named_ports = NamedPorts::new();
    let model = node.policies.model(Enforcement::Default, &named_ports);
    let labels = node.members["server"].labels.clone();
    let policy = Compiler::new(model, &node.identities).compile(&labels);
    let wanted = SetWrite {
        set,
        policy: &policy,
        default_rules: [0; 2],
    };
    let in_use = |other: Identity| other != identity;
    let sets = &mut node.datapath.policy_sets;
    let written = sets.write_all(&[wanted], 77, |_| RULE, in_use);
    written.expect("room")
}

#[test]
fn how_full_the_maps_are_follows_what_is_written() {
    let mut datapath = load(&Settings::default());
    let info = AddressInfo::default();
    let row = EndpointRow {
        mode: MODE_ENFORCE,
        ..EndpointRow::default()
    };
    let check = |datapath: &Datapath, expect: [(&str, u64); 5]| {
        for (map, entries) in expect {
            assert_eq!(fill(datapath, map).0, entries, "{map}");
        }
    };
    for again in 0..2 {
        for last in 1..=3 {
            let addresses = &mut datapath.addresses;
            addresses.set([10, 0, 0, last].into(), info).expect("room");
            let v6 = [0xfd00, 0, 0, 0, 0, 0, 0, last.into()].into();
            addresses.set(v6, info).expect("room");
            let network = [10, last, 0, 0].into();
            addresses.set_prefix(network, 16, info).expect("room");
        }
        datapath.endpoints.set(1, row).expect("room");
        check(
            &datapath,
            [
                ("IPCACHE4", 3),
                ("IPCACHE6", 3),
                ("IPCACHE4_CIDR", 3),
                ("ENDPOINT_ROWS", 1),
                ("EDGES", 0),
            ],
        );
        assert_eq!(fill(&datapath, "IPCACHE4_CIDR").1, 65_536, "pass {again}");
    }
    for _ in 0..2 {
        let addresses = &mut datapath.addresses;
        addresses.remove([10, 0, 0, 1].into()).expect("removed");
        let network = [10, 1, 0, 0].into();
        addresses.remove_prefix(network, 16).expect("removed");
    }
    check(
        &datapath,
        [
            ("IPCACHE4", 2),
            ("IPCACHE6", 3),
            ("IPCACHE4_CIDR", 2),
            ("ENDPOINT_ROWS", 1),
            ("DENIED_PORTS", 0),
        ],
    );
    for pressure in datapath.pressure().expect("readable") {
        assert!(
            !pressure.meaning.is_empty() && pressure.capacity > 0,
            "{pressure:?}"
        );
        assert!(pressure.entries <= pressure.capacity, "{pressure:?}");
    }
}

/// Removes pins however the test ends.
struct Cleanup(PathBuf);

impl Cleanup {
    fn new(name: &str) -> Self {
        let process = std::process::id();
        Self(PathBuf::from(format!(
            "/sys/fs/bpf/tycho-test-{name}-{process}"
        )))
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        drop(Pins::at(&self.0).remove());
    }
}
