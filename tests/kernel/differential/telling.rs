//! How an event looks: of a packet at hand, or of packets of its connection that went before.

use bpf_events::record::{
    DIRECTION_EGRESS, DIRECTION_INGRESS, KIND_DROP, KIND_POLICY_VERDICT, KIND_TRACE, MARK_FRAGMENT,
    MARK_IPV6, MARK_SUMMARY, MARK_VLAN, POINT_FROM_ENDPOINT, POINT_TO_ENDPOINT, REPLY_NO,
    REPLY_UNKNOWN, REPLY_YES,
};
use tests::frame::{ICMP, ICMPV6};

use super::event::Event;
use super::flight::Flight;
use super::scenery::Judgement;

/// The opener's direction, in arrays.
pub(super) const FORWARD: usize = 0;
/// The other one.
pub(super) const REPLY: usize = 1;

/// A packet at a hook.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hand<'a> {
    /// Place in `World::locals`.
    pub(super) at: usize,
    /// Number of that endpoint.
    pub(super) endpoint: u16,
    /// It leaves the endpoint.
    pub(super) egress: bool,
    /// The packet.
    pub(super) flight: &'a Flight,
    /// Its ports, or those of its first fragment.
    pub(super) ports: [u16; 2],
    /// Its type, or that of its first fragment.
    pub(super) icmp_type: u8,
    /// Its bytes.
    pub(super) bytes: u64,
}

/// Packets of one direction that no event has told yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    /// How many.
    pub(super) packets: u32,
    /// Their bytes.
    pub(super) bytes: u64,
    /// All their TCP flags.
    pub(super) flags: u8,
}

impl Hand<'_> {
    fn event(&self, kind: u8, judgement: &Judgement, opened_here: bool) -> Event {
        let flight = self.flight;
        let (who, marks) = (self.ends(judgement), self.marks());
        Event {
            kind,
            endpoint: self.endpoint,
            verdict: judgement.verdict,
            reason: judgement.reason,
            rule: judgement.rule.clone(),
            match_type: judgement.match_type,
            revision: judgement.revision,
            direction: if opened_here {
                DIRECTION_EGRESS
            } else {
                DIRECTION_INGRESS
            },
            reply: REPLY_UNKNOWN,
            point: 0,
            trace_reason: 0,
            addresses: [flight.source, flight.destination],
            ports: if flight.is_icmp() { [0; 2] } else { self.ports },
            who,
            protocol: flight.protocol,
            icmp_type: self.icmp_type,
            tcp_flags: self.flags(),
            packets: 0,
            bytes: 0,
            length: self.bytes as u32,
            marks,
            vlan: flight.wrapping.vlan.unwrap_or_default(),
        }
    }

    /// Flags that a later fragment does not have.
    pub(super) fn flags(&self) -> u8 {
        if self.flight.is_later_fragment() {
            0
        } else {
            self.flight.flags
        }
    }

    fn marks(&self) -> u8 {
        let wrapping = self.flight.wrapping;
        let mark = |set: bool, mark: u8| if set { mark } else { 0 };
        mark(self.flight.source.is_ipv6(), MARK_IPV6)
            | mark(wrapping.fragment.is_some(), MARK_FRAGMENT)
            | mark(wrapping.vlan.is_some(), MARK_VLAN)
    }

    fn ends(&self, judgement: &Judgement) -> [(u32, u32); 2] {
        if self.egress {
            [judgement.local, judgement.remote]
        } else {
            [judgement.remote, judgement.local]
        }
    }

    /// The verdict on a packet that opens a connection, or on one that goes as the opener's do.
    pub(super) fn verdict(&self, judgement: &Judgement, marks: u8) -> Event {
        let mut event = self.event(KIND_POLICY_VERDICT, judgement, self.egress);
        event.reply = REPLY_NO;
        event.marks |= marks;
        event
    }

    /// The same of a connection whose opener's packets go the other way.
    pub(super) fn verdict_of_opener(&self, judgement: &Judgement, marks: u8) -> Event {
        let mut event = turned(self.verdict(judgement, marks));
        event.direction = if self.egress {
            DIRECTION_INGRESS
        } else {
            DIRECTION_EGRESS
        };
        event.tcp_flags = 0;
        event
    }

    /// A drop, and before it the verdict if policy is the reason.
    pub(super) fn dropped(
        &self,
        judgement: &Judgement,
        opened_here: bool,
        marks: u8,
    ) -> Vec<Event> {
        let mut drop = self.event(KIND_DROP, judgement, opened_here);
        drop.marks |= marks;
        let verdict = Event {
            kind: KIND_POLICY_VERDICT,
            ..drop.clone()
        };
        (drop.packets, drop.bytes) = (1, self.bytes);
        match judgement.reason {
            133 | 181 => vec![verdict, drop],
            _ => vec![drop],
        }
    }

    /// What one direction carried, told with the packet at hand, which goes that way.
    pub(super) fn trace(
        &self,
        judgement: &Judgement,
        opened_here: bool,
        reason: u8,
        sum: Sum,
    ) -> Event {
        let mut event = self.event(KIND_TRACE, judgement, opened_here);
        event.reply = if self.egress == opened_here {
            REPLY_NO
        } else {
            REPLY_YES
        };
        event.point = if self.egress {
            POINT_FROM_ENDPOINT
        } else {
            POINT_TO_ENDPOINT
        };
        event.trace_reason = reason;
        (event.packets, event.bytes, event.tcp_flags) = (sum.packets, sum.bytes, sum.flags);
        event
    }

    /// What one direction carried before the packet at hand, which may go the other way.
    pub(super) fn summary(
        &self,
        judgement: &Judgement,
        opened_here: bool,
        way: usize,
        reason: u8,
        sum: Sum,
    ) -> Event {
        let mut event = self.trace(judgement, opened_here, reason, sum);
        if (way == FORWARD) != (self.egress == opened_here) {
            event = turned(event);
            event.point = if self.egress {
                POINT_TO_ENDPOINT
            } else {
                POINT_FROM_ENDPOINT
            };
            event.reply = if way == FORWARD { REPLY_NO } else { REPLY_YES };
        }
        event.length = 0;
        event.marks = event.marks & !MARK_FRAGMENT | MARK_SUMMARY;
        event
    }
}

/// An event about packets of the other direction.
fn turned(mut event: Event) -> Event {
    event.addresses.reverse();
    event.ports.reverse();
    event.who.reverse();
    event.length = 0;
    event.marks &= !MARK_FRAGMENT;
    event.icmp_type = match (event.protocol, event.icmp_type) {
        (ICMP, 8) => 0,
        (ICMP, 0) => 8,
        (ICMPV6, 128) => 129,
        (ICMPV6, 129) => 128,
        (_, other) => other,
    };
    event
}
