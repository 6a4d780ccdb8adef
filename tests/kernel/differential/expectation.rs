//! What the specification says of a packet, and what the program told of it, in the same words.

use std::fmt;

use bpf_events::endpoint::{MODE_AUDIT, MODE_ENFORCE, MODE_OFF};
use bpf_events::ipcache::ADDRESS_LOCAL_HOST;
use bpf_events::policy::{RULE_LOCAL_HOST, RULE_NONE};
use bpf_events::record::{
    DIRECTION_EGRESS, DIRECTION_INGRESS, KIND_DROP, KIND_POLICY_VERDICT, KIND_TRACE,
    REASON_POLICY_DENIED, REASON_POLICY_DENY, Record, VERDICT_AUDIT, VERDICT_DROPPED,
    VERDICT_FORWARDED,
};
use policy::{Decision, Direction, MatchType, PolicyModel, Verdict, evaluate};
use tests::packets::{DROPS, PASSES};

use super::names::{LOCAL_HOST, RuleNames};
use super::packet::Packet;
use super::world::World;

/// All that must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// What the program returned.
    pub(super) action: i32,
    /// The kinds of records, in their order.
    pub(super) kinds: Vec<u8>,
    /// `VERDICT_*`.
    pub(super) verdict: u8,
    /// Drop reason.
    pub(super) reason: u8,
    /// The rule in words, or the policies of a default deny.
    pub(super) rule: String,
    /// `MATCH_*`.
    pub(super) match_type: u8,
    /// Revision of the policy set.
    pub(super) revision: u32,
    /// `DIRECTION_*`.
    pub(super) direction: u8,
    /// Identity and metadata index of the subject, then those of the other side.
    pub(super) ends: [(u32, u32); 2],
}

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            action,
            kinds,
            verdict,
            reason,
            rule,
            match_type,
            revision,
            direction,
            ends,
        } = self;
        let match_type = MatchType::from_number(*match_type);
        write!(
            out,
            "action {action}, kinds {kinds:?}, verdict {verdict}, reason {reason}, rule {rule}, match {match_type:?}, revision {revision}, direction {direction}, ends {ends:?}"
        )
    }
}

/// How an endpoint of the node takes its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stance {
    /// `MODE_*`.
    pub(super) mode: u8,
    /// Revision that its set carries.
    pub(super) revision: u32,
    /// What the host sends passes before policy.
    pub(super) local_host_passes: bool,
}

/// What the specification decides; `None` where policy has no say.
pub(super) fn decision(
    world: &World,
    model: &PolicyModel<'_>,
    packet: &Packet,
    stance: Stance,
) -> Option<Decision> {
    let from_host = world
        .who(packet.peer)
        .is_some_and(|known| known.info.flags & ADDRESS_LOCAL_HOST != 0);
    if stance.mode == MODE_OFF || (from_host && stance.local_host_passes) {
        return None;
    }
    let subject = &world.locals[packet.subject].known.labels;
    let (identity, labels) = world.judged_as(packet.peer);
    Some(evaluate(
        model,
        subject,
        (identity, &labels),
        packet.direction,
        packet.protocol,
        packet.port,
    ))
}

/// What must be told of the first packet of a connection.
pub(super) fn expected(
    world: &World,
    model: &PolicyModel<'_>,
    packet: &Packet,
    stance: Stance,
    decided: Option<&Decision>,
) -> Told {
    let subject = &world.locals[packet.subject].known;
    let own = (subject.info.identity, subject.info.metadata);
    let names = RuleNames {
        model,
        subject: &subject.labels,
    };
    let (rule, match_type, reason) = ruling(&names, packet, stance, decided);
    let drops = decided.is_some_and(|decision| !decision.passes()) && stance.mode == MODE_ENFORCE;
    let verdict = match reason {
        0 => VERDICT_FORWARDED,
        _ if drops => VERDICT_DROPPED,
        _ => VERDICT_AUDIT,
    };
    let other = world.resolve(packet.peer);
    let is_managed = other.flags & bpf_events::ipcache::ADDRESS_MANAGED != 0;
    let mut kinds = vec![KIND_POLICY_VERDICT];
    if drops {
        kinds.push(KIND_DROP);
    } else if packet.direction == Direction::Ingress || !is_managed {
        kinds.push(KIND_TRACE);
    }
    Told {
        action: if drops { DROPS } else { PASSES },
        kinds,
        verdict,
        reason,
        rule,
        match_type: match_type.number(),
        revision: if decided.is_some() {
            stance.revision
        } else {
            0
        },
        direction: direction(packet.direction),
        ends: [own, (other.identity, other.metadata)],
    }
}

/// Rule in words, match type and drop reason.
fn ruling(
    names: &RuleNames<'_>,
    packet: &Packet,
    stance: Stance,
    decided: Option<&Decision>,
) -> (String, MatchType, u8) {
    match decided {
        None if stance.mode == MODE_OFF => (names.none(), MatchType::All, 0),
        None => (LOCAL_HOST.to_owned(), MatchType::All, 0),
        Some(decision) => (
            names.of(decision, packet.direction),
            decision.match_type,
            reason(decision.verdict),
        ),
    }
}

/// The drop reason of a verdict.
pub(super) fn reason(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allowed => 0,
        Verdict::DefaultDeny => REASON_POLICY_DENIED,
        Verdict::DeniedByRule => REASON_POLICY_DENY,
    }
}

/// What the program told of it; `names` gives the words of a rule number.
pub(super) fn found(
    packet: &Packet,
    action: i32,
    records: &[Record],
    names: impl Fn(u32) -> String,
) -> Told {
    let mut told = records.iter().map(|record| {
        let source = (record.source_identity, record.source_metadata);
        let destination = (record.destination_identity, record.destination_metadata);
        Told {
            action,
            kinds: records.iter().map(|each| each.kind).collect(),
            verdict: record.verdict,
            reason: record.reason,
            rule: match record.rule {
                RULE_NONE => "none".to_owned(),
                RULE_LOCAL_HOST => LOCAL_HOST.to_owned(),
                number => names(number),
            },
            match_type: record.match_type,
            revision: record.policy_revision,
            direction: record.direction,
            ends: match packet.direction {
                Direction::Ingress => [destination, source],
                Direction::Egress => [source, destination],
            },
        }
    });
    let Some(first) = told.next() else {
        panic!("nothing was told of {packet}, action {action}");
    };
    for other in told {
        assert_eq!(other, first, "two records of {packet} differ");
    }
    first
}

fn direction(direction: Direction) -> u8 {
    match direction {
        Direction::Ingress => DIRECTION_INGRESS,
        Direction::Egress => DIRECTION_EGRESS,
    }
}

/// The modes of endpoints, with how often they come.
pub(super) const MODES: [(usize, u8); 3] = [(8, MODE_ENFORCE), (1, MODE_AUDIT), (1, MODE_OFF)];
