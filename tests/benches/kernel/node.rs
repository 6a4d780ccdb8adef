//! A datapath without interfaces: one endpoint, the client, at the number of the loopback interface.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bpf_events::endpoint::{EndpointRow, MODE_ENFORCE, SPOOFING_STRICT};
use bpf_events::ipcache::{ADDRESS_MANAGED, AddressInfo};
use bpf_loader::ring::EventRing;
use bpf_loader::{Datapath, Probe, RunTimeSettings, Settings};
use policy::{Compiler, Enforcement, Identities, Identity, LabelSet, NamedPorts, PolicyRepository};

/// Interface of packets that `BPF_PROG_TEST_RUN` makes without a context.
pub(crate) const LOOPBACK: u32 = 1;
/// The client's policy set.
const SET: u32 = 1;

/// Rules have numbers from here on; default denies have the one before.
pub(crate) const FIRST_RULE: u32 = 17;

/// How much the maps hold besides the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Servers that the client may reach: each has an identity, an address per family and a policy cell.
    pub(crate) servers: u16,
    /// Prefixes per family, none of which holds a server.
    pub(crate) prefixes: u16,
}

/// What the smallest node has.
pub(crate) const ONE_SERVER: Load = Load {
    servers: 1,
    prefixes: 0,
};

/// The datapath and its ring.
pub(crate) struct Node {
    pub(crate) datapath: Datapath,
    ring: EventRing,
}

impl Node {
    pub(crate) fn new(load: Load) -> Self {
        let mut datapath = load_datapath();
        let ring = datapath.take_ring().expect("the first to take it");
        let mut identities = Identities::new();
        let mut identity = |role: &str, number: u16| {
            let labels = labels(&[("role", role), ("number", &number.to_string())]);
            identities.allocate(labels).expect("room")
        };
        let client = identity("client", 0);
        let servers: Vec<Identity> = (1..=load.servers)
            .map(|number| identity("server", number))
            .collect();
        for (number, identity) in (0u16..).zip([client].iter().chain(&servers)) {
            let info = info(*identity, number);
            for ipv6 in [false, true] {
                let addresses = &mut datapath.addresses;
                addresses.set(address(number, ipv6), info).expect("written");
            }
        }
        let by_prefix = info(servers[0], 1);
        for (address, bits) in (0..load.prefixes).flat_map(prefixes) {
            let addresses = &mut datapath.addresses;
            addresses
                .set_prefix(address, bits, by_prefix)
                .expect("written");
        }
        write_policy(&mut datapath, &identities, load.servers);
        let row = EndpointRow {
            identity: client.0,
            metadata: 100,
            policy_set: SET,
            other_slot: 1,
            endpoint: 1,
            mode: MODE_ENFORCE,
            spoofing: SPOOFING_STRICT,
        };
        datapath.endpoints.set(LOOPBACK, row).expect("written");
        Self { datapath, ring }
    }

    /// Nanoseconds per run, the best of five.
    pub(crate) fn run(&mut self, probe: Probe, packet: &[u8], repeat: u32) -> f64 {
        super::smallest([(); 5].map(|()| {
            let run = self.datapath.run(probe, packet, None, repeat);
            run.expect("runs").1.as_nanos() as f64
        }))
    }

    /// Nanoseconds per run with another source port each.
    pub(crate) fn vary(&mut self, measured: Probe, packet: &[u8], repeat: u32) -> f64 {
        self.datapath.measure(measured).expect("loaded");
        let run = self.datapath.run(Probe::Vary, packet, None, repeat);
        run.expect("runs").1.as_nanos() as f64
    }

    pub(crate) fn drain(&mut self) {
        self.ring.drain(usize::MAX, |_| {});
    }
}

/// With a ring that holds the events of 65,536 connections.
pub(crate) fn load_datapath() -> Datapath {
    let settings = Settings {
        ring_bytes: 16 << 20,
        ..Settings::default()
    };
    Datapath::load(&settings, &RunTimeSettings::default()).expect("root and a kernel with BPF")
}

/// Labels of a workload of the namespace `shop`.
pub(crate) fn labels(own: &[(&str, &str)]) -> LabelSet {
    let own = own.iter().map(|(key, value)| format!("k8s:{key}={value}"));
    let namespace = "k8s:io.kubernetes.pod.namespace=shop".to_owned();
    LabelSet::parse(own.chain([namespace])).expect("labels")
}

/// Number 0 is the client, the others are servers.
pub(crate) fn address(number: u16, ipv6: bool) -> IpAddr {
    if ipv6 {
        Ipv6Addr::new(0xfd44, 0, 0, 0, 0, 0, 0, 0x10 + number).into()
    } else {
        Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(10, 44, 0, 10)) + u32::from(number)).into()
    }
}

/// The client, from some port.
pub(crate) fn client(ipv6: bool, port: u16) -> SocketAddr {
    SocketAddr::new(address(0, ipv6), port)
}

/// A server's port that the client may reach.
pub(crate) fn server(number: u16, ipv6: bool) -> SocketAddr {
    SocketAddr::new(address(number, ipv6), 8080)
}

/// An address of a prefix, which resolves to the first server's identity.
pub(crate) fn in_prefix(ipv6: bool) -> SocketAddr {
    let (network, _) = prefixes(0)[usize::from(ipv6)];
    SocketAddr::new(network, 8080)
}

fn info(identity: Identity, number: u16) -> AddressInfo {
    AddressInfo {
        identity: identity.0,
        metadata: 100 + u32::from(number),
        endpoint: number + 1,
        flags: ADDRESS_MANAGED,
    }
}

/// One network of each family, of differing lengths.
fn prefixes(number: u16) -> [(IpAddr, u8); 2] {
    let v4 =
        Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(172, 16, 0, 0)) + (u32::from(number) << 8));
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, number, 0, 0, 0, 0, 0);
    [
        (v4.into(), if number.is_multiple_of(2) { 24 } else { 32 }),
        (v6.into(), if number.is_multiple_of(2) { 48 } else { 64 }),
    ]
}

fn write_policy(datapath: &mut Datapath, identities: &Identities, servers: u16) {
    let yaml = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: client, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: client}}
  egress:
  - toEndpoints: [{matchLabels: {role: server}}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
"#;
    let mut policies = PolicyRepository::new();
    policies.replace_file("bench.yaml", yaml).expect("valid");
    let named_ports = NamedPorts::new();
    let model = policies.model(Enforcement::Default, &named_ports);
    let client = labels(&[("role", "client"), ("number", "0")]);
    let set = Compiler::new(model, identities).compile(&client);
    assert_eq!(set.cells.len(), usize::from(servers), "one cell per server");
    let written = datapath
        .policy_sets
        .write(SET, &set, 1, |_| FIRST_RULE, [FIRST_RULE - 1; 2]);
    assert!(written.expect("room"));
}
