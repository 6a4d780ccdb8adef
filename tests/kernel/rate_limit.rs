//! Many drops: few events, every packet counted.

use std::net::SocketAddr;

use bpf_events::counters::{Counter, Total};
use bpf_events::edge::DENIED_PORTS_PER_PAIR;
use bpf_events::record::{
    KIND_DROP, KIND_POLICY_VERDICT, MARK_SUMMARY, REASON_POLICY_DENIED, Record, VERDICT_DROPPED,
};
use bpf_loader::RunTimeSettings;
use lab::traffic::{FloodReport, UdpFlood, udp_flood};
use tests::accounts::dropped;
use tests::attempt::{Attempt, Protocol};
use tests::datapath::TestNode;

const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: target, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: target}}
  ingress:
  - icmps: [{fields: [{family: IPv4, type: 8}]}]
"#;
/// Default drop events per second; the bucket holds one second's worth.
const EVENTS_PER_SECOND: u64 = 1_000;
const DATAGRAMS: u64 = 60_000;
const PORTS: u32 = 200;

#[test]
fn drop_events_are_limited_and_drops_are_not_forgotten() {
    let mut node = prepared("rla");
    let report = flood(&node, 1);
    let account = node.account();
    let before_sweep = node.records();
    let events = count(&before_sweep, KIND_DROP);
    let most = EVENTS_PER_SECOND * (report.elapsed.as_secs() + 2);
    assert!(
        (EVENTS_PER_SECOND..=most).contains(&events),
        "{events} events, at most {most}"
    );
    let denials = before_sweep
        .iter()
        .filter(|each| each.kind == KIND_POLICY_VERDICT && each.verdict == VERDICT_DROPPED);
    assert_eq!(
        denials.count() as u64,
        events,
        "verdict and drop share a token"
    );
    let limited = node.datapath.counters.sum(Counter::RateLimited);
    assert_eq!(limited + events, DATAGRAMS);

    let summaries = node.settle(&RunTimeSettings::default());
    let summaries: Vec<Record> = summaries
        .into_iter()
        .filter(|each| each.kind == KIND_DROP)
        .collect();
    let [summary] = &summaries[..] else {
        panic!("one edge, one summary: {summaries:?}")
    };
    assert_eq!(summary.marks & MARK_SUMMARY, MARK_SUMMARY);
    let (sender, target) = (node.member("sender"), node.member("target"));
    assert_eq!(
        (summary.source_identity, summary.source_metadata),
        (sender.identity.0, sender.metadata)
    );
    assert_eq!(
        (summary.destination_identity, summary.destination_metadata),
        (target.identity.0, target.metadata)
    );
    assert_eq!(
        (summary.endpoint, summary.ifindex),
        (target.number, target.ifindex)
    );
    assert_eq!(
        (summary.reason, summary.protocol, summary.destination_port),
        (REASON_POLICY_DENIED, 17, 9_000)
    );

    let totals = account.ingress(REASON_POLICY_DENIED.into());
    assert_eq!(totals.packets, DATAGRAMS);
    let told = [dropped(&before_sweep), dropped(&summaries)];
    assert_eq!(tests::accounts::sum(told), totals);
}

#[test]
fn a_scan_of_ports_uses_few_edges() {
    let mut node = prepared("rlb");
    flood(&node, PORTS);
    let totals = node.account().ingress(REASON_POLICY_DENIED.into());
    assert_eq!(totals.packets, DATAGRAMS);
    let edges = node.datapath.edges.all().expect("readable");
    let denied: Vec<_> = edges
        .iter()
        .filter(|(key, ..)| key.verdict == VERDICT_DROPPED)
        .collect();
    assert_eq!(denied.len() as u32, DENIED_PORTS_PER_PAIR + 1);
    assert_eq!(node.edges(|key| key.verdict == VERDICT_DROPPED), totals);
    let folded = node.edges(|key| key.verdict == VERDICT_DROPPED && key.port == 0);
    let beyond = u64::from(PORTS - DENIED_PORTS_PER_PAIR);
    assert_eq!(folded.packets, DATAGRAMS / u64::from(PORTS) * beyond);
    assert_eq!(
        node.datapath.counters.sum(Counter::DeniedPortsFolded),
        folded.packets
    );
    let mut records = node.records();
    records.extend(node.settle(&RunTimeSettings::default()));
    assert_eq!(dropped(&records), totals);
}

fn prepared(prefix: &str) -> TestNode {
    let mut node = TestNode::new(prefix, &[("sender", "sender"), ("target", "target")]);
    node.enforce(POLICY);
    let ping = Attempt {
        from: "sender",
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
    node.settle(&RunTimeSettings::default());
    let none = node.account().ingress(REASON_POLICY_DENIED.into());
    assert_eq!(none, Total::default());
    node
}

/// From one CPU, so that no lost race lets one event or edge more through.
fn flood(node: &TestNode, destination_ports: u32) -> FloodReport {
    let to = SocketAddr::new(node.address("target", false), 9_000);
    let flood = UdpFlood {
        destination_ports,
        cpu: Some(0),
        ..UdpFlood::new(to, DATAGRAMS, 32)
    };
    let report = udp_flood(node.namespace("sender"), &flood).expect("sockets work");
    assert_eq!(report.sent, DATAGRAMS);
    let counters = lab::interface_counters(node.namespace("sender"), "eth0").expect("it is there");
    assert_eq!(
        counters.tx_dropped, 0,
        "one sender does not outrun the queue"
    );
    report
}

fn count(records: &[Record], kind: u8) -> u64 {
    records.iter().filter(|record| record.kind == kind).count() as u64
}
