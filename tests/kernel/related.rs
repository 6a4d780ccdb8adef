//! ICMP errors belong to the connection that they quote.

use bpf_events::connection::Connection;
use bpf_events::counters::{TOTAL_FORWARDED, Total};
use bpf_events::record::{KIND_DROP, KIND_POLICY_VERDICT, Record};
use bpf_loader::connections::ConnectionKey;
use bpf_loader::{Probe, RunTimeSettings};
use tests::accounts::traced;
use tests::datapath::TestNode;
use tests::named_frames::{echo, sctp, with_headers, with_options};
use tests::packets::{DROPS, PASSES, fragment_header, options, tcp, udp};

/// The client may ask some things of the server, and may be asked nothing.
const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: client, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: client}}
  ingress: [{}]
  egress:
  - toEndpoints: [{matchLabels: {role: server}}]
    toPorts: [{ports: [{port: "53", protocol: UDP}, {port: "80", protocol: TCP}, {port: "3868", protocol: SCTP}]}]
  - toEndpoints: [{matchLabels: {role: server}}]
    icmps: [{fields: [{family: IPv4, type: 8}, {family: IPv6, type: 128}]}]
"#;

/// The same without anything to ask.
const NOTHING: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: client, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: client}}
  ingress: [{}]
  egress: [{}]
"#;

const TYPES: [[(u8, u8); 4]; 2] = [
    [(3, 3), (3, 4), (11, 0), (12, 0)],
    [(1, 4), (2, 0), (3, 0), (4, 1)],
];

fn prepared(prefix: &str) -> TestNode {
    let mut node = TestNode::new(
        prefix,
        &[
            ("client", "client"),
            ("server", "server"),
            ("third", "third"),
        ],
    );
    node.add_stranger("stranger");
    node.enforce(POLICY);
    node
}

/// Protocol number and first packet of what the client asks.
fn requests(ipv6: bool) -> [(u8, Vec<u8>); 4] {
    let (icmp, request) = if ipv6 { (58, 128) } else { (1, 8) };
    [
        (17, udp(5000, 53)),
        (6, tcp(5001, 80, 2)),
        (132, sctp(5002, 3868)),
        (icmp, echo(request, 5003)),
    ]
}

/// A packet as it was sent, and as it may look to who complains about it.
fn quotes(packet: &[u8], ipv6: bool) -> Vec<Vec<u8>> {
    let minimal = packet[..14 + if ipv6 { 40 } else { 20 } + 8].to_vec();
    if !ipv6 {
        return vec![packet.to_vec(), with_options(packet), minimal];
    }
    let next_header = packet[20];
    let first = fragment_header(next_header, 0, true);
    vec![
        packet.to_vec(),
        with_headers(packet, 0, &options(2, next_header)),
        with_headers(packet, 44, &first),
        minimal,
    ]
}

type Entries = Vec<(ConnectionKey, Connection)>;

fn connections(node: &TestNode) -> Entries {
    let mut found = Vec::new();
    let visit = |key, connection: &Connection| found.push((key, *connection));
    node.datapath.connections.for_each(visit).expect("readable");
    found
}

#[test]
fn an_error_passes_with_the_connection_that_it_quotes() {
    let mut node = prepared("rel");
    for ipv6 in [false, true] {
        for (protocol, payload) in requests(ipv6) {
            let request = node.frame("client", "server", ipv6, protocol, &payload);
            node.settle(&RunTimeSettings::default());
            let known = connections(&node).len();
            assert_eq!(
                node.inject("client", Probe::FromEndpoint, &request),
                PASSES,
                "{protocol}"
            );
            let opened = connections(&node);
            assert_eq!(opened.len(), known + 1);
            let before = node.account();
            let mut records = Vec::new();
            // Also a router on the way, which is told as who it is.
            let complain = if protocol == 17 {
                ["stranger", "server"]
            } else {
                ["server", "stranger"]
            };
            for kind in TYPES[usize::from(ipv6)] {
                for quote in quotes(&request, ipv6) {
                    for from in complain {
                        let error = node.error(from, "client", kind, &quote);
                        let action = node.inject("client", Probe::ToEndpoint, &error);
                        assert_eq!(action, PASSES, "{kind:?} from {from} about {quote:02x?}");
                        records.extend(node.records());
                    }
                }
            }
            check_first(
                &node,
                &mut records,
                complain[0],
                TYPES[usize::from(ipv6)][0],
            );
            records.extend(node.settle(&RunTimeSettings::default()));
            let passed = node.account().since(&before).ingress(TOTAL_FORWARDED);
            assert_eq!(traced(&records), passed, "every error is told");
            check_entries(&opened, &connections(&node), passed);
        }
    }
}

/// The verdict of the request, then the first error; nothing of the others.
fn check_first(node: &TestNode, records: &mut Vec<Record>, from: &str, (kind, code): (u8, u8)) {
    let verdict = records.remove(0);
    assert_eq!(verdict.kind, KIND_POLICY_VERDICT);
    let [first] = &records[..] else {
        panic!("one trace: {:#?}", node.tell_all(records))
    };
    let line = node.tell(first);
    let family = if first.protocol == 58 { 6 } else { 4 };
    let rule = usize::from([1, 58].contains(&verdict.protocol));
    let start = format!(
        "client: trace FORWARDED egress reply {from} > client ICMP{family} {kind}/{code}, L3L4 by client egress[{rule}]"
    );
    assert_eq!(line, format!("{start}, to-endpoint related"));
}

/// Only counts differ, and only those of the direction in which the errors went.
fn check_entries(before: &Entries, after: &Entries, passed: Total) {
    let mut counted = Total::default();
    for (key, now) in after {
        let (_, then) = before
            .iter()
            .find(|(other, _)| other == key)
            .expect("no error makes a connection");
        assert_eq!(now.state, then.state, "no error moves the state");
        assert_eq!(now.seen_jiffies, then.seen_jiffies, "or prolongs anything");
        assert_eq!(now.packets[0], then.packets[0]);
        counted.packets += now.packets[1] - then.packets[1];
        counted.bytes += now.bytes[1] - then.bytes[1];
    }
    assert_eq!(counted, passed);
    assert_eq!(before.len(), after.len());
}

#[test]
fn an_error_that_quotes_no_connection_is_judged_alone() {
    let mut node = prepared("rea");
    for ipv6 in [false, true] {
        let request = node.frame("client", "server", ipv6, 17, &udp(5000, 53));
        assert_eq!(node.inject("client", Probe::FromEndpoint, &request), PASSES);
        let kind = TYPES[usize::from(ipv6)][0];
        let transport = 14 + if ipv6 { 40 } else { 20 };
        let another = |from, to, payload: &[u8]| node.frame(from, to, ipv6, 17, payload);
        let later = if ipv6 {
            with_headers(&request, 44, &fragment_header(17, 4, false))
        } else {
            let mut later = request.clone();
            later[21] = 9;
            later
        };
        let inner = node.error("client", "server", kind, &request);
        let error = |about: &[u8]| node.error("server", "client", kind, about);
        // A redirect, and a type that means nothing.
        let redirect = (5, 0);
        let cases = [
            (
                "another port",
                error(&another("client", "server", &udp(5001, 53))),
            ),
            (
                "another server",
                error(&another("client", "third", &udp(5000, 53))),
            ),
            (
                "another client",
                error(&another("third", "server", &udp(5000, 53))),
            ),
            (
                "the way back",
                error(&another("server", "client", &udp(53, 5000))),
            ),
            (
                "another protocol",
                error(&node.frame("client", "server", ipv6, 6, &tcp(5000, 53, 2))),
            ),
            ("a later fragment", error(&later)),
            ("ports cut off", error(&request[..transport + 3])),
            ("a header cut off", error(&request[..transport - 1])),
            ("nothing", error(&request[..14])),
            ("an error", error(&inner)),
            (
                "no error",
                node.error("server", "client", redirect, &request),
            ),
        ];
        for (what, frame) in cases {
            node.records();
            assert_eq!(
                node.inject("client", Probe::ToEndpoint, &frame),
                DROPS,
                "{what}"
            );
            check_drop(&mut node, what, 133);
        }
        let good = node.error("server", "client", kind, &request);
        assert_eq!(node.inject("client", Probe::ToEndpoint, &good), PASSES);
    }
}

fn check_drop(node: &mut TestNode, what: &str, reason: u8) {
    let records = node.records();
    let drops: Vec<_> = records
        .iter()
        .filter(|each| each.kind == KIND_DROP)
        .collect();
    let [drop] = drops[..] else {
        panic!("{what}: {:#?}", node.tell_all(&records))
    };
    assert_eq!(drop.reason, reason, "{what}");
    assert!([1, 58].contains(&drop.protocol), "{what}");
}

#[test]
fn an_endpoint_complains_only_to_whom_it_heard_and_as_itself() {
    let mut node = prepared("ree");
    node.enforce(&POLICY.replace("ingress: [{}]", "ingress: [{fromEndpoints: [{}]}]"));
    for ipv6 in [false, true] {
        let kind = TYPES[usize::from(ipv6)][0];
        let request = node.frame("server", "client", ipv6, 17, &udp(6000, 6001));
        assert_eq!(node.inject("client", Probe::ToEndpoint, &request), PASSES);
        let to_third = node.frame("third", "client", ipv6, 17, &udp(6000, 6002));
        for (what, frame, reason) in [
            (
                "to another",
                node.error("client", "third", kind, &request),
                Some(133),
            ),
            (
                "as another",
                node.error("third", "server", kind, &request),
                Some(132),
            ),
            (
                "about what it did not hear",
                node.error("client", "third", kind, &to_third),
                Some(133),
            ),
            (
                "as it should be",
                node.error("client", "server", kind, &request),
                None,
            ),
        ] {
            node.records();
            let expect = if reason.is_some() { DROPS } else { PASSES };
            assert_eq!(
                node.inject("client", Probe::FromEndpoint, &frame),
                expect,
                "{what}"
            );
            if let Some(reason) = reason {
                check_drop(&mut node, what, reason);
            }
        }
        // The reply's direction is traced at the other end.
        assert_eq!(node.records(), []);
    }
}

#[test]
fn an_error_about_a_forbidden_connection_does_not_pass() {
    let mut node = prepared("ref");
    for ipv6 in [false, true] {
        node.enforce(POLICY);
        let kind = TYPES[usize::from(ipv6)][0];
        let request = node.frame("client", "server", ipv6, 17, &udp(5000, 53));
        let error = node.error("server", "client", kind, &request);
        assert_eq!(node.inject("client", Probe::FromEndpoint, &request), PASSES);
        assert_eq!(node.inject("client", Probe::ToEndpoint, &error), PASSES);
        node.enforce(NOTHING);
        assert_eq!(
            node.inject("client", Probe::ToEndpoint, &error),
            DROPS,
            "not judged since"
        );
        assert_eq!(node.inject("client", Probe::FromEndpoint, &request), DROPS);
        assert_eq!(
            node.inject("client", Probe::ToEndpoint, &error),
            DROPS,
            "revoked"
        );
        node.enforce(POLICY);
        assert_eq!(node.inject("client", Probe::FromEndpoint, &request), PASSES);
        assert_eq!(
            node.inject("client", Probe::ToEndpoint, &error),
            PASSES,
            "allowed again"
        );
    }
}
