//! Generated peers and ports of one rule, as YAML.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use policy::Cidr;
use tests::random::Random;

use super::world::{ROLES, TIERS};

/// Ports that ranges begin and end with; packets aim at their edges.
const EDGES: [u16; 14] = [
    1, 2, 53, 79, 80, 81, 443, 1_023, 1_024, 8_079, 8_080, 9_100, 32_768, 65_534,
];
const ENTITIES: [(usize, &str); 13] = [
    (3, "all"),
    (6, "world"),
    (6, "world-ipv4"),
    (6, "world-ipv6"),
    (6, "cluster"),
    (5, "host"),
    (3, "remote-node"),
    (2, "init"),
    (2, "unmanaged"),
    (2, "health"),
    (2, "ingress"),
    (3, "kube-apiserver"),
    (2, "none"),
];
const ICMP_TYPES: [&str; 6] = ["8", "Echo", "3", "13", "DestinationUnreachable", "0"];
const ICMPV6_TYPES: [&str; 5] = ["128", "EchoRequest", "1", "PacketTooBig", "129"];

/// Which language a rule is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// Cilium's, in a namespace or cluster-wide.
    Cilium,
    /// That of a NetworkPolicy.
    Kubernetes,
}

/// The fields of a rule without its braces; `from` is `from` or `to`.
pub(super) fn rule(random: &mut Random, language: Language, from: &str) -> String {
    let fields = match language {
        Language::Cilium => [cilium_peers(random, from), cilium_ports(random)],
        Language::Kubernetes => [kubernetes_peers(random, from), kubernetes_ports(random)],
    };
    let fields: Vec<String> = fields.into_iter().flatten().collect();
    format!("{{{}}}", fields.join(", "))
}

fn cilium_peers(random: &mut Random, from: &str) -> Option<String> {
    let list = |random: &mut Random, most: usize, one: fn(&mut Random) -> String| {
        let count = if random.percent(3) {
            0
        } else {
            1 + random.below(most)
        };
        let items: Vec<String> = (0..count).map(|_| one(random)).collect();
        format!("[{}]", items.join(", "))
    };
    match random.below(100) {
        0..10 => None,
        10..36 => Some(format!("{from}Endpoints: {}", list(random, 2, selector))),
        36..51 => Some(format!("{from}Endpoints: [{{}}]")),
        51..67 => Some(format!("{from}Entities: {}", list(random, 2, entity))),
        67..78 => Some(format!("{from}CIDR: {}", list(random, 2, cidr_text))),
        _ => Some(format!(
            "{from}CIDRSet: {}",
            list(random, 2, cidr_with_exceptions)
        )),
    }
}

fn kubernetes_peers(random: &mut Random, from: &str) -> Option<String> {
    if random.percent(15) {
        return None;
    }
    let items: Vec<String> = (0..=random.below(2))
        .map(|_| match random.below(100) {
            0..30 => format!("{{podSelector: {}}}", plain_selector(random)),
            30..45 => format!("{{namespaceSelector: {}}}", team(random)),
            45..60 => {
                let namespaces = team(random);
                format!(
                    "{{namespaceSelector: {namespaces}, podSelector: {}}}",
                    plain_selector(random)
                )
            }
            _ => format!("{{ipBlock: {}}}", cidr_with_exceptions(random)),
        })
        .collect();
    Some(format!("{from}: [{}]", items.join(", ")))
}

fn entity(random: &mut Random) -> String {
    random.weighted(&ENTITIES).to_owned()
}

/// A selector with sources, sometimes with a scope of its own.
pub(super) fn selector(random: &mut Random) -> String {
    let role = random.pick(&ROLES);
    let tier = random.pick(&TIERS);
    let namespace = "\"k8s:io.kubernetes.pod.namespace\"";
    match random.below(12) {
        0 | 1 => format!("{{matchLabels: {{role: {role}}}}}"),
        2 => format!("{{matchLabels: {{\"k8s:role\": {role}, tier: {tier}}}}}"),
        3 => format!("{{matchLabels: {{\"container:role\": {role}}}}}"),
        4 => format!("{{matchLabels: {{\"any:tier\": {tier}}}}}"),
        5 => format!("{{matchExpressions: [{{key: role, operator: In, values: [{role}, api]}}]}}"),
        6 => format!("{{matchExpressions: [{{key: role, operator: NotIn, values: [{role}]}}]}}"),
        7 => "{matchExpressions: [{key: tier, operator: DoesNotExist}]}".to_owned(),
        8 => format!("{{matchLabels: {{{namespace}: bank}}}}"),
        9 => format!(
            "{{matchLabels: {{role: {role}}}, matchExpressions: [{{key: {namespace}, operator: Exists}}]}}"
        ),
        10 => "{matchLabels: {\"k8s:io.cilium.k8s.namespace.labels.team\": blue}}".to_owned(),
        _ => {
            let name = random.pick(&["world", "host", "remote-node"]);
            format!("{{matchLabels: {{\"reserved:{name}\": \"\"}}}}")
        }
    }
}

/// A selector of pods: keys without sources.
pub(super) fn plain_selector(random: &mut Random) -> String {
    let role = random.pick(&ROLES);
    match random.below(4) {
        0 => "{}".to_owned(),
        1 => format!("{{matchExpressions: [{{key: role, operator: NotIn, values: [{role}]}}]}}"),
        _ => format!("{{matchLabels: {{role: {role}}}}}"),
    }
}

fn team(random: &mut Random) -> String {
    let team = random.pick(&["red", "blue"]);
    match random.below(3) {
        0 => "{}".to_owned(),
        _ => format!("{{matchLabels: {{team: {team}}}}}"),
    }
}

/// A network: of the few that addresses are drawn from, so that they nest.
pub(super) fn cidr(random: &mut Random) -> Cidr {
    let bits = random.weighted(&[
        (2, 0),
        (2, 8),
        (3, 15),
        (4, 16),
        (5, 22),
        (5, 24),
        (4, 25),
        (4, 30),
        (4, 32),
    ]);
    let third = random.pick(&[0u8, 1, 2, 3]);
    let last = random.pick(&[0u8, 1, 2, 64, 127, 128, 200, 255]);
    let (address, bits): (IpAddr, u8) = match random.below(10) {
        0..6 => (
            Ipv4Addr::new(198, 18 + random.below(2) as u8, third, last).into(),
            bits,
        ),
        6 => (Ipv4Addr::new(10, 50, 0, last).into(), bits),
        _ => {
            let low = u16::from(third) << 8 | u16::from(last);
            let address = Ipv6Addr::new(0x2001, 0xdb8, third.into(), 0, 0, 0, 0, low);
            let bits = random.weighted(&[
                (2, 0),
                (3, 16),
                (3, 32),
                (4, 47),
                (5, 48),
                (5, 112),
                (5, 120),
                (4, 128),
            ]);
            (address.into(), bits)
        }
    };
    Cidr::new(address, bits).expect("a fitting length")
}

fn cidr_text(random: &mut Random) -> String {
    let cidr = cidr(random);
    if random.percent(20) && cidr == Cidr::host(cidr.address()) {
        return format!("\"{}\"", cidr.address());
    }
    format!("\"{cidr}\"")
}

/// A network and up to three parts of it that are not meant.
fn cidr_with_exceptions(random: &mut Random) -> String {
    let outer = cidr(random);
    let mut except = Vec::new();
    for _ in 0..=random.below(3) {
        let longest: u8 = if outer.is_ipv6() { 128 } else { 32 };
        let room = longest - outer.bits();
        let bits = outer.bits() + random.pick(&[0, 1, 2, 8, 12, 16]).min(room);
        // Most lie where packets go.
        let inside = random.percent(50).then(|| cidr(random).address());
        let inside = inside.filter(|address| outer.contains(*address));
        let part = Cidr::new(inside.unwrap_or(outer.address()), bits).expect("a fitting length");
        if part != outer {
            except.push(format!("\"{part}\""));
        }
    }
    if except.is_empty() {
        return format!("{{cidr: \"{outer}\"}}");
    }
    format!("{{cidr: \"{outer}\", except: [{}]}}", except.join(", "))
}

fn cilium_ports(random: &mut Random) -> Option<String> {
    if random.percent(25) {
        return None;
    }
    if random.percent(33) {
        let items: Vec<String> = (0..=random.below(2)).map(|_| icmp_type(random)).collect();
        return Some(format!("icmps: [{{fields: [{}]}}]", items.join(", ")));
    }
    let items: Vec<String> = (0..=random.below(3))
        .map(|_| {
            let protocol =
                random.weighted(&[(5, "TCP"), (4, "UDP"), (3, "SCTP"), (2, "ANY"), (1, "")]);
            port(random, protocol, "port: \"0\"")
        })
        .collect();
    Some(format!("toPorts: [{{ports: [{}]}}]", items.join(", ")))
}

fn kubernetes_ports(random: &mut Random) -> Option<String> {
    if random.percent(30) {
        return None;
    }
    let items: Vec<String> = (0..=random.below(3))
        .map(|_| {
            let protocol = random.weighted(&[(4, "TCP"), (4, "UDP"), (3, "SCTP"), (1, "")]);
            port(random, protocol, "")
        })
        .collect();
    Some(format!("ports: [{}]", items.join(", ")))
}

/// One port, range or name; `whole` is how every port of a protocol is written.
fn port(random: &mut Random, protocol: &str, whole: &str) -> String {
    let edge = random.pick(&EDGES);
    let port = match random.below(10) {
        0 | 1 if !protocol.is_empty() => whole.to_owned(),
        0..4 => format!("port: \"{edge}\""),
        4..7 => format!(
            "port: {}",
            random.pick(&["http", "http", "dns", "dns", "metrics", "metrics", "nobody"])
        ),
        _ => {
            let length = random.pick(&[0, 1, 2, 3, 7, 100, 1_023, 30_000, 65_535]);
            let last = edge.saturating_add(length);
            format!(
                "port: {}, endPort: {last}",
                if whole.is_empty() {
                    edge.to_string()
                } else {
                    format!("\"{edge}\"")
                }
            )
        }
    };
    let protocol = if protocol.is_empty() {
        String::new()
    } else {
        format!("protocol: {protocol}")
    };
    let fields: Vec<String> = [port, protocol]
        .into_iter()
        .filter(|field| !field.is_empty())
        .collect();
    format!("{{{}}}", fields.join(", "))
}

fn icmp_type(random: &mut Random) -> String {
    if random.percent(50) {
        format!("{{type: {}}}", random.pick(&ICMP_TYPES))
    } else {
        format!("{{family: IPv6, type: {}}}", random.pick(&ICMPV6_TYPES))
    }
}
