//! ICMP errors in the model: they pass with the connection that they are about, and change nothing of it.

use bpf_events::endpoint::MODE_OFF;
use bpf_events::record::{TRACE_RELATED, VERDICT_DROPPED};
use tests::frame::{ICMP, ICMPV6};

use super::model::{Model, Name, connection_ports, name, tells_every_packet};
use super::outcome::{Around, Outcome};
use super::telling::{FORWARD, Hand, REPLY, Sum};

impl Model {
    /// What becomes of an ICMP error that passes with a connection; `None` if it is a packet of its own.
    pub(super) fn error_about(&mut self, around: Around<'_>, hand: &Hand<'_>) -> Option<Outcome> {
        let name = quoted_connection(around, hand)?;
        let era = self.era;
        let entry = self.entries.get_mut(&name)?;
        if entry.era != era || entry.judgement.verdict == VERDICT_DROPPED {
            return None;
        }
        let way = if hand.egress == entry.opened_here {
            FORWARD
        } else {
            REPLY
        };
        let state = &mut entry.ways[way];
        let every_packet = tells_every_packet(around);
        let mut events = Vec::new();
        if state.traced || every_packet {
            if every_packet || !state.error_reported {
                state.error_reported = true;
                let sum = Sum {
                    packets: 1,
                    bytes: hand.bytes,
                    flags: 0,
                };
                let mut event = hand.trace(&entry.judgement, entry.opened_here, TRACE_RELATED, sum);
                if from_router(hand) {
                    event.who[0] = around.scenery.who(around.world, hand.flight.source);
                }
                events.push(event);
            } else {
                state.untold.packets += 1;
                state.untold.bytes += hand.bytes;
            }
        }
        Some(Outcome {
            passes: true,
            events,
        })
    }
}

/// The connection that an error passes with, if it is known.
fn quoted_connection(around: Around<'_>, hand: &Hand<'_>) -> Option<Name> {
    let Hand {
        at, egress, flight, ..
    } = *hand;
    let about = flight.about.as_deref()?;
    // A redirect is no error: it changes routes.
    let is_error = matches!(
        (flight.protocol, flight.icmp_type),
        (ICMP, 3 | 11 | 12) | (ICMPV6, 1..=4)
    );
    if !is_error || about.is_later_fragment() || flight.destination != about.source {
        return None;
    }
    let scenery = around.scenery;
    let may_send = scenery.seats[at].mode == MODE_OFF || scenery.may_send(at, flight.source);
    if egress && (!may_send || from_router(hand)) {
        return None;
    }
    Some(name(at, !egress, about, connection_ports(about)))
}

/// Whether an error comes from another than the one who got what it is about.
fn from_router(hand: &Hand<'_>) -> bool {
    let about = hand.flight.about.as_deref();
    about.is_some_and(|about| hand.flight.source != about.destination)
}
