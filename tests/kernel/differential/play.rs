//! One sequence: who takes part, what is sent, and what changes in between.

use std::fmt::Write as _;
use std::net::IpAddr;

use bpf_events::endpoint::{MODE_AUDIT, MODE_ENFORCE, MODE_OFF};
use bpf_loader::Probe;
use tests::packets::PASSES;
use tests::random::Random;

use super::aim::outside;
use super::case::Manner;
use super::conversation::Conversation;
use super::event::Event;
use super::flight::Flight;
use super::model::Model;
use super::outcome::{Around, Outcome};
use super::scenery::{Holder, Scenery};
use super::sequences::Stage;

const PACKETS: usize = 30;
const MODES: [(usize, u8); 3] = [(6, MODE_ENFORCE), (1, MODE_AUDIT), (1, MODE_OFF)];

/// A sequence under way.
pub(super) struct Play<'p, 'n> {
    stage: &'p mut Stage<'n>,
    random: &'p mut Random,
    scenery: Scenery,
    model: Model,
    /// Endpoints of the node that take part, with their addresses.
    locals: Vec<(usize, [IpAddr; 2])>,
    /// Addresses of others.
    remotes: Vec<[IpAddr; 2]>,
    conversations: Vec<Conversation>,
    /// What happened so far, in words.
    log: String,
}

impl<'p, 'n> Play<'p, 'n> {
    /// Sets the scene: nobody has talked to any of the addresses yet.
    pub(super) fn new(
        stage: &'p mut Stage<'n>,
        random: &'p mut Random,
        title: String,
        manner: Manner,
    ) -> Self {
        let scenery = Scenery::new(&stage.world, manner);
        let mut play = Self {
            stage,
            random,
            scenery,
            model: Model::default(),
            locals: Vec::new(),
            remotes: Vec::new(),
            conversations: Vec::new(),
            log: title,
        };
        for place in 0..play.scenery.seats.len() {
            play.scenery
                .set_row(play.stage.node, &play.stage.world, place);
        }
        play.invite();
        play.switch_policy_now_and_then();
        play.introduce();
        play
    }

    fn invite(&mut self) {
        let seats = self.scenery.seats.len();
        let first = self.random.below(seats);
        for step in 0..2 + self.random.below(2) {
            let place = (first + step * (1 + step)) % seats;
            let addresses = self.stage.world.unused_addresses();
            for address in addresses {
                self.give_to_seat(address, place);
            }
            self.locals.push((place, addresses));
        }
        for _ in 0..2 {
            let addresses = if self.random.percent(60) {
                let addresses = self.stage.world.unused_addresses();
                for address in addresses {
                    let holder = self.somebody_else();
                    self.give(address, Some(holder));
                }
                addresses
            } else {
                [false, true].map(|ipv6| self.stranger(ipv6))
            };
            self.remotes.push(addresses);
        }
    }

    fn introduce(&mut self) {
        for _ in 0..=self.random.below(3) {
            let family = self.random.below(2);
            let at = self.random.below(self.locals.len());
            let one = self.locals[at].1[family];
            let other = if self.random.percent(50) {
                let others = self.locals.len() - 1;
                self.locals[(at + 1 + self.random.below(others)) % (others + 1)].1[family]
            } else {
                self.remotes[self.random.below(self.remotes.len())][family]
            };
            let ends = if self.random.percent(50) {
                [one, other]
            } else {
                [other, one]
            };
            let port = self.random.within(20_000..=60_000);
            self.conversations
                .push(Conversation::new(self.random, ends, port));
        }
    }

    /// Plays it to its end, and takes the addresses back.
    pub(super) fn run(mut self) {
        let packets = 3 + self.random.below(PACKETS - 2);
        for _ in 0..packets {
            while self.random.percent(11) {
                self.change();
            }
            self.send();
        }
        self.stage.seen.sequence();
        let given: Vec<IpAddr> = self.scenery.holders.keys().copied().collect();
        for address in given {
            self.give(address, None);
        }
    }

    fn send(&mut self) {
        let at = self.random.below(self.conversations.len());
        let mut conversation = self.conversations[at].clone();
        let participant = self.random.below(self.locals.len());
        let family = usize::from(conversation.is_ipv6());
        let (flight, from) = if self.random.percent(3) {
            // Nobody has used it before: what it is told to be from is part of a connection's name.
            let alien = self.stage.world.unused_addresses()[family];
            if self.random.percent(50) {
                let holder = self.somebody_else();
                self.give(alien, Some(holder));
                self.stage.node.datapath.bump_identity_epoch();
                self.model.turn_era();
            }
            let flight = conversation.spoofed(self.random, alien);
            (flight, Some(self.locals[participant].0))
        } else {
            let router = match self.random.percent(70) {
                true => self.remotes[1][family],
                false => self.locals[participant].1[family],
            };
            let flight = conversation.next(self.random, router);
            let from = self.scenery.owner(flight.source);
            (flight, from)
        };
        self.conversations[at] = conversation;
        let to = self.scenery.owner(flight.destination);
        let egress = from.map(|place| (place, true));
        let ingress = to
            .filter(|to| Some(*to) != from)
            .map(|place| (place, false));
        for (place, egress) in egress.into_iter().chain(ingress) {
            if !self.pass(place, egress, &flight) {
                break;
            }
        }
    }

    /// Lets a packet through one hook; true if it goes on.
    fn pass(&mut self, place: usize, egress: bool, flight: &Flight) -> bool {
        let stage = &mut *self.stage;
        let around = Around {
            world: &stage.world,
            in_force: &stage.in_force,
            scenery: &self.scenery,
        };
        let expected = self.model.visit(around, place, egress, flight);
        let probe = if egress {
            Probe::FromEndpoint
        } else {
            Probe::ToEndpoint
        };
        let ifindex = stage.world.locals[place].ifindex;
        let action = stage.node.inject_here(ifindex, probe, &flight.frame());
        let records = stage.node.records();
        let numbers = &stage.in_force.numbers;
        let events = records
            .iter()
            .map(|record| Event::of(record, |number| numbers.words(number)));
        let found = Outcome {
            passes: action == PASSES,
            events: events.collect(),
        };
        let name = stage.world.locals[place].name;
        let way = if egress { "from" } else { "to" };
        writeln!(self.log, "packet {way} {name}: {flight}").expect("text takes text");
        if found != expected {
            self.fail(&expected, &found);
        }
        stage.seen.outcome(&expected, flight);
        expected.passes
    }

    fn fail(&self, expected: &Outcome, found: &Outcome) -> ! {
        let (text, _) = &self.stage.policies[self.stage.policy];
        panic!(
            "{}\nin force:\n{text}\n{:?}\nexpected {expected}\nfound {found}",
            self.log, self.scenery.manner
        );
    }

    fn change(&mut self) {
        match self.random.below(100) {
            0..40 => self.switch_policy(),
            40..55 => self.relabel_seat(),
            55..75 => self.relabel_remote(),
            75..90 => self.move_address(),
            _ => {
                let place = self.participant();
                self.scenery.seats[place].mode = self.random.weighted(&MODES);
                self.note(format!(
                    "mode of {place} is {}",
                    self.scenery.seats[place].mode
                ));
                self.scenery
                    .set_row(self.stage.node, &self.stage.world, place);
            }
        }
        self.stage.node.datapath.bump_identity_epoch();
        self.model.turn_era();
        self.stage.seen.change();
    }

    fn switch_policy_now_and_then(&mut self) {
        if self.random.percent(30) {
            self.switch_policy();
        } else {
            self.stage.node.datapath.bump_identity_epoch();
            self.scenery
                .read_revisions(self.stage.node, &self.stage.world);
        }
    }

    fn switch_policy(&mut self) {
        let policy = self.random.below(self.stage.policies.len());
        self.note(format!("policies {policy}"));
        self.stage.enforce(policy, &self.scenery.manner);
        self.scenery
            .read_revisions(self.stage.node, &self.stage.world);
    }

    fn relabel_seat(&mut self) {
        let place = self.participant();
        let labelled_as = self.random.below(self.scenery.seats.len());
        self.note(format!("{place} is labelled as {labelled_as}"));
        let metadata = self.scenery.version();
        let seat = &mut self.scenery.seats[place];
        (seat.labelled_as, seat.metadata) = (labelled_as, metadata);
        let holders = self.scenery.holders.iter();
        let own =
            holders.filter(|(_, holder)| holder.is_some_and(|holder| holder.owner == Some(place)));
        let own: Vec<IpAddr> = own.map(|(address, _)| *address).collect();
        for address in own {
            self.give_to_seat(address, place);
        }
        self.scenery
            .set_row(self.stage.node, &self.stage.world, place);
    }

    fn relabel_remote(&mut self) {
        let pair = self.remotes[self.random.below(self.remotes.len())];
        let address = self.random.pick(&pair);
        let holder = self.random.percent(75).then(|| self.somebody_else());
        self.note(format!("{address} is {holder:?}"));
        self.give(address, holder);
    }

    fn move_address(&mut self) {
        let addresses = self.locals[self.random.below(self.locals.len())].1;
        let (address, place) = (self.random.pick(&addresses), self.participant());
        self.note(format!("{address} moves to {place}"));
        self.give_to_seat(address, place);
    }

    fn participant(&mut self) -> usize {
        self.locals[self.random.below(self.locals.len())].0
    }

    fn somebody_else(&mut self) -> Holder {
        let locals = self.stage.world.locals.len();
        let others = self.stage.world.known.len() - locals;
        Holder {
            who: locals + self.random.below(others),
            metadata: self.scenery.version(),
            owner: None,
        }
    }

    /// An address that nobody has.
    fn stranger(&mut self, ipv6: bool) -> IpAddr {
        loop {
            let address = outside(self.random, ipv6);
            if self.stage.world.who(address).is_none() {
                return address;
            }
        }
    }

    fn give_to_seat(&mut self, address: IpAddr, place: usize) {
        let seat = self.scenery.seats[place];
        let holder = Holder {
            who: seat.labelled_as,
            metadata: seat.metadata,
            owner: Some(place),
        };
        self.give(address, Some(holder));
    }

    fn give(&mut self, address: IpAddr, holder: Option<Holder>) {
        let (node, world) = (&mut *self.stage.node, &self.stage.world);
        self.scenery.give(node, world, address, holder);
    }

    fn note(&mut self, what: String) {
        write!(self.log, "\n{what}\n").expect("text takes text");
    }
}
