//! Generated conversations: what two ends may send each other, mostly in an order that makes sense.

use std::net::IpAddr;

use tests::frame::{Fragment, GRE, ICMP, ICMPV6, SCTP, TCP, UDP, Wrapping};
use tests::random::Random;

use super::flight::{ACK, FIN, Flight, RST, SYN};

const PROTOCOLS: [(usize, u8); 5] = [(10, TCP), (4, UDP), (2, SCTP), (4, ICMP), (1, GRE)];
const SERVICE_PORTS: [u16; 8] = [53, 80, 81, 443, 1_024, 8_080, 9_100, 40_000];
/// A connection from its beginning to its end: whether the opener sends, and the flags.
const SCRIPT: [(bool, u8); 9] = [
    (true, SYN),
    (false, SYN | ACK),
    (true, ACK),
    (true, ACK),
    (false, ACK),
    (true, FIN | ACK),
    (false, ACK),
    (false, FIN | ACK),
    (true, ACK),
];
const ODD_FLAGS: [u8; 8] = [SYN, SYN | ACK, ACK, FIN | ACK, RST, RST | ACK, SYN | FIN, 0];

/// Two ends and what they have said so far.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    /// Addresses of the opener and the other.
    ends: [IpAddr; 2],
    protocol: u8,
    /// Ports of the same.
    ports: [u16; 2],
    /// Place in the script.
    at: usize,
    sent: Vec<Flight>,
    /// Datagram of which a first fragment was sent, and by whom.
    fragmented: Option<(bool, u16)>,
}

impl Conversation {
    /// One between two addresses of one family.
    pub(super) fn new(random: &mut Random, ends: [IpAddr; 2], port: u16) -> Self {
        let protocol = match random.weighted(&PROTOCOLS) {
            ICMP if ends[0].is_ipv6() => ICMPV6,
            protocol => protocol,
        };
        let ports = match protocol {
            TCP | UDP | SCTP => [port, random.pick(&SERVICE_PORTS)],
            _ => [0; 2],
        };
        Self {
            ends,
            protocol,
            ports,
            at: 0,
            sent: Vec::new(),
            fragmented: None,
        }
    }

    /// Whether it is held over IPv6.
    pub(super) fn is_ipv6(&self) -> bool {
        self.ends[0].is_ipv6()
    }

    /// The next packet; `router` is somebody on the way.
    pub(super) fn next(&mut self, random: &mut Random, router: IpAddr) -> Flight {
        let flight = match random.below(100) {
            0..8 if !self.sent.is_empty() => self.sent[random.below(self.sent.len())].clone(),
            8..18 if !self.sent.is_empty() => return self.error(random, router),
            18..26 => self.fragment(random),
            _ => self.plain(random),
        };
        self.sent.push(flight.clone());
        flight
    }

    /// One that the sender has no right to: its source belongs to somebody else.
    pub(super) fn spoofed(&self, random: &mut Random, alien: IpAddr) -> Flight {
        let mut flight = self.flight(true, random.pick(&ODD_FLAGS));
        flight.source = alien;
        flight
    }

    fn plain(&mut self, random: &mut Random) -> Flight {
        let (by_opener, flags) = if random.percent(75) {
            let step = SCRIPT[self.at % SCRIPT.len()];
            self.at += 1;
            step
        } else {
            (random.percent(50), random.pick(&ODD_FLAGS))
        };
        let mut flight = self.flight(by_opener, flags);
        flight.wrapping = Wrapping {
            options: random.percent(8),
            fragment: None,
            vlan: random.percent(5).then(|| random.within(1..=4_094)),
        };
        flight
    }

    fn flight(&self, by_opener: bool, flags: u8) -> Flight {
        let (mut ends, mut ports) = (self.ends, self.ports);
        if !by_opener {
            ends.reverse();
            ports.reverse();
        }
        Flight {
            source: ends[0],
            destination: ends[1],
            protocol: self.protocol,
            ports,
            flags: if self.protocol == TCP { flags } else { 0 },
            icmp_type: match (self.protocol, by_opener) {
                (ICMP, true) => 8,
                (ICMPV6, true) => 128,
                (ICMPV6, false) => 129,
                _ => 0,
            },
            echo_id: if matches!(self.protocol, ICMP | ICMPV6) {
                7
            } else {
                0
            },
            wrapping: Wrapping::default(),
            about: None,
        }
    }

    /// A part of a datagram: a first one, or a later one that may come without.
    fn fragment(&mut self, random: &mut Random) -> Flight {
        let is_later = random.percent(60);
        let (by_opener, id) = match self.fragmented {
            Some(known) if is_later => known,
            _ => (random.percent(50), random.within(1..=9)),
        };
        let mut flight = self.flight(by_opener, random.pick(&[ACK, SYN]));
        let offset = if is_later { random.within(1..=100) } else { 0 };
        let more = offset == 0 || random.percent(50);
        flight.wrapping.fragment = Some(Fragment { id, offset, more });
        if !is_later {
            self.fragmented = Some((by_opener, id));
        }
        flight
    }

    /// An error about something that was sent, to its sender.
    fn error(&self, random: &mut Random, router: IpAddr) -> Flight {
        let about = self.sent[random.below(self.sent.len())].clone();
        let ipv6 = about.source.is_ipv6();
        let icmp_type = if ipv6 {
            random.pick(&[1, 2, 3, 4])
        } else {
            random.pick(&[3, 11, 12, 5])
        };
        let from_router = random.percent(40) && router.is_ipv6() == ipv6;
        // What it is about was sent by somebody else.
        let astray = random.percent(15) && router.is_ipv6() == ipv6;
        Flight {
            source: if from_router {
                router
            } else {
                about.destination
            },
            destination: if astray { router } else { about.source },
            protocol: if ipv6 { ICMPV6 } else { ICMP },
            ports: [0; 2],
            flags: 0,
            icmp_type,
            echo_id: 0,
            wrapping: Wrapping::default(),
            about: Some(Box::new(about)),
        }
    }
}
