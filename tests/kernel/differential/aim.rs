//! Aiming packets at rules: ports at the edges of ranges, addresses in networks, in their exceptions, and just beside them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use policy::{Action, Cidr, OtherSide, Peer, Peers, PolicyModel, PortRange, Ports, Rule};
use tests::frame::{GRE, ICMP, ICMPV6, SCTP, TCP, UDP};
use tests::random::Random;

use super::rule_text::cidr;
use super::world::World;

/// Protocols of packets that no rule is aimed at.
const PROTOCOLS: [(usize, u8); 7] = [
    (6, TCP),
    (5, UDP),
    (3, SCTP),
    (3, ICMP),
    (3, ICMPV6),
    (1, GRE),
    (1, 50),
];
/// Types that open a connection; others of ICMPv6 always pass.
const ICMP_TYPES: [u16; 5] = [8, 8, 3, 13, 11];
const ICMPV6_TYPES: [u16; 5] = [128, 128, 1, 2, 3];
/// A protocol and a port that a rule is about, mostly.
pub(super) fn protocol_and_port(
    random: &mut Random,
    model: &PolicyModel<'_>,
    rule: Option<&Rule>,
) -> (u8, u16) {
    if let Some(rule) = rule
        && let Ports::Of(specs) = &rule.ports
        && !specs.is_empty()
        && random.percent(90)
    {
        let spec = &specs[random.below(specs.len())];
        let port = match &spec.ports {
            PortRange::Any => random.within(1..=u16::MAX),
            PortRange::Span { first, last } if first == last && random.percent(70) => *first,
            PortRange::Span { first, last } => at_edge(random, *first, *last),
            PortRange::Named(name) => {
                let ports: Vec<u16> = model.ports_of_name(rule, name).into_iter().collect();
                if ports.is_empty() {
                    80
                } else {
                    random.pick(&ports)
                }
            }
        };
        return possible(random, spec.protocol, port);
    }
    let protocol = random.weighted(&PROTOCOLS);
    let port = random.within(1..=u16::MAX);
    possible(random, protocol, port)
}

/// At or near an edge of a range.
fn at_edge(random: &mut Random, first: u16, last: u16) -> u16 {
    match random.below(9) {
        0 => first.saturating_sub(1),
        1 | 2 => first,
        3 => last.saturating_add(1),
        4 | 5 => last,
        _ => random.within(first..=last),
    }
}

/// A port or type that a packet can have without always passing.
fn possible(random: &mut Random, protocol: u8, port: u16) -> (u8, u16) {
    let port = match protocol {
        ICMP if port > 255 || port == 0 => random.pick(&ICMP_TYPES),
        ICMPV6 if port > 255 || port == 129 || (130..=143).contains(&port) => {
            random.pick(&ICMPV6_TYPES)
        }
        ICMPV6 if port == 0 => 128,
        TCP | UDP | SCTP | ICMP | ICMPV6 => port,
        _ => 0,
    };
    (protocol, port)
}

/// The rule that a packet shall be about, a deny as often as not.
pub(super) fn aim<'r>(random: &mut Random, rules: &[&'r Rule]) -> Option<&'r Rule> {
    let denies: Vec<&Rule> = rules
        .iter()
        .copied()
        .filter(|rule| rule.key.action == Action::Deny)
        .collect();
    if !denies.is_empty() && random.percent(40) {
        return Some(random.pick(&denies));
    }
    (!rules.is_empty() && random.percent(90)).then(|| random.pick(rules))
}

/// The peer of a rule that a packet shall have.
pub(super) fn meant<'r>(random: &mut Random, rule: &'r Rule) -> Option<&'r Peer> {
    match &rule.peers {
        Peers::Of(peers) if !peers.is_empty() && random.percent(92) => {
            Some(&peers[random.below(peers.len())])
        }
        _ => None,
    }
}

pub(super) fn peer(
    random: &mut Random,
    world: &World,
    meant: Option<&Peer>,
    ipv6: bool,
    own: IpAddr,
) -> IpAddr {
    let anybody = |random: &mut Random| {
        if random.percent(30) {
            return outside(random, ipv6);
        }
        let known = &world.known[random.below(world.known.len())];
        known.addresses[usize::from(ipv6)]
    };
    let aimed = match meant {
        Some(Peer::Cidr(peer)) => {
            // Inside an exception now and then.
            let inner = match peer.except.as_slice() {
                except if !except.is_empty() && random.percent(20) => random.pick(except),
                _ => peer.cidr,
            };
            (inner.is_ipv6() == ipv6).then(|| inside(random, inner))
        }
        Some(peer) if random.percent(95) => fitting(random, world, peer, ipv6),
        _ => None,
    };
    let address = aimed.unwrap_or_else(|| anybody(random));
    // Nobody talks to itself over its own interface.
    if address == own {
        outside(random, ipv6)
    } else {
        address
    }
}

/// Somebody whom a peer contains, if there is anybody.
fn fitting(random: &mut Random, world: &World, peer: &Peer, ipv6: bool) -> Option<IpAddr> {
    let known = world.known.iter();
    let mut all: Vec<IpAddr> = known
        .filter(|known| peer.contains(&OtherSide::new(known.identity, &known.labels)))
        .map(|known| known.addresses[usize::from(ipv6)])
        .collect();
    let stranger = outside(random, ipv6);
    let (identity, labels) = world.judged_as(stranger);
    if peer.contains(&OtherSide::new(identity, &labels)) {
        all.extend([stranger; 3]);
    }
    (!all.is_empty()).then(|| random.pick(&all))
}

/// An address of the world, mostly of where policies name networks.
pub(super) fn outside(random: &mut Random, ipv6: bool) -> IpAddr {
    for _ in 0..8 {
        let network = cidr(random);
        if network.is_ipv6() == ipv6 && network.bits() > 8 {
            return inside(random, network);
        }
    }
    if ipv6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, random.within(0..=600)).into()
    } else {
        Ipv4Addr::new(192, 0, 2, random.below(256) as u8).into()
    }
}

/// In or just beside a network.
fn inside(random: &mut Random, network: Cidr) -> IpAddr {
    let noise = u128::from(random.number()) << 64 | u128::from(random.number());
    let (first, host_bits) = match network.address() {
        IpAddr::V4(address) => (
            u128::from(address.to_bits()),
            32 - u32::from(network.bits()),
        ),
        IpAddr::V6(address) => (address.to_bits(), 128 - u32::from(network.bits())),
    };
    let hosts = 1u128
        .checked_shl(host_bits)
        .map_or(u128::MAX, |size| size - 1);
    let bits = match random.below(8) {
        0 => first,
        1 => first | hosts,
        2 => first.wrapping_sub(1),
        3 => (first | hosts).wrapping_add(1),
        _ => first | (noise & hosts),
    };
    match network.address() {
        IpAddr::V4(_) => Ipv4Addr::from_bits(bits as u32).into(),
        IpAddr::V6(_) => Ipv6Addr::from_bits(bits).into(),
    }
}

/// Another address close by.
pub(super) fn near(random: &mut Random, address: IpAddr) -> IpAddr {
    let bits = if address.is_ipv6() { 120 } else { 24 };
    Cidr::new(address, bits).map_or(address, |network| inside(random, network))
}
