//! What a packet costs in the kernel, by `BPF_PROG_TEST_RUN`, above an empty program. Needs root.
//!
//! Prints one JSON object per row. The packets are made up and arrive at the loopback interface's number, where an endpoint
//! is entered without attaching anything. What is random or new varies its source port inside the kernel.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bpf_events::counters::Counter;
use bpf_events::endpoint::{EndpointRow, MODE_ENFORCE, SPOOFING_STRICT};
use bpf_events::ipcache::{ADDRESS_MANAGED, AddressInfo};
use bpf_loader::{Datapath, Probe, RunTimeSettings, Settings};
use policy::{Compiler, Enforcement, Identities, LabelSet, NamedPorts, PolicyRepository};

/// Interface of packets that `BPF_PROG_TEST_RUN` makes without a context.
const LOOPBACK: u32 = 1;
const REPEAT: u32 = 1_000_000;
const CONNECTIONS: u32 = 65_536;

const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: client, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: client}}
  egress:
  - toEndpoints: [{matchLabels: {role: server}}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
"#;

fn main() {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| name != "--bench")
        .collect();
    let wanted = |row: &str| asked.is_empty() || asked.iter().any(|name| name == row);
    let mut bench = Bench::new();
    for (row, ipv6) in [
        ("kernel-established-v4", false),
        ("kernel-established-v6", true),
    ] {
        if wanted(row) {
            print(row, bench.established(ipv6));
        }
    }
    if wanted("kernel-established-random") {
        print("kernel-established-random", bench.established_random());
    }
    for (row, ipv6) in [("kernel-new-v4", false), ("kernel-new-v6", true)] {
        if wanted(row) {
            let runs = [(); 3].map(|()| Bench::new_connections(ipv6));
            print(row, runs.into_iter().fold(f64::MAX, f64::min));
        }
    }
}

fn print(row: &str, value: f64) {
    println!(r#"{{"row": "{row}", "value": {value:.1}, "unit": "ns"}}"#);
}

struct Bench {
    datapath: Datapath,
    ring: bpf_loader::ring::EventRing,
}

impl Bench {
    fn new() -> Self {
        let settings = Settings {
            ring_bytes: 16 << 20,
            ..Settings::default()
        };
        let run_time = RunTimeSettings::default();
        let mut datapath =
            Datapath::load(&settings, &run_time).expect("root and a kernel with BPF");
        let ring = datapath.take_ring().expect("the first to take it");
        let mut identities = Identities::new();
        let labels = |role: &str| {
            LabelSet::parse([
                format!("k8s:role={role}"),
                "k8s:io.kubernetes.pod.namespace=shop".to_owned(),
            ])
            .expect("labels")
        };
        let client = identities.allocate(labels("client")).expect("room");
        let server = identities.allocate(labels("server")).expect("room");
        let mut policies = PolicyRepository::new();
        policies.replace_file("bench.yaml", POLICY).expect("valid");
        let named_ports = NamedPorts::new();
        let model = policies.model(Enforcement::Default, &named_ports);
        let set = Compiler::new(model, &identities).compile(&labels("client"));
        datapath
            .policy_sets
            .write(1, &set, 1, |_| 16, [0; 2])
            .expect("written");
        for (identity, number) in [(client, 1), (server, 2)] {
            let info = AddressInfo {
                identity: identity.0,
                metadata: 100 + u32::from(number),
                endpoint: number,
                flags: ADDRESS_MANAGED,
            };
            for ipv6 in [false, true] {
                datapath
                    .addresses
                    .set(address(number, ipv6), info)
                    .expect("written");
            }
        }
        let row = EndpointRow {
            identity: client.0,
            metadata: 101,
            policy_set: 1,
            other_slot: 1,
            endpoint: 1,
            mode: MODE_ENFORCE,
            spoofing: SPOOFING_STRICT,
        };
        datapath.endpoints.set(LOOPBACK, row).expect("written");
        Self { datapath, ring }
    }

    /// Nanoseconds per run, the best of five.
    fn run(&mut self, probe: Probe, packet: &[u8], repeat: u32) -> f64 {
        let mut best = f64::MAX;
        for _ in 0..5 {
            let (_, time) = self
                .datapath
                .run(probe, packet, None, repeat)
                .expect("runs");
            best = best.min(time.as_nanos() as f64);
        }
        best
    }

    fn established(&mut self, ipv6: bool) -> f64 {
        let packet = tcp_packet(ipv6, 40_000, ACK);
        let (verdict, _) = self
            .datapath
            .run(Probe::FromEndpoint, &packet, None, 1)
            .expect("runs");
        assert_eq!(verdict, -1, "the packet must pass");
        let empty = self.run(Probe::Empty, &packet, REPEAT);
        self.run(Probe::FromEndpoint, &packet, REPEAT) - empty
    }

    /// Connections in an order in which each is far from the one before.
    fn established_random(&mut self) -> f64 {
        let packet = tcp_packet(false, 1, ACK);
        self.vary(Probe::FromEndpoint, &packet, CONNECTIONS);
        self.drain();
        let repeat = CONNECTIONS * 8;
        let best = |times: [f64; 5]| times.into_iter().fold(f64::MAX, f64::min);
        let empty = best([(); 5].map(|()| self.vary(Probe::Empty, &packet, repeat)));
        best([(); 5].map(|()| self.vary(Probe::FromEndpoint, &packet, repeat))) - empty
    }

    /// Every run is the first packet of a connection. The ring holds all the events, so that only the first wakes a reader.
    fn new_connections(ipv6: bool) -> f64 {
        let mut bench = Self::new();
        let packet = tcp_packet(ipv6, 1, SYN);
        let empty = bench.vary(Probe::Empty, &packet, CONNECTIONS);
        let full = bench.vary(Probe::FromEndpoint, &packet, CONNECTIONS);
        let counters = &bench.datapath.counters;
        let created = counters.sum(Counter::ConnectionsCreated);
        assert_eq!(created, u64::from(CONNECTIONS), "every run makes one");
        assert_eq!(
            counters.sum(Counter::ReserveFailed),
            0,
            "every event is told"
        );
        full - empty
    }

    /// Nanoseconds per run with another port each.
    fn vary(&mut self, measured: Probe, packet: &[u8], repeat: u32) -> f64 {
        self.datapath.measure(measured).expect("loaded");
        let (_, time) = self
            .datapath
            .run(Probe::Vary, packet, None, repeat)
            .expect("runs");
        time.as_nanos() as f64
    }

    fn drain(&mut self) {
        self.ring.drain(usize::MAX, |_| {});
    }
}

fn address(number: u16, ipv6: bool) -> IpAddr {
    if ipv6 {
        Ipv6Addr::new(0xfd44, 0, 0, 0, 0, 0, 0, 0x10 + number).into()
    } else {
        Ipv4Addr::new(10, 44, 0, 10 + u8::try_from(number).expect("small")).into()
    }
}

const SYN: u8 = 2;
const ACK: u8 = 16;

/// A TCP segment from the client to the server's port 8080.
fn tcp_packet(ipv6: bool, source_port: u16, flags: u8) -> Vec<u8> {
    let mut packet = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    let (source, destination) = (address(1, ipv6), address(2, ipv6));
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            packet.extend([0x08, 0x00, 0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0]);
            packet.extend(source.octets());
            packet.extend(destination.octets());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            packet.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, 6, 64]);
            packet.extend(source.octets());
            packet.extend(destination.octets());
        }
        _ => unreachable!("both of one family"),
    }
    packet.extend(source_port.to_be_bytes());
    packet.extend(8080u16.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    // The shortest Ethernet frame.
    packet.resize(packet.len().max(60), 0);
    packet
}
