//! More events than the ring holds, from both CPUs, and a reader that stalls: what is lost is counted, sums stay exact.

use std::net::SocketAddr;
use std::time::Duration;

use bpf_events::counters::{Counter, TOTAL_FORWARDED, Total};
use bpf_events::record::{REASON_POLICY_DENIED, Record, VERDICT_DROPPED};
use bpf_loader::{Aggregation, RunTimeSettings, Settings};
use lab::traffic::{ServerMode, UdpFlood, UdpServer, udp_flood};
use tests::accounts::{Account, dropped, traced};
use tests::attempt::{Attempt, Protocol};
use tests::datapath::TestNode;

/// Ports 9000 and 9001 of four are allowed.
const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: target, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: target}}
  ingress:
  - toPorts: [{ports: [{port: "9000", endPort: 9001, protocol: UDP}]}]
  - icmps: [{fields: [{family: IPv4, type: 8}]}]
"#;
const PORTS: u32 = 4;
/// Per sender; each is judged at two hooks.
const DATAGRAMS: u64 = 260_000;
const PAYLOAD_BYTES: usize = 64;
/// Ethernet, IPv4, UDP and the payload.
const BYTES: u64 = 14 + 20 + 8 + 64;

#[test]
fn a_million_verdicts_into_a_ring_of_64_kib() {
    let settings = Settings {
        ring_bytes: 64 << 10,
        ..Settings::default()
    };
    let run_time = RunTimeSettings {
        aggregation: Aggregation::None,
        drop_events_per_second: 0,
        ..RunTimeSettings::default()
    };
    let endpoints = [
        ("left", "sender"),
        ("right", "sender"),
        ("target", "target"),
    ];
    let mut node = TestNode::with("fld", &endpoints, &settings, &run_time);
    node.enforce(POLICY);
    let _sinks = [9_000, 9_001].map(|port| {
        let at = SocketAddr::new(node.address("target", false), port);
        UdpServer::start(node.namespace("target"), at, ServerMode::Sink).expect("the port is free")
    });
    for from in ["left", "right"] {
        let ping = Attempt {
            from,
            to: "target",
            protocol: Protocol::Icmp,
            ipv6: false,
            source_port: 0,
            port: 0,
        };
        assert!(
            node.is_answered(&ping),
            "neighbours know each other from here on"
        );
    }
    let mut reader = Reader {
        cpus: vec![Cpu::default(); node.datapath.counters.cpus()],
        records: node.settle(&run_time),
    };
    let before = node.account();
    let earlier = reader.records.len();
    let sent = flood(&mut node, &mut reader);
    let account = node.account().since(&before);
    check_hooks(&node, &account, sent);

    reader.records.extend(node.records());
    let attempted = node.datapath.counters.sum(Counter::Attempted);
    let lost = node.datapath.counters.sum(Counter::ReserveFailed);
    assert!(lost * 10 >= attempted, "{lost} of {attempted} lost");
    check_sequences(&node, &mut reader);

    reader.records.extend(node.settle(&run_time));
    let told = &reader.records[earlier..];
    assert_eq!(traced(told), account.both(TOTAL_FORWARDED), "traces");
    assert_eq!(
        dropped(told),
        account.ingress(REASON_POLICY_DENIED.into()),
        "drops"
    );
    check_edges(&node, &account);
}

#[derive(Clone, Default)]
struct Cpu {
    next: u32,
    read: u64,
    gaps: u64,
}

struct Reader {
    cpus: Vec<Cpu>,
    records: Vec<Record>,
}

/// Both senders at once, each on a CPU of its own, while the reader looks in now and then.
fn flood(node: &mut TestNode, reader: &mut Reader) -> u64 {
    let to = SocketAddr::new(node.address("target", false), 9_000);
    let senders = ["left", "right"].map(|name| node.namespace(name).clone());
    std::thread::scope(|scope| {
        let floods: Vec<_> = senders
            .iter()
            .enumerate()
            .map(|(cpu, namespace)| {
                let flood = UdpFlood {
                    destination_ports: PORTS,
                    cpu: Some(cpu),
                    ..UdpFlood::new(to, DATAGRAMS, PAYLOAD_BYTES)
                };
                scope.spawn(move || udp_flood(namespace, &flood).expect("sockets work").sent)
            })
            .collect();
        while floods.iter().any(|flood| !flood.is_finished()) {
            std::thread::sleep(Duration::from_millis(50));
            reader.records.extend(node.records());
        }
        floods
            .into_iter()
            .map(|flood| flood.join().expect("no panic"))
            .sum()
    })
}

/// Each datagram went through a hook at either end, except those that a full queue between the sender and its hook threw away.
fn check_hooks(node: &TestNode, account: &Account, sent: u64) {
    account.assert_balanced();
    let refused: u64 = ["left", "right"]
        .iter()
        .map(|name| {
            let counters =
                lab::interface_counters(node.namespace(name), "eth0").expect("it is there");
            counters.tx_dropped
        })
        .sum();
    let arrived = sent - refused;
    assert_eq!(sent, 2 * DATAGRAMS);
    assert!(
        arrived * 2 >= 1_000_000,
        "{arrived} datagrams are too few for a million verdicts"
    );
    let at_senders = account.egress(TOTAL_FORWARDED);
    assert_eq!(
        at_senders,
        Total {
            packets: arrived,
            bytes: arrived * BYTES
        }
    );
    let at_target = account.ingress(TOTAL_FORWARDED).packets
        + account.ingress(REASON_POLICY_DENIED.into()).packets;
    assert_eq!(at_target, arrived);
    let denied = account.ingress(REASON_POLICY_DENIED.into()).packets;
    assert!(
        denied.abs_diff(arrived / 2) < arrived / 10,
        "{denied} of {arrived} denied"
    );
}

/// Per CPU: attempts are records and failures, and failures are exactly the gaps in the sequence.
fn check_sequences(node: &TestNode, reader: &mut Reader) {
    for record in &reader.records {
        let cpu = &mut reader.cpus[usize::from(record.cpu)];
        assert!(
            record.sequence >= cpu.next,
            "CPU {}: {} after {}",
            record.cpu,
            record.sequence,
            cpu.next
        );
        cpu.gaps += u64::from(record.sequence - cpu.next);
        cpu.next = record.sequence + 1;
        cpu.read += 1;
    }
    for (number, cpu) in reader.cpus.iter().enumerate() {
        let counter = |counter| node.datapath.counters.on_cpu(counter, number);
        let (attempted, emitted) = (counter(Counter::Attempted), counter(Counter::Emitted));
        let failed = counter(Counter::ReserveFailed);
        assert!(failed > 0, "CPU {number} took no part");
        assert_eq!(attempted, emitted + failed, "CPU {number}");
        assert_eq!(cpu.read, emitted, "CPU {number}: records read");
        let tail = attempted - u64::from(cpu.next);
        assert_eq!(cpu.gaps + tail, failed, "CPU {number}: gaps");
        let kinds = [
            Counter::EmittedVerdicts,
            Counter::EmittedTraces,
            Counter::EmittedDrops,
        ];
        assert_eq!(
            kinds.map(counter).iter().sum::<u64>(),
            emitted,
            "CPU {number}: kinds"
        );
        assert_eq!(counter(Counter::Impossible), 0);
    }
}

fn check_edges(node: &TestNode, account: &Account) {
    let denied = node.edges(|key| key.verdict == VERDICT_DROPPED);
    assert_eq!(
        denied,
        account.ingress(REASON_POLICY_DENIED.into()),
        "edges of drops"
    );
    let allowed = node.edges(|key| key.verdict != VERDICT_DROPPED && key.protocol == 17);
    assert_eq!(
        allowed,
        account.both(TOTAL_FORWARDED),
        "edges of what passed"
    );
    let other = node.datapath.edges.other();
    assert_eq!(
        other.forward_packets + other.reply_packets,
        0,
        "every edge has a slot of its own"
    );
}
