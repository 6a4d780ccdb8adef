//! Policy sets in the real maps: sharing, changes in place, adoption, and maps that are full.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

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

pub(super) fn load(settings: &Settings) -> Datapath {
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
pub(super) fn fill(datapath: &Datapath, map: &str) -> (u64, u64) {
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
    let mut datapath = load(&settings);
    write(&mut datapath, 3, &all).expect("room");
    // Given up a moment before the end: nobody is left to remove it.
    write(&mut datapath, 4, &[(3, &web)]).expect("room");
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
    check_full(&mut datapath, 2, (2, &ports(5)));
    assert_eq!(fill(&datapath, "POLICY_CELLS"), (600, 1_000));
    write(&mut datapath, 2, &[(2, &ports(4))]).expect("exactly so many are left");
    // A change needs room beside what it replaces.
    check_full(&mut datapath, 3, (1, &ports(5)));
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
}

/// There is no room for the set: the error says so, and it goes on as it was.
fn check_full(datapath: &mut Datapath, revision: u32, set: (u32, &PolicySet)) {
    let before = datapath.policy_sets.generation(set.0);
    let error = write(datapath, revision, &[set]).expect_err("no room");
    let text =
        "map POLICY_CELLS is full (1000 entries): 1 policy sets go on by what they said before";
    assert_eq!(error.to_string(), text);
    assert!(error.source().is_none());
    assert_eq!(datapath.policy_sets.generation(set.0), before);
}

#[test]
fn sets_for_which_there_is_no_room_at_once_change_one_after_the_other() {
    let friends = Friends::new(100);
    let settings = Settings {
        policy_cells: 1_000,
        ..Settings::default()
    };
    let mut datapath = load(&settings);
    // Just given up: their room is waited for.
    write(&mut datapath, 1, &[(3, &friends.let_in(&[1, 2, 3, 4, 5]))]).expect("room");
    datapath.policy_sets.remove(3);
    let (a, b) = (friends.let_in(&[1, 2, 3]), friends.let_in(&[91, 92, 93]));
    write(&mut datapath, 5, &[(1, &a), (2, &b)]).expect("room once the other is gone");
    let (a, b) = (friends.let_in(&[81, 82, 83]), friends.let_in(&[71, 72, 73]));
    let written = write(&mut datapath, 6, &[(1, &a), (2, &b)]).expect("room");
    assert_eq!(written.switched, 2);
    settle(&mut datapath);
    assert_eq!(fill(&datapath, "POLICY_CELLS"), (600, 1_000));
}

const FRIENDS_AND_LATE: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: server}}
  ingress:
  - fromEndpoints: [{matchExpressions: [{key: role, operator: In, values: [friend, late]}]}]
"#;

#[test]
fn cells_of_an_identity_come_in_place_before_its_first_address() {
    let endpoints = [("server", "server"), ("friend", "friend")];
    let mut node = TestNode::new("psi", &endpoints);
    node.enforce(FRIENDS_AND_LATE);
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

/// Removes pins however the test ends.
pub(super) struct Cleanup(pub(super) PathBuf);

impl Cleanup {
    pub(super) fn new(name: &str) -> Self {
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
