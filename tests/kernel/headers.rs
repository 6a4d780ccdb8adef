//! VLAN tags, IPv4 options, IPv6 extension headers, fragments and SCTP, alone and together: judged as the plain packet is.

use bpf_events::counters::{Counter, TOTAL_ALWAYS_PASSED, TOTAL_EGRESS, TOTAL_FORWARDED};
use bpf_events::record::{KIND_POLICY_VERDICT, MARK_FRAGMENT, MARK_VLAN, Record};
use bpf_loader::Probe;
use tests::datapath::TestNode;
use tests::named_frames::{echo, sctp, tagged, with_headers, with_options};
use tests::packets::{DROPS, PASSES, ethernet, fragment_header, options, tcp, udp};

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

const CUSTOMER: u16 = 0x8100;
const SERVICE: u16 = 0x88a8;

/// Tags, and the id of the outer one.
const TAGS: [(&[(u16, u16)], u16); 5] = [
    (&[], 0),
    (&[(CUSTOMER, 7)], 7),
    // With a priority, which is no part of the id.
    (&[(CUSTOMER, 0xe00a)], 10),
    (&[(SERVICE, 4094), (CUSTOMER, 7)], 4094),
    (&[(CUSTOMER, 3), (CUSTOMER, 4)], 3),
];

/// Protocol, payload from this port, whether it is allowed, and the answer.
fn payloads(ipv6: bool, port: u16) -> Vec<(u8, Vec<u8>, bool, Vec<u8>)> {
    let (icmp, request, reply) = if ipv6 { (58, 128, 129) } else { (1, 8, 0) };
    vec![
        (17, udp(port, 53), true, udp(53, port)),
        (17, udp(port, 54), false, udp(54, port)),
        (6, tcp(port, 80, 2), true, tcp(80, port, 18)),
        (6, tcp(port, 81, 2), false, tcp(81, port, 18)),
        (132, sctp(port, 3868), true, sctp(3868, port)),
        (132, sctp(port, 3869), false, sctp(3869, port)),
        (icmp, echo(request, port), true, echo(reply, port)),
        (icmp, echo(13, port), false, echo(14, port)),
    ]
}

/// The frame as it is and with whatever may stand between its headers.
fn dressed(frame: &[u8], ipv6: bool) -> Vec<Vec<u8>> {
    if ipv6 {
        let protocol = frame[20];
        let destination = [protocol, 0, 1, 4, 0, 0, 0, 0];
        let authentication = [protocol, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
        vec![
            frame.to_vec(),
            with_headers(frame, 0, &options(3, protocol)),
            with_headers(frame, 60, &destination),
            with_headers(frame, 51, &authentication),
        ]
    } else {
        vec![frame.to_vec(), with_options(frame)]
    }
}

/// The first and the second fragment of a datagram.
fn fragments(frame: &[u8], ipv6: bool, id: u16) -> [Vec<u8>; 2] {
    if ipv6 {
        let protocol = frame[20];
        let with_id = |mut header: Vec<u8>| {
            header[6..8].copy_from_slice(&id.to_be_bytes());
            header
        };
        let first = with_headers(frame, 44, &with_id(fragment_header(protocol, 0, true)));
        let second = with_headers(frame, 44, &with_id(fragment_header(protocol, 9, false)));
        return [first, second];
    }
    let mut first = frame.to_vec();
    first[18..20].copy_from_slice(&id.to_be_bytes());
    first[20..22].copy_from_slice(&[0x20, 0]);
    let mut second = first.clone();
    second[20..22].copy_from_slice(&[0, 9]);
    [first, second]
}

fn prepared(prefix: &str) -> TestNode {
    let mut node = TestNode::new(prefix, &[("client", "client"), ("server", "server")]);
    node.enforce(POLICY);
    node
}

#[test]
fn whatever_a_packet_wears_it_is_judged_by_who_and_what_it_is() {
    let mut node = prepared("hdr");
    let mut port = 5_000;
    for ipv6 in [false, true] {
        for (tags, id) in TAGS {
            for way in 0..dressed(&[0; 99], ipv6).len() {
                port += 1;
                for (protocol, payload, allowed, answer) in payloads(ipv6, port) {
                    let wear = |from, to, payload: &[u8]| {
                        let frame = node.frame(from, to, ipv6, protocol, payload);
                        tagged(&dressed(&frame, ipv6)[way], tags)
                    };
                    let request = wear("client", "server", &payload);
                    let reply = wear("server", "client", &answer);
                    let what = format!("protocol {protocol} {tags:x?}: {request:02x?}");
                    let expect = if allowed { PASSES } else { DROPS };
                    node.records();
                    let action = node.inject("client", Probe::FromEndpoint, &request);
                    assert_eq!(action, expect, "{what}");
                    let records = node.records();
                    let verdict = &records[0];
                    assert_eq!(verdict.kind, KIND_POLICY_VERDICT, "{what}");
                    assert_eq!(verdict.marks & MARK_VLAN != 0, !tags.is_empty(), "{what}");
                    assert_eq!(verdict.vlan, id, "{what}");
                    assert_eq!(verdict.protocol, protocol, "{what}");
                    let action = node.inject("client", Probe::ToEndpoint, &reply);
                    assert_eq!(action, expect, "the answer to {what}");
                }
            }
        }
    }
}

#[test]
fn fragments_are_judged_by_their_first_whatever_they_wear() {
    let mut node = prepared("hdf");
    let mut id = 0;
    for ipv6 in [false, true] {
        for (tags, _) in TAGS {
            for (protocol, payload, allowed, _) in payloads(ipv6, 5_000 + id) {
                id += 1;
                let frame = node.frame("client", "server", ipv6, protocol, &payload);
                let [first, second] = fragments(&frame, ipv6, id).map(|each| tagged(&each, tags));
                let what = format!("protocol {protocol} {tags:x?}: {first:02x?}");
                let mut send = |frame: &[u8]| node.inject("client", Probe::FromEndpoint, frame);
                let expect = if allowed { PASSES } else { DROPS };
                assert_eq!(send(&second), DROPS, "too early: {what}");
                assert_eq!(send(&first), expect, "{what}");
                assert_eq!(send(&second), expect, "the rest of {what}");
                let fragmented = node.records();
                let marked = |record: &Record| record.marks & MARK_FRAGMENT != 0;
                assert!(fragmented.iter().all(marked), "{what}");
            }
        }
    }
    let early = node.datapath.counters.sum(Counter::FragmentsUnknown);
    assert_eq!(early, u64::from(id));
}

#[test]
fn tags_that_cannot_be_read_through_have_their_reason() {
    let mut node = prepared("hdt");
    let frame = node.frame("client", "server", false, 17, &udp(5_000, 53));
    let one = tagged(&frame, &[(CUSTOMER, 7)]);
    let two = tagged(&frame, &[(SERVICE, 8), (CUSTOMER, 7)]);
    let arp = tagged(&ethernet(0x0806, &[0; 28]), &[(CUSTOMER, 7)]);
    for (what, frame, code) in [
        ("three tags", tagged(&two, &[(SERVICE, 9)]), 139),
        ("a tag cut off", one[..16].to_vec(), 139),
        ("the second tag cut off", two[..20].to_vec(), 139),
        ("IPv4 cut off behind a tag", one[..18 + 19].to_vec(), 134),
        (
            "UDP cut off behind two tags",
            two[..22 + 20 + 3].to_vec(),
            135,
        ),
        (
            "an unknown ethertype behind a tag",
            tagged(&ethernet(0x88b5, &[0; 50]), &[(CUSTOMER, 7)]),
            139,
        ),
        ("ARP behind a tag", arp, TOTAL_ALWAYS_PASSED),
        ("UDP behind two tags", two.clone(), TOTAL_FORWARDED),
    ] {
        let egress = code + TOTAL_EGRESS;
        let before = node.datapath.counters.total(egress);
        let action = node.inject("client", Probe::FromEndpoint, &frame);
        assert_eq!(action, if code >= 128 { DROPS } else { PASSES }, "{what}");
        let after = node.datapath.counters.total(egress);
        assert_eq!(after.packets - before.packets, 1, "{what}");
        assert_eq!(after.bytes - before.bytes, frame.len() as u64, "{what}");
    }
}
