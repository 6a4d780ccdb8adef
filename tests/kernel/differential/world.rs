//! Who there is: endpoints of this node, others of the cluster, reserved identities, and the world with its networks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bpf_events::endpoint::EndpointRow;
use bpf_events::ipcache::{ADDRESS_LOCAL_HOST, ADDRESS_MANAGED, AddressInfo};
use policy::{Cidr, Identities, Identity, LabelSet, NamedPorts};
use tests::datapath::TestNode;

/// What a namespace's own labels look like at its endpoints.
const NAMESPACES: [(&str, &str); 3] = [("shop", "red"), ("bank", "blue"), ("dev", "blue")];
/// Roles that endpoints have.
pub(super) const ROLES: [&str; 4] = ["web", "api", "db", "job"];
/// Tiers that some have.
pub(super) const TIERS: [&str; 2] = ["front", "back"];
/// Names of ports, and which port of which role has them.
const PORT_NAMES: [(&str, &str, u16); 7] = [
    ("http", "web", 80),
    ("http", "api", 8080),
    ("http", "db", 81),
    ("dns", "job", 53),
    ("dns", "web", 5353),
    ("metrics", "api", 9100),
    ("metrics", "db", 9187),
];
/// Metadata index of an identity is its place in the order of making, plus this.
const FIRST_METADATA: u32 = 1_000;

/// The endpoints of the node: name, labels.
const LOCAL: [(&str, &[&str]); 6] = [
    ("web", &["shop", "k8s:role=web", "k8s:tier=front"]),
    ("web2", &["shop", "k8s:role=web", "k8s:tier=front"]),
    ("api", &["shop", "k8s:role=api", "k8s:tier=back"]),
    ("db", &["bank", "k8s:role=db", "k8s:tier=back"]),
    ("job", &["bank", "k8s:role=job"]),
    ("bare", &["container:role=web"]),
];

/// One that has an address of its own: an endpoint, here or elsewhere, or what is reserved.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Its identity.
    pub(super) identity: Identity,
    /// The labels of that.
    pub(super) labels: LabelSet,
    /// What the kernel says of it.
    pub(super) info: AddressInfo,
    /// One address per family.
    pub(super) addresses: [IpAddr; 2],
}

/// An endpoint of this node.
#[derive(Clone, Debug)]
pub(super) struct Local {
    /// Its short name.
    pub(super) name: &'static str,
    /// Interface of its host end.
    pub(super) ifindex: u32,
    /// Who it is.
    pub(super) known: Known,
    /// Number of its policy set.
    pub(super) set: u32,
}

/// Everybody, and what the networks of the policies in force resolve to.
pub(super) struct World {
    /// Endpoints of the node.
    pub(super) locals: Vec<Local>,
    /// All that have addresses of their own, the endpoints of the node included.
    pub(super) known: Vec<Known>,
    /// Ports with names.
    pub(super) named_ports: NamedPorts,
    exact: HashMap<IpAddr, usize>,
    identities: Identities,
    /// Networks get their numbers once.
    network_numbers: HashMap<Cidr, u32>,
    prefixes: BTreeSet<Cidr>,
    more_addresses: u32,
}

impl World {
    /// The node of [`World::settle`].
    pub(super) fn node(prefix: &str) -> TestNode {
        TestNode::new(prefix, &LOCAL.map(|(name, _)| (name, name)))
    }

    /// Gives everybody identities and addresses, in the kernel too.
    pub(super) fn settle(node: &mut TestNode) -> Self {
        let mut world = Self {
            locals: Vec::new(),
            known: Vec::new(),
            named_ports: NamedPorts::new(),
            exact: HashMap::new(),
            identities: Identities::new(),
            network_numbers: HashMap::new(),
            prefixes: BTreeSet::new(),
            more_addresses: 0,
        };
        for (name, labels) in LOCAL {
            world.add_local(node, name, &label_set(labels));
        }
        for labels in elsewhere() {
            let flags = ADDRESS_MANAGED;
            world.add(labels, flags);
        }
        for identity in Identity::reserved() {
            let labels = identity.reserved_labels().expect("it is reserved");
            match identity {
                Identity::WORLD | Identity::WORLD_IPV4 | Identity::WORLD_IPV6 => {}
                Identity::HOST => world.add(labels, ADDRESS_LOCAL_HOST),
                _ => world.add(labels, 0),
            }
        }
        for known in &world.known {
            for address in known.addresses {
                node.datapath
                    .addresses
                    .set(address, known.info)
                    .expect("written");
            }
        }
        world.name_ports();
        node.datapath.bump_identity_epoch();
        world
    }

    fn add_local(&mut self, node: &mut TestNode, name: &'static str, labels: &LabelSet) {
        let member = node.member(name).clone();
        let identity = self.identities.allocate(labels.clone()).expect("room");
        let info = AddressInfo {
            identity: identity.0,
            metadata: FIRST_METADATA + self.known.len() as u32,
            endpoint: member.number,
            flags: ADDRESS_MANAGED,
        };
        let known = Known {
            identity,
            labels: labels.clone(),
            info,
            addresses: [member.addresses[0], member.addresses[1]],
        };
        let local = Local {
            name,
            ifindex: member.ifindex,
            set: identity.0 - Identity::FIRST_ALLOCATED.0 + 1,
            known: known.clone(),
        };
        node.change_row(name, |row: &mut EndpointRow| {
            row.identity = identity.0;
            row.metadata = info.metadata;
            row.policy_set = local.set;
        });
        self.locals.push(local);
        self.enter(known);
    }

    fn add(&mut self, labels: LabelSet, flags: u16) {
        let identity = self.identities.allocate(labels.clone()).expect("room");
        let place = self.known.len() as u32;
        let known = Known {
            identity,
            labels,
            info: AddressInfo {
                identity: identity.0,
                metadata: FIRST_METADATA + place,
                endpoint: 0,
                flags,
            },
            addresses: own_addresses(50, place),
        };
        self.enter(known);
    }

    fn enter(&mut self, known: Known) {
        for address in known.addresses {
            self.exact.insert(address, self.known.len());
        }
        self.known.push(known);
    }

    /// One more address of somebody, in the kernel too: nobody has talked to it yet.
    pub(super) fn fresh_address(&mut self, node: &mut TestNode, who: usize, ipv6: bool) -> IpAddr {
        self.more_addresses += 1;
        let address = own_addresses(64, self.more_addresses)[usize::from(ipv6)];
        let mut info = self.known[who].info;
        info.endpoint = 0;
        node.datapath.addresses.set(address, info).expect("written");
        self.exact.insert(address, who);
        address
    }

    /// Addresses that nobody has, nor had.
    pub(super) fn unused_addresses(&mut self) -> [IpAddr; 2] {
        self.more_addresses += 1;
        own_addresses(64, self.more_addresses)
    }

    fn name_ports(&mut self) {
        for known in &self.known {
            for (name, role, port) in PORT_NAMES {
                if known.labels.value("k8s", "role") == Some(role) {
                    let (identity, labels) = (known.identity, &known.labels);
                    self.named_ports.insert(identity, labels, name, port);
                }
            }
        }
    }

    /// Identities of everybody and of these networks, which get numbers if they have none.
    pub(super) fn identities(&mut self, prefixes: &BTreeSet<Cidr>) -> Identities {
        let mut identities = self.identities.clone();
        for prefix in prefixes {
            let next = self.network_numbers.len() as u32 + 1;
            self.network_numbers.entry(*prefix).or_insert(next);
            let identity = self.network_identity(*prefix);
            identities
                .insert_prefix(identity, *prefix)
                .expect("its own number");
        }
        identities
    }

    fn network_identity(&self, prefix: Cidr) -> Identity {
        match Identity::of_family(prefix) {
            Some(family) => family,
            None => Identity(Identity::NODE_LOCAL_BIT | self.network_numbers[&prefix]),
        }
    }

    /// Makes these the networks of the kernel.
    pub(super) fn set_prefixes(&mut self, node: &mut TestNode, prefixes: &BTreeSet<Cidr>) {
        for gone in self.prefixes.difference(prefixes) {
            let (address, bits) = (gone.address(), gone.bits());
            node.datapath
                .addresses
                .remove_prefix(address, bits)
                .expect("removed");
        }
        for prefix in prefixes.difference(&self.prefixes) {
            let info = self.network_info(*prefix);
            let (address, bits) = (prefix.address(), prefix.bits());
            node.datapath
                .addresses
                .set_prefix(address, bits, info)
                .expect("written");
        }
        self.prefixes.clone_from(prefixes);
        node.datapath.bump_identity_epoch();
    }

    /// Identities that addresses resolve to now.
    pub(super) fn in_use(&self) -> BTreeSet<Identity> {
        let prefixes = self.prefixes.iter();
        let networks = prefixes.map(|prefix| self.network_identity(*prefix));
        let known = self.known.iter().map(|known| known.identity);
        known.chain(networks).chain([Identity::WORLD]).collect()
    }

    fn network_info(&self, prefix: Cidr) -> AddressInfo {
        let identity = self.network_identity(prefix);
        let number = identity.0 & !Identity::NODE_LOCAL_BIT;
        AddressInfo {
            identity: identity.0,
            metadata: if identity.is_node_local() {
                100_000 + number
            } else {
                number
            },
            endpoint: 0,
            flags: 0,
        }
    }

    /// Who has an address, if it is one of those with addresses of their own.
    pub(super) fn who(&self, address: IpAddr) -> Option<&Known> {
        self.exact.get(&address).map(|place| &self.known[*place])
    }

    /// What the kernel must find for an address: its own entry, else the longest of the networks, else the world.
    pub(super) fn resolve(&self, address: IpAddr) -> AddressInfo {
        if let Some(known) = self.who(address) {
            let mut info = known.info;
            info.endpoint = 0;
            return info;
        }
        let containing = self
            .prefixes
            .iter()
            .filter(|prefix| prefix.contains(address));
        match containing.max_by_key(|prefix| prefix.bits()).copied() {
            Some(prefix) => self.network_info(prefix),
            None => AddressInfo {
                identity: Identity::WORLD.0,
                metadata: Identity::WORLD.0,
                endpoint: 0,
                flags: 0,
            },
        }
    }

    /// Identity and labels by which the specification judges an address. One of the world has a network of its own there,
    /// whatever networks policies name: what the kernel knows of it must come to the same.
    pub(super) fn judged_as(&self, address: IpAddr) -> (Identity, LabelSet) {
        match self.who(address) {
            Some(known) => (known.identity, known.labels.clone()),
            None => {
                let labels = Identity::prefix_labels(Cidr::host(address));
                (Identity(Identity::NODE_LOCAL_BIT | 0xff_ffff), labels)
            }
        }
    }
}

/// Labels in short: a namespace stands for itself and its own labels.
fn label_set(labels: &[&str]) -> LabelSet {
    let mut texts = Vec::new();
    for label in labels {
        match NAMESPACES.iter().find(|(name, _)| name == label) {
            Some((name, team)) => {
                texts.push(format!("k8s:io.kubernetes.pod.namespace={name}"));
                texts.push(format!("k8s:io.cilium.k8s.namespace.labels.team={team}"));
            }
            None => texts.push((*label).to_owned()),
        }
    }
    LabelSet::parse(texts).expect("labels")
}

/// Label sets of endpoints of other nodes; some equal those of this node's.
fn elsewhere() -> Vec<LabelSet> {
    let mut sets: BTreeMap<String, LabelSet> = BTreeMap::new();
    let mut add = |labels: &[&str]| {
        let set = label_set(labels);
        sets.insert(set.to_string(), set);
    };
    for (namespace, _) in NAMESPACES {
        for (place, role) in ROLES.into_iter().enumerate() {
            let role = format!("k8s:role={role}");
            add(&[namespace, &role]);
            let tier = format!("k8s:tier={}", TIERS[place % 2]);
            add(&[namespace, &role, &tier]);
        }
    }
    add(&["container:role=db"]);
    add(&["k8s:app=lonely"]);
    add(&["dev", "k8s:role=web", "reserved:kube-apiserver"]);
    sets.into_values().collect()
}

/// An address in each family; `net` is 50 for first ones, 64 and more for later ones.
fn own_addresses(net: u8, place: u32) -> [IpAddr; 2] {
    let [_, high, middle, low] = place.to_be_bytes();
    [
        Ipv4Addr::new(10, net + high, middle, low).into(),
        Ipv6Addr::new(
            0xfd50,
            net.into(),
            0,
            0,
            0,
            0,
            (place >> 16) as u16,
            place as u16,
        )
        .into(),
    ]
}
