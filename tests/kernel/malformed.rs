//! Packets that are cut off, wrong or odd: each has one outcome, which is counted, and nothing else happens.

use bpf_events::counters::{Counter, TOTAL_ALWAYS_PASSED, TOTAL_FORWARDED, TOTAL_UNPARSED_PASSED};
use bpf_events::endpoint::{MODE_AUDIT, MODE_ENFORCE};
use bpf_events::record::{KIND_DROP, MARK_FRAGMENT, MARK_NO_IP, Record};
use bpf_loader::{Probe, RunTimeSettings};
use tests::datapath::TestNode;
use tests::packets::{DROPS, PASSES, ethernet, fragment_header, ipv4, ipv6, options, tcp, udp};

const FORWARDED: u32 = TOTAL_FORWARDED;
const ALWAYS: u32 = TOTAL_ALWAYS_PASSED;
const UDP: u8 = 17;
const HOP_BY_HOP: u8 = 0;
const FRAGMENT: u8 = 44;

/// The first `bytes` of a frame.
fn cut(frame: &[u8], bytes: usize) -> Vec<u8> {
    frame[..bytes].to_vec()
}

/// A frame with one byte replaced.
fn with(mut frame: Vec<u8>, offset: usize, byte: u8) -> Vec<u8> {
    frame[offset] = byte;
    frame
}

fn join(first: Vec<u8>, second: &[u8]) -> Vec<u8> {
    [&first[..], second].concat()
}

/// What it is, the frame, and the code under which it is counted: a drop reason, or what passes.
fn cases() -> Vec<(&'static str, Vec<u8>, u32)> {
    let udp4 = ipv4(UDP, 0, &udp(5000, 53));
    let tcp4 = ipv4(6, 0, &tcp(5000, 80, 2));
    let udp6 = ipv6(UDP, &udp(5000, 53));
    let tcp6 = ipv6(6, &tcp(5000, 80, 2));
    vec![
        ("UDP", udp4.clone(), FORWARDED),
        ("TCP", tcp4.clone(), FORWARDED),
        ("UDP over IPv6", udp6.clone(), FORWARDED),
        ("TCP over IPv6", tcp6.clone(), FORWARDED),
        ("a protocol without ports", ipv4(47, 0, &[0; 8]), FORWARDED),
        ("a protocol without a header", ipv6(59, &[]), FORWARDED),
        ("ARP", ethernet(0x0806, &[0; 28]), ALWAYS),
        (
            "neighbour discovery",
            ipv6(58, &[135, 0, 0, 0, 0, 0, 0, 0]),
            ALWAYS,
        ),
        ("DHCP", ipv4(UDP, 0, &udp(68, 67)), ALWAYS),
        ("DHCPv6", ipv6(UDP, &udp(546, 547)), ALWAYS),
        ("an unknown ethertype", ethernet(0x88b5, &[0; 50]), 139),
        (
            "a length instead of an ethertype",
            ethernet(38, &[0; 38]),
            139,
        ),
        ("IPv4 of version 6", with(udp4.clone(), 14, 0x65), 134),
        (
            "IPv4 with a header of 16 bytes",
            with(udp4.clone(), 14, 0x44),
            134,
        ),
        (
            "IPv4 with a header beyond the packet",
            with(udp4.clone(), 14, 0x4f),
            135,
        ),
        ("UDP cut off", cut(&udp4, 14 + 20 + 3), 135),
        ("UDP missing", cut(&udp4, 14 + 20), 135),
        ("TCP cut off", cut(&tcp4, 14 + 20 + 15), 135),
        ("ICMP cut off", ipv4(1, 0, &[8, 0, 0, 0]), 135),
        ("IPv6 of version 4", with(udp6.clone(), 14, 0x40), 134),
        ("UDP over IPv6 cut off", cut(&udp6, 14 + 40 + 2), 135),
        ("TCP over IPv6 cut off", cut(&tcp6, 14 + 40 + 10), 135),
        ("ICMPv6 cut off", ipv6(58, &[128, 0]), 135),
        (
            "five extension headers",
            ipv6(HOP_BY_HOP, &join(options(5, UDP), &udp(5001, 53))),
            FORWARDED,
        ),
        (
            "more extension headers than are read",
            ipv6(HOP_BY_HOP, &join(options(7, UDP), &udp(5001, 53))),
            156,
        ),
        ("an extension header cut off", ipv6(HOP_BY_HOP, &[UDP]), 156),
        (
            "extension headers cut off",
            ipv6(HOP_BY_HOP, &cut(&options(3, UDP), 16)),
            156,
        ),
        (
            "a fragment header cut off",
            ipv6(FRAGMENT, &[UDP, 0, 0, 0]),
            156,
        ),
        (
            "an extension header longer than the packet",
            with(ipv6(HOP_BY_HOP, &options(1, UDP)), 14 + 41, 255),
            135,
        ),
        (
            "a later fragment without its first",
            ipv4(UDP, 0x0010, &[0; 16]),
            175,
        ),
        (
            "a later IPv6 fragment without its first",
            ipv6(FRAGMENT, &join(fragment_header(UDP, 9, true), &[0; 16])),
            175,
        ),
    ]
}

#[test]
fn every_odd_packet_has_its_reason() {
    let unlimited = RunTimeSettings {
        drop_events_per_second: 0,
        ..RunTimeSettings::default()
    };
    let mut node = TestNode::new("mal", &[("odd", "odd"), ("other", "other")]);
    node.datapath.configure(&unlimited);
    for (endpoint, probe, egress) in [
        ("odd", Probe::FromEndpoint, 256),
        ("other", Probe::ToEndpoint, 0),
    ] {
        for mode in [MODE_ENFORCE, MODE_AUDIT] {
            node.change_row(endpoint, |row| row.mode = mode);
            for (what, frame, code) in cases() {
                node.account();
                node.records();
                let drops = code >= 128 && mode == MODE_ENFORCE;
                let counted = if code >= 128 && !drops {
                    TOTAL_UNPARSED_PASSED
                } else {
                    code
                };
                let before = node.datapath.counters.total(counted + egress);
                let action = node.inject(endpoint, probe, &frame);
                assert_eq!(action, if drops { DROPS } else { PASSES }, "{what}");
                let after = node.datapath.counters.total(counted + egress);
                assert_eq!(after.packets - before.packets, 1, "{what}");
                assert_eq!(after.bytes - before.bytes, frame.len() as u64, "{what}");
                let told: Vec<Record> = node
                    .records()
                    .into_iter()
                    .filter(|each| each.kind == KIND_DROP)
                    .collect();
                check_drop(what, &frame, &told, drops.then_some(code));
            }
        }
    }
    assert_eq!(node.datapath.counters.sum(Counter::Impossible), 0);
}

fn check_drop(what: &str, frame: &[u8], told: &[Record], code: Option<u32>) {
    let Some(code) = code else {
        assert_eq!(told, [], "{what}");
        return;
    };
    let [drop] = told else {
        panic!("{what}: one drop: {told:?}")
    };
    assert_eq!(u32::from(drop.reason), code, "{what}");
    assert_eq!(
        (drop.packets, drop.bytes),
        (1, frame.len() as u64),
        "{what}"
    );
    assert_eq!(drop.marks & MARK_FRAGMENT != 0, code == 175, "{what}");
    let addresses = drop.source_address != [0; 16];
    assert_eq!(drop.marks & MARK_NO_IP == 0, addresses, "{what}");
    assert_eq!(drop.source_mac, [2, 0, 0, 0, 0, 2], "{what}");
    assert_eq!(drop.destination_mac, [2, 0, 0, 0, 0, 1], "{what}");
}

#[test]
fn later_fragments_follow_their_first() {
    let mut node = TestNode::new("frg", &[("odd", "odd"), ("other", "other")]);
    let first4 = ipv4(UDP, 0x2000, &udp(5000, 53));
    let later4 = ipv4(UDP, 0x0002, &[1; 16]);
    let first6 = ipv6(
        FRAGMENT,
        &join(fragment_header(UDP, 0, true), &udp(5000, 53)),
    );
    let later6 = ipv6(FRAGMENT, &join(fragment_header(UDP, 2, false), &[1; 16]));
    let echo = [8, 0, 0, 0, 0, 1, 0, 1];
    let first_echo = ipv4(1, 0x2000, &echo);
    let later_echo = ipv4(1, 0x0001, &[1; 16]);
    for (first, later) in [(first4, later4), (first6, later6), (first_echo, later_echo)] {
        let created = node.datapath.counters.sum(Counter::ConnectionsCreated);
        let bytes = node.account().egress(TOTAL_FORWARDED).bytes;
        assert_eq!(
            node.inject("odd", Probe::FromEndpoint, &later),
            DROPS,
            "too early"
        );
        assert_eq!(node.inject("odd", Probe::FromEndpoint, &first), PASSES);
        assert_eq!(node.inject("odd", Probe::FromEndpoint, &later), PASSES);
        assert_eq!(
            node.inject("other", Probe::ToEndpoint, &later),
            DROPS,
            "its first did not come this way"
        );
        let one = node.datapath.counters.sum(Counter::ConnectionsCreated) - created;
        assert_eq!(one, 1, "all fragments are one connection");
        let forwarded = node.account().egress(TOTAL_FORWARDED).bytes - bytes;
        assert_eq!(forwarded, (first.len() + later.len()) as u64);
    }
    assert_eq!(node.datapath.counters.sum(Counter::FragmentsUnknown), 6);
}

#[test]
fn no_bytes_confuse_the_programs() {
    let mut node = TestNode::new("fuz", &[("odd", "odd"), ("other", "other")]);
    let before = node.account();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let seeds = cases();
    let runs = 600;
    for _ in 0..runs {
        let (_, seed, _) = &seeds[next() as usize % seeds.len()];
        let mut frame = seed.clone();
        for _ in 0..next() % 6 {
            let at = 12 + next() as usize % (frame.len() - 12);
            frame[at] = next() as u8;
        }
        // The kernel makes no packet out of less than an IP header.
        let least = match frame[12..14] {
            [0x08, 0x00] => 14 + 20,
            [0x86, 0xdd] => 14 + 40,
            _ => 14,
        };
        frame.resize(frame.len().max(least), 0);
        let length = frame.len() - next() as usize % (frame.len() - least + 1);
        let action = node.inject("odd", Probe::FromEndpoint, &frame[..length]);
        assert!(
            [PASSES, DROPS].contains(&action),
            "{frame:02x?} gave {action}"
        );
    }
    node.records();
    let account = node.account().since(&before);
    let outcomes: u64 = account.totals.iter().map(|total| total.packets).sum();
    // The endpoints' own neighbour discovery goes on meanwhile, and goes through interfaces.
    let own = account.sent.packets + account.delivered.packets;
    assert_eq!(outcomes - own, runs, "each packet has exactly one outcome");
    assert_eq!(node.datapath.counters.sum(Counter::Impossible), 0);
}
