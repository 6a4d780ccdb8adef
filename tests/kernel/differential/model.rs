//! A naive model of connections: what each hook does with each packet, written down from the documentation.
//!
//! - A connection is an endpoint, a protocol, two addresses and two ports; an echo has its identifier as the port of the side
//!   that asked, other ICMP is known by its type and who sent it.
//! - Its first packet is judged and told as a verdict. After any change of policy, identity or address the next packet is
//!   judged again, as one of the same opener; a judgement that differs is told. A connection that is forbidden by then
//!   stays known, and both directions stop. A SYN where a side has ended begins another.
//! - A direction is traced where it arrives, and at the only hook if the other side is not managed: its first packet, its
//!   first SYN, FIN and RST, each with what went by since.
//! - An ICMP error passes with the connection that it is about. Later fragments belong to their first.

use std::collections::HashMap;
use std::net::IpAddr;

use bpf_events::endpoint::MODE_ENFORCE;
use bpf_events::record::{
    MARK_MIDSTREAM, MARK_REJUDGED, MATCH_NONE, REASON_FRAGMENT_NOT_FOUND, TRACE_ESTABLISHED,
    TRACE_NEW, TRACE_REPLY, VERDICT_DROPPED,
};
use bpf_loader::Aggregation;
use policy::Direction;
use tests::frame::TCP;

use super::event::Event;
use super::flight::{ACK, FIN, Flight, RST, SYN};
use super::outcome::{Around, Outcome};
use super::scenery::{Judgement, Question};
use super::telling::{FORWARD, Hand, REPLY, Sum};

/// Flags whose first appearance is told.
const MILESTONES: u8 = SYN | FIN | RST;

/// What is one connection at one endpoint.
pub(super) type Name = (usize, u8, (IpAddr, u16), (IpAddr, u16));

/// Which datagram at which hook: endpoint, egress, ends, protocol and id.
type Datagram = (usize, bool, [IpAddr; 2], u8, u16);

/// One direction of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Way {
    pub(super) traced: bool,
    pub(super) begun: bool,
    pub(super) ended: bool,
    pub(super) reported: u8,
    pub(super) error_reported: bool,
    pub(super) untold: Sum,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) opened_here: bool,
    pub(super) judgement: Judgement,
    pub(super) era: u64,
    pub(super) ways: [Way; 2],
}

/// The connections and fragments that are known.
#[derive(Default)]
pub(super) struct Model {
    pub(super) entries: HashMap<Name, Entry>,
    firsts: HashMap<Datagram, ([u16; 2], u8)>,
    pub(super) era: u64,
}

impl Model {
    /// Something changed: every connection is to be judged again.
    pub(super) fn turn_era(&mut self) {
        self.era += 1;
    }

    /// A packet at a hook of an endpoint.
    pub(super) fn visit(
        &mut self,
        around: Around<'_>,
        at: usize,
        egress: bool,
        flight: &Flight,
    ) -> Outcome {
        let mut hand = Hand {
            at,
            endpoint: around.world.locals[at].known.info.endpoint,
            egress,
            flight,
            ports: flight.ports,
            icmp_type: flight.icmp_type,
            bytes: flight.frame().len() as u64,
        };
        if let Some(fragment) = flight.wrapping.fragment {
            let ends = [flight.source, flight.destination];
            let datagram = (at, egress, ends, flight.protocol, fragment.id);
            if !flight.is_later_fragment() {
                let ports = connection_ports(flight);
                self.firsts.insert(datagram, (ports, flight.icmp_type));
            } else if let Some((ports, icmp_type)) = self.firsts.get(&datagram) {
                (hand.ports, hand.icmp_type) = (*ports, *icmp_type);
            } else {
                (hand.ports, hand.icmp_type) = ([0; 2], 0);
                return unknown_fragment(around, &hand);
            }
        }
        if let Some(outcome) = self.error_about(around, &hand) {
            return outcome;
        }
        let ports = if flight.is_later_fragment() {
            hand.ports
        } else {
            connection_ports(flight)
        };
        self.connection(around, &hand, ports)
    }

    fn connection(&mut self, around: Around<'_>, hand: &Hand<'_>, ports: [u16; 2]) -> Outcome {
        let name = name(hand.at, hand.egress, hand.flight, ports);
        let known = self.entries.get(&name);
        let alive = known.filter(|entry| !begins_anew(entry, hand));
        if let Some(entry) = alive
            && entry.era == self.era
        {
            return self.account(around, hand, &name, Vec::new());
        }
        let opened_here = alive.map_or(hand.egress, |entry| entry.opened_here);
        let judgement = judge(around, hand, ports, opened_here);
        if alive.is_some() {
            let told = self.judge_again(hand, &name, judgement);
            return self.account(around, hand, &name, told);
        }
        if judgement.verdict == VERDICT_DROPPED {
            let events = hand.dropped(&judgement, hand.egress, 0);
            return Outcome {
                passes: false,
                events,
            };
        }
        self.open(around, hand, name, judgement)
    }

    fn open(
        &mut self,
        around: Around<'_>,
        hand: &Hand<'_>,
        name: Name,
        judgement: Judgement,
    ) -> Outcome {
        let mut events = match self.entries.get_mut(&name) {
            Some(old) => flush(old, hand),
            None => Vec::new(),
        };
        let flags = hand.flags();
        let midstream = hand.flight.protocol == TCP && flags & SYN == 0;
        events.push(hand.verdict(&judgement, if midstream { MARK_MIDSTREAM } else { 0 }));
        let mut ways = [Way::default(); 2];
        // The direction that arrives here is traced here; if nobody else traces, so is the other.
        let arriving = if hand.egress { REPLY } else { FORWARD };
        for (way, state) in ways.iter_mut().enumerate() {
            state.traced = way == arriving || !judgement.remote_is_managed;
            state.ended = flags & RST != 0 || (way == FORWARD && flags & FIN != 0);
        }
        ways[FORWARD].begun = true;
        ways[FORWARD].reported = flags & MILESTONES;
        if ways[FORWARD].traced || tells_every_packet(around) {
            let sum = Sum {
                packets: 1,
                bytes: hand.bytes,
                flags,
            };
            events.push(hand.trace(&judgement, hand.egress, TRACE_NEW, sum));
        }
        let entry = Entry {
            opened_here: hand.egress,
            judgement,
            era: self.era,
            ways,
        };
        self.entries.insert(name, entry);
        Outcome {
            passes: true,
            events,
        }
    }

    fn judge_again(&mut self, hand: &Hand<'_>, name: &Name, judgement: Judgement) -> Vec<Event> {
        let entry = self.entries.get_mut(name).expect("it is alive");
        let before = &entry.judgement;
        let differs = (before.verdict, &before.rule) != (judgement.verdict, &judgement.rule);
        let others = (before.local, before.remote) != (judgement.local, judgement.remote);
        let mut events = Vec::new();
        if differs || others {
            events = flush(entry, hand);
        }
        if differs && judgement.verdict != VERDICT_DROPPED {
            events.push(if hand.egress == entry.opened_here {
                hand.verdict(&judgement, MARK_REJUDGED)
            } else {
                hand.verdict_of_opener(&judgement, MARK_REJUDGED)
            });
        }
        entry.judgement = judgement;
        entry.era = self.era;
        events
    }

    fn account(
        &mut self,
        around: Around<'_>,
        hand: &Hand<'_>,
        name: &Name,
        mut events: Vec<Event>,
    ) -> Outcome {
        let entry = self.entries.get_mut(name).expect("it is alive");
        let opened_here = entry.opened_here;
        if entry.judgement.verdict == VERDICT_DROPPED {
            events.extend(hand.dropped(&entry.judgement, opened_here, MARK_REJUDGED));
            return Outcome {
                passes: false,
                events,
            };
        }
        let way = if hand.egress == opened_here {
            FORWARD
        } else {
            REPLY
        };
        let flags = hand.flags();
        if flags & RST != 0 {
            entry.ways = entry.ways.map(|way| Way { ended: true, ..way });
        }
        let state = &mut entry.ways[way];
        state.ended |= flags & FIN != 0;
        let every_packet = tells_every_packet(around);
        if state.traced || every_packet {
            let untold = &mut state.untold;
            untold.packets += 1;
            untold.bytes += hand.bytes;
            untold.flags |= flags;
            if every_packet || !state.begun || flags & MILESTONES & !state.reported != 0 {
                let sum = take_untold(state);
                let reason = if way == FORWARD {
                    TRACE_ESTABLISHED
                } else {
                    TRACE_REPLY
                };
                events.push(hand.trace(&entry.judgement, opened_here, reason, sum));
            }
        }
        Outcome {
            passes: true,
            events,
        }
    }
}

pub(super) fn tells_every_packet(around: Around<'_>) -> bool {
    around.scenery.manner.aggregation == Aggregation::None
}

fn take_untold(state: &mut Way) -> Sum {
    state.begun = true;
    state.reported |= state.untold.flags & MILESTONES;
    std::mem::take(&mut state.untold)
}

/// Tells what went by under the judgement that is about to end.
fn flush(entry: &mut Entry, hand: &Hand<'_>) -> Vec<Event> {
    let mut events = Vec::new();
    for (way, reason) in [(FORWARD, TRACE_ESTABLISHED), (REPLY, TRACE_REPLY)] {
        if entry.ways[way].untold.packets != 0 {
            let sum = take_untold(&mut entry.ways[way]);
            events.push(hand.summary(&entry.judgement, entry.opened_here, way, reason, sum));
        }
    }
    events
}

/// Whether a packet opens another connection on the ports of one that is ending.
fn begins_anew(entry: &Entry, hand: &Hand<'_>) -> bool {
    let ends = entry.ways.iter().any(|way| way.ended);
    ends && hand.flight.protocol == TCP && hand.flags() & (SYN | ACK) == SYN
}

fn judge(around: Around<'_>, hand: &Hand<'_>, ports: [u16; 2], opened_here: bool) -> Judgement {
    let flight = hand.flight;
    let forward = hand.egress == opened_here;
    let port = match (flight.is_icmp(), hand.icmp_type) {
        // Policy knows an echo by its request.
        (true, 0) => 8,
        (true, 129) => 128,
        (true, other) => other.into(),
        (false, _) => ports[usize::from(forward)],
    };
    let question = Question {
        at: hand.at,
        direction: if opened_here {
            Direction::Egress
        } else {
            Direction::Ingress
        },
        sent_from: hand.egress.then_some(flight.source),
        remote: if hand.egress {
            flight.destination
        } else {
            flight.source
        },
        protocol: flight.protocol,
        port,
    };
    around
        .scenery
        .judge(around.world, around.in_force, &question)
}

/// A later fragment whose first did not come this way.
fn unknown_fragment(around: Around<'_>, hand: &Hand<'_>) -> Outcome {
    let Around { world, scenery, .. } = around;
    let seat = scenery.seats[hand.at];
    if seat.mode != MODE_ENFORCE {
        return Outcome {
            passes: true,
            events: Vec::new(),
        };
    }
    let remote = if hand.egress {
        hand.flight.destination
    } else {
        hand.flight.source
    };
    let judgement = Judgement {
        verdict: VERDICT_DROPPED,
        reason: REASON_FRAGMENT_NOT_FOUND,
        rule: "none".to_owned(),
        match_type: MATCH_NONE,
        revision: 0,
        local: (
            world.locals[seat.labelled_as].known.identity.0,
            seat.metadata,
        ),
        remote: scenery.who(world, remote),
        remote_is_managed: false,
    };
    Outcome {
        passes: false,
        events: hand.dropped(&judgement, hand.egress, 0),
    }
}

/// Source and destination port by which a packet's connection is known.
pub(super) fn connection_ports(flight: &Flight) -> [u16; 2] {
    match (flight.is_icmp(), flight.echo()) {
        (false, _) => flight.ports,
        (true, Some(true)) => [flight.echo_id, 0],
        (true, Some(false)) => [0, flight.echo_id],
        // By type and sender: no two of those are one connection.
        (true, None) => [0x100 | u16::from(flight.icmp_type), u16::MAX],
    }
}

pub(super) fn name(at: usize, egress: bool, flight: &Flight, ports: [u16; 2]) -> Name {
    let (source, destination) = ((flight.source, ports[0]), (flight.destination, ports[1]));
    if egress {
        (at, flight.protocol, source, destination)
    } else {
        (at, flight.protocol, destination, source)
    }
}
