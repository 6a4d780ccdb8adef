//! One generated packet: the first of a connection between an endpoint of the node and somebody.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;

use bpf_loader::Probe;
use policy::{Direction, Peer, PolicyModel, Rule};
use tests::datapath::TestNode;
use tests::frame::{ICMP, ICMPV6, SCTP, TCP, UDP, Wrapping, frame, icmp, sctp, tcp, udp};
use tests::random::Random;

use super::aim::{aim, meant, near, peer, protocol_and_port};
use super::world::World;

/// Source ports are given in order from here on.
const FIRST_SOURCE_PORT: u16 = 20_000;

/// Subject, other side, protocol, service port and source port.
type ConnectionName = (usize, IpAddr, u8, u16, u16);

/// A packet, and from where it is seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    /// Place in [`World::locals`].
    pub(super) subject: usize,
    /// Direction of the connection.
    pub(super) direction: Direction,
    /// The subject's address.
    pub(super) own: IpAddr,
    /// The other side's.
    pub(super) peer: IpAddr,
    /// IP protocol.
    pub(super) protocol: u8,
    /// Service port, or the ICMP type.
    pub(super) port: u16,
    /// Source port, or the identifier of an echo.
    pub(super) source_port: u16,
}

impl fmt::Display for Packet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            direction,
            own,
            peer,
            protocol,
            port,
            source_port,
            ..
        } = self;
        write!(
            out,
            "{direction} of {own}, other side {peer}, protocol {protocol}, port or type {port}, source port {source_port}"
        )
    }
}

impl Packet {
    /// Whether the protocol has ports of its own or an echo's identifier, so that a new port makes a new connection.
    pub(super) fn has_ports(&self) -> bool {
        matches!(
            (self.protocol, self.port),
            (TCP | UDP | SCTP, _) | (ICMP, 8) | (ICMPV6, 128)
        )
    }

    /// What no two packets may have in common; the direction makes no difference.
    fn connection(&self) -> ConnectionName {
        let source_port = if self.has_ports() {
            self.source_port
        } else {
            0
        };
        (
            self.subject,
            self.peer,
            self.protocol,
            self.port,
            source_port,
        )
    }

    /// The hook that judges it.
    pub(super) fn probe(&self) -> Probe {
        match self.direction {
            Direction::Ingress => Probe::ToEndpoint,
            Direction::Egress => Probe::FromEndpoint,
        }
    }

    /// Its bytes.
    pub(super) fn frame(&self) -> Vec<u8> {
        let (source, destination) = match self.direction {
            Direction::Ingress => (self.peer, self.own),
            Direction::Egress => (self.own, self.peer),
        };
        let payload = match self.protocol {
            TCP => tcp(self.source_port, self.port, 2),
            UDP => udp(self.source_port, self.port),
            SCTP => sctp(self.source_port, self.port),
            ICMP | ICMPV6 => icmp(self.port as u8, 0, self.source_port, &[]),
            _ => vec![0; 8],
        };
        frame(
            source,
            destination,
            self.protocol,
            Wrapping::default(),
            &payload,
        )
    }
}

/// Makes packets, mostly such as a rule is about.
pub(super) struct Packets {
    source_port: u16,
    used: HashSet<ConnectionName>,
}

impl Packets {
    /// From the first source port.
    pub(super) fn new() -> Self {
        Self {
            source_port: FIRST_SOURCE_PORT,
            used: HashSet::new(),
        }
    }

    /// The next one.
    pub(super) fn next(
        &mut self,
        random: &mut Random,
        node: &mut TestNode,
        world: &mut World,
        model: &PolicyModel<'_>,
    ) -> Packet {
        let subject = random.below(world.locals.len());
        let labels = world.locals[subject].known.labels.clone();
        let rules: Vec<&Rule> = model
            .rules
            .rules()
            .map(|(_, rule)| rule.as_ref())
            .filter(|rule| rule.subject.matches(&labels))
            .collect();
        let rule = aim(random, &rules);
        let direction = match rule {
            Some(rule) => rule.key.direction,
            None => random.pick(&[Direction::Ingress, Direction::Egress]),
        };
        let meant = rule.and_then(|rule| meant(random, rule));
        let (protocol, port) = protocol_and_port(random, model, rule);
        let ipv6 = match (protocol, meant) {
            (ICMP, _) => false,
            (ICMPV6, _) => true,
            (_, Some(Peer::Cidr(peer))) => peer.cidr.is_ipv6(),
            _ => random.percent(40),
        };
        let own = world.locals[subject].known.addresses[usize::from(ipv6)];
        self.source_port = self.source_port.checked_add(1).unwrap_or(FIRST_SOURCE_PORT);
        let mut packet = Packet {
            subject,
            direction,
            own,
            peer: own,
            protocol,
            port,
            source_port: self.source_port,
        };
        packet.peer = peer(random, world, meant, ipv6, own);
        self.renew(random, node, world, &mut packet);
        packet
    }

    /// Makes it the first of a connection that nobody has seen yet.
    pub(super) fn renew(
        &mut self,
        random: &mut Random,
        node: &mut TestNode,
        world: &mut World,
        packet: &mut Packet,
    ) {
        let first = packet.peer;
        let who = world
            .known
            .iter()
            .position(|known| known.addresses.contains(&first));
        loop {
            if packet.has_ports() {
                self.source_port = self.source_port.checked_add(1).unwrap_or(FIRST_SOURCE_PORT);
                packet.source_port = self.source_port;
            } else if let Some(who) = who {
                // Without ports only another address makes another connection.
                packet.peer = world.fresh_address(node, who, first.is_ipv6());
            }
            if self.used.insert(packet.connection()) {
                return;
            }
            if !packet.has_ports() && who.is_none() {
                packet.peer = near(random, first);
            }
        }
    }
}
