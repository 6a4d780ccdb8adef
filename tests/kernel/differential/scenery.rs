//! What holds at one moment of a sequence: who has which address, who sits at which interface, and which policy is in force.

use std::collections::HashMap;
use std::net::IpAddr;

use bpf_events::endpoint::{EndpointRow, MODE_ENFORCE, MODE_OFF};
use bpf_events::ipcache::{ADDRESS_LOCAL_HOST, ADDRESS_MANAGED, AddressInfo};
use bpf_events::record::{
    REASON_INVALID_SOURCE_IP, VERDICT_AUDIT, VERDICT_DROPPED, VERDICT_FORWARDED,
};
use policy::{Direction, Identity, LabelSet, MatchType, evaluate};
use tests::datapath::TestNode;

use super::case::{InForce, Manner, revision_of};
use super::event::Who;
use super::expectation::reason;
use super::names::{LOCAL_HOST, RuleNames};
use super::world::World;

/// Metadata indexes of versions that a sequence makes.
const FIRST_VERSION: u32 = 1_000_000;

/// Who has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// Place in `World::known`.
    pub(super) who: usize,
    /// Metadata index.
    pub(super) metadata: u32,
    /// Place in `World::locals` of the endpoint that owns it.
    pub(super) owner: Option<usize>,
}

/// An endpoint of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    /// Place in `World::locals` of the one whose labels it has now.
    pub(super) labelled_as: usize,
    /// Metadata index.
    pub(super) metadata: u32,
    /// `MODE_*`.
    pub(super) mode: u8,
}

/// A judgement, and whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    /// `VERDICT_*`.
    pub(super) verdict: u8,
    /// Drop reason.
    pub(super) reason: u8,
    /// The rule in words.
    pub(super) rule: String,
    /// `MATCH_*`.
    pub(super) match_type: u8,
    /// Revision of the policy.
    pub(super) revision: u32,
    /// The endpoint.
    pub(super) local: Who,
    /// The other side.
    pub(super) remote: Who,
    /// The other side is judged and told at its own interface.
    pub(super) remote_is_managed: bool,
}

/// What of a packet counts for a judgement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// Place in `World::locals`.
    pub(super) at: usize,
    /// Direction of the connection, seen from there.
    pub(super) direction: Direction,
    /// The packet leaves the endpoint from this address.
    pub(super) sent_from: Option<IpAddr>,
    /// The other side.
    pub(super) remote: IpAddr,
    /// IP protocol.
    pub(super) protocol: u8,
    /// Service port or ICMP type.
    pub(super) port: u16,
}

/// The moment.
pub(super) struct Scenery {
    /// As `World::locals`.
    pub(super) seats: Vec<Seat>,
    /// Addresses that changed, or came, in this sequence.
    pub(super) holders: HashMap<IpAddr, Option<Holder>>,
    /// How the node is set.
    pub(super) manner: Manner,
    /// Revision of each endpoint's set, as `World::locals`.
    revisions: Vec<u32>,
    versions: u32,
}

impl Scenery {
    /// Everybody as they are by themselves.
    pub(super) fn new(world: &World, manner: Manner) -> Self {
        let seats = world.locals.iter().enumerate().map(|(place, local)| Seat {
            labelled_as: place,
            metadata: local.known.info.metadata,
            mode: manner.modes[place],
        });
        Self {
            seats: seats.collect(),
            holders: HashMap::new(),
            revisions: vec![0; world.locals.len()],
            manner,
            versions: FIRST_VERSION,
        }
    }

    /// A metadata index that nobody had.
    pub(super) fn version(&mut self) -> u32 {
        self.versions += 1;
        self.versions
    }

    /// Takes note of the revisions that sets name.
    pub(super) fn read_revisions(&mut self, node: &TestNode, world: &World) {
        let locals = world.locals.iter();
        self.revisions = locals.map(|local| revision_of(node, local.set)).collect();
    }

    /// Gives an address to somebody, or to nobody, in the kernel too.
    pub(super) fn give(
        &mut self,
        node: &mut TestNode,
        world: &World,
        address: IpAddr,
        holder: Option<Holder>,
    ) {
        self.holders.insert(address, holder);
        let addresses = &mut node.datapath.addresses;
        let written = match holder {
            Some(holder) => addresses.set(address, self.info(world, holder)),
            None => addresses.remove(address),
        };
        written.expect("written");
    }

    fn info(&self, world: &World, holder: Holder) -> AddressInfo {
        let known = &world.known[holder.who];
        AddressInfo {
            identity: known.identity.0,
            metadata: holder.metadata,
            endpoint: holder
                .owner
                .map_or(0, |owner| world.locals[owner].known.info.endpoint),
            flags: known.info.flags,
        }
    }

    /// Writes what holds of a seat into the kernel.
    pub(super) fn set_row(&self, node: &mut TestNode, world: &World, place: usize) {
        let seat = self.seats[place];
        let as_whom = &world.locals[seat.labelled_as];
        let (identity, set) = (as_whom.known.identity.0, as_whom.set);
        node.change_row(world.locals[place].name, |row: &mut EndpointRow| {
            (row.identity, row.metadata) = (identity, seat.metadata);
            (row.policy_set, row.mode) = (set, seat.mode);
        });
    }

    /// What an address resolves to, and by what labels it is judged.
    fn other_side(&self, world: &World, address: IpAddr) -> (AddressInfo, Identity, LabelSet) {
        match self.holders.get(&address) {
            Some(Some(holder)) => {
                let known = &world.known[holder.who];
                (
                    self.info(world, *holder),
                    known.identity,
                    known.labels.clone(),
                )
            }
            _ => {
                let (identity, labels) = world.judged_as(address);
                (world.resolve(address), identity, labels)
            }
        }
    }

    /// Identity and metadata index behind an address.
    pub(super) fn who(&self, world: &World, address: IpAddr) -> Who {
        let (info, _, _) = self.other_side(world, address);
        (info.identity, info.metadata)
    }

    /// The endpoint that owns an address.
    pub(super) fn owner(&self, address: IpAddr) -> Option<usize> {
        self.holders.get(&address).copied().flatten()?.owner
    }

    /// Whether an endpoint may send from an address.
    pub(super) fn may_send(&self, at: usize, address: IpAddr) -> bool {
        self.owner(address) == Some(at)
    }

    /// Judges the first packet of a connection, or one of a connection that has to be judged again.
    pub(super) fn judge(
        &self,
        world: &World,
        in_force: &InForce,
        question: &Question,
    ) -> Judgement {
        let seat = self.seats[question.at];
        let as_whom = &world.locals[seat.labelled_as];
        let (info, identity, labels) = self.other_side(world, question.remote);
        let mut judgement = Judgement {
            verdict: VERDICT_FORWARDED,
            reason: 0,
            rule: "none".to_owned(),
            match_type: MatchType::All.number(),
            revision: 0,
            local: (as_whom.known.identity.0, seat.metadata),
            remote: (info.identity, info.metadata),
            remote_is_managed: info.flags & ADDRESS_MANAGED != 0,
        };
        if seat.mode == MODE_OFF {
            return judgement;
        }
        let mut audited = false;
        let alien = question
            .sent_from
            .is_some_and(|address| !self.may_send(question.at, address));
        if alien {
            judgement.reason = REASON_INVALID_SOURCE_IP;
            judgement.match_type = MatchType::None.number();
        } else if info.flags & ADDRESS_LOCAL_HOST != 0 && self.manner.local_host_passes {
            judgement.rule = LOCAL_HOST.to_owned();
        } else {
            let other = (identity, &labels);
            let subject = &as_whom.known.labels;
            audited = self.ask_policy(in_force, question, subject, other, &mut judgement);
            judgement.revision = self.revisions[seat.labelled_as];
        }
        judgement.verdict = match judgement.reason {
            0 => VERDICT_FORWARDED,
            _ if seat.mode == MODE_ENFORCE && !audited => VERDICT_DROPPED,
            _ => VERDICT_AUDIT,
        };
        judgement
    }

    /// Rule, match type and reason; true if only policies that audit object.
    fn ask_policy(
        &self,
        in_force: &InForce,
        question: &Question,
        subject: &LabelSet,
        other: (Identity, &LabelSet),
        judgement: &mut Judgement,
    ) -> bool {
        let model = &in_force.model(&self.manner);
        let Question {
            direction,
            protocol,
            port,
            ..
        } = *question;
        let decision = evaluate(model, subject, other, direction, protocol, port);
        let names = RuleNames { model, subject };
        judgement.rule = names.of(&decision, direction);
        judgement.match_type = decision.match_type.number();
        judgement.reason = reason(decision.verdict);
        decision.audited
    }
}
