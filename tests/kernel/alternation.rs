//! Two policies alternate a thousand times under traffic: every packet meets one of them as a whole, and names it.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bpf_events::record::{KIND_POLICY_VERDICT, REASON_POLICY_DENIED, Record, VERDICT_FORWARDED};
use bpf_loader::{RunTimeSettings, Settings};
use lab::traffic::{ServerMode, UdpServer};
use tests::datapath::TestNode;

/// Two policies that no packet can meet both of: each lets one of two ports in, by a rule of its own.
const BEFORE: (&str, u16) = ("before", 8_001);
const AFTER: (&str, u16) = ("after", 8_002);
const ALTERNATIONS: u64 = 1_000;

#[test]
fn every_packet_meets_one_policy_as_a_whole() {
    let run_time = RunTimeSettings {
        drop_events_per_second: 0,
        ..RunTimeSettings::default()
    };
    let settings = Settings {
        ring_bytes: 16 << 20,
        ..Settings::default()
    };
    let endpoints = [("client", "client"), ("server", "server")];
    let mut node = TestNode::with("pca", &endpoints, &settings, &run_time);
    let to = [BEFORE, AFTER].map(|(_, port)| SocketAddr::new(node.address("server", false), port));
    let sinks = to.map(|to| UdpServer::start(node.namespace("server"), to, ServerMode::Sink));
    assert!(sinks.iter().all(Result::is_ok), "the ports are free");
    node.enforce(&one_port(BEFORE));
    let client = node.namespace("client").clone();
    let over = AtomicBool::new(false);
    let mut records = Vec::new();
    std::thread::scope(|scope| {
        let pairs = scope.spawn(|| client.run(|| send_pairs(to, &over)));
        for revision in 2..=ALTERNATIONS {
            let policy = if revision % 2 == 0 { AFTER } else { BEFORE };
            node.enforce(&one_port(policy));
            assert_eq!(node.policies.revision(), revision);
            records.extend(node.records());
        }
        over.store(true, Ordering::Relaxed);
        let sent = pairs.join().expect("no panic").expect("it can be entered");
        assert!(
            sent.expect("sockets work") > ALTERNATIONS,
            "pairs all the while"
        );
    });
    records.extend(node.records());
    let met = check(&node, &records);
    assert!(met.iter().flatten().all(|times| *times > 100), "{met:?}");
}

/// Every verdict is that of the policy whose revision it names; how often each was met, by policy and port.
fn check(node: &TestNode, records: &[Record]) -> [[u64; 2]; 2] {
    let server = node.members["server"].number;
    let told = records.iter().filter(|record| {
        record.kind == KIND_POLICY_VERDICT && record.endpoint == server && record.protocol == 17
    });
    let mut met = [[0u64; 2]; 2];
    for record in told {
        let line = node.tell(record);
        let after = record.policy_revision % 2 == 0;
        let (name, port) = if after { AFTER } else { BEFORE };
        let allowed = record.destination_port == port;
        let rule = node.rule_name(record.rule).unwrap_or_default();
        if allowed {
            assert_eq!(record.verdict, VERDICT_FORWARDED, "{line}");
            let expect = format!("CiliumNetworkPolicy/shop/{name} ingress[0]");
            assert_eq!(rule, expect, "{line}");
        } else {
            assert_eq!(record.reason, REASON_POLICY_DENIED, "{line}");
        }
        met[usize::from(after)][usize::from(record.destination_port == AFTER.1)] += 1;
    }
    met
}

fn one_port((name, port): (&str, u16)) -> String {
    format!(
        r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: {name}, namespace: shop}}
spec:
  endpointSelector: {{matchLabels: {{role: server}}}}
  ingress:
  - fromEndpoints: [{{matchLabels: {{role: client}}}}]
    toPorts: [{{ports: [{{port: "{port}", protocol: UDP}}]}}]
"#
    )
}

/// A datagram to each of both ports, always from another port, until it is over; how many pairs.
fn send_pairs(to: [SocketAddr; 2], over: &AtomicBool) -> std::io::Result<u64> {
    let mut pairs = 0;
    while !over.load(Ordering::Relaxed) {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        for to in to {
            socket.send_to(b"probe", to)?;
        }
        pairs += 1;
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(pairs)
}
