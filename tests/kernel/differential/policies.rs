//! Single packets under generated policies: the program decides as the specification does, by the same rule.

use tests::datapath::TestNode;
use tests::random::{Random, seeds};

use super::case::{InForce, Manner};
use super::expectation::{Stance, Told, decision, expected, found};
use super::kinds::Kinds;
use super::packet::{Packet, Packets};
use super::policy_text::{self, PolicyText};
use super::world::World;

const SETS: usize = 700;
const PACKETS: usize = 200;

#[test]
fn programs_decide_as_the_specification_does() {
    let mut node = World::node("dfp");
    let namespace = node.node.namespace().clone();
    // Entering the namespace for each packet would take longer than the packets do.
    let run = || Bench::new(&mut node).run_all();
    assert!(namespace.run(run).is_ok(), "something differs, see above");
}

/// The node, and what is in force there.
struct Bench<'n> {
    node: &'n mut TestNode,
    world: World,
    in_force: InForce,
    packets: Packets,
    kinds: Kinds,
}

impl<'n> Bench<'n> {
    fn new(node: &'n mut TestNode) -> Self {
        let world = World::settle(node);
        Self {
            node,
            in_force: InForce::new(world.named_ports.clone()),
            world,
            packets: Packets::new(),
            kinds: Kinds::default(),
        }
    }

    fn run_all(mut self) {
        let seeds = seeds(SETS);
        for seed in &seeds {
            self.run(*seed);
        }
        if seeds.len() == SETS {
            self.kinds.check();
        }
    }

    /// One set of policies, and all its packets.
    fn run(&mut self, seed: u64) {
        let mut random = Random::new(seed);
        let policies = policy_text::policies(&mut random);
        let manner = Manner::new(&mut random, self.world.locals.len());
        let stances = self.enforce(&policies, &manner);
        for _ in 0..PACKETS {
            let model = self.in_force.model(&manner);
            let world = &mut self.world;
            let packet = self.packets.next(&mut random, self.node, world, &model);
            let (told, must) = self.judge(&packet, &manner, &stances);
            if told != must {
                self.explain(seed, &policies, &manner, packet);
            }
        }
    }

    fn enforce(&mut self, policies: &[PolicyText], manner: &Manner) -> Vec<Stance> {
        let text = policy_text::text(policies);
        self.in_force
            .enforce(self.node, &mut self.world, &text, manner)
    }

    /// What was told of a packet, and what must be.
    fn judge(&mut self, packet: &Packet, manner: &Manner, stances: &[Stance]) -> (Told, Told) {
        let stance = stances[packet.subject];
        let ifindex = self.world.locals[packet.subject].ifindex;
        let action = self
            .node
            .inject_here(ifindex, packet.probe(), &packet.frame());
        let records = self.node.records();
        let numbers = &self.in_force.numbers;
        let told = found(packet, action, &records, |number| numbers.words(number));
        let model = self.in_force.model(manner);
        let decided = decision(&self.world, &model, packet, stance);
        let decided = decided.as_ref();
        self.kinds
            .count(&self.world, &model, packet, decided, stance.mode);
        (told, expected(&self.world, &model, packet, stance, decided))
    }

    /// Ends the test with the fewest rules that still show it.
    fn explain(
        &mut self,
        seed: u64,
        policies: &[PolicyText],
        manner: &Manner,
        packet: Packet,
    ) -> ! {
        let mut random = Random::new(seed);
        let mut last = None;
        let mut differs = |policies: &[PolicyText]| {
            let stances = self.enforce(policies, manner);
            let mut again = packet;
            self.packets
                .renew(&mut random, self.node, &mut self.world, &mut again);
            let (told, must) = self.judge(&again, manner, &stances);
            let differs = told != must;
            if differs {
                last = Some((again, told, must));
            }
            differs
        };
        let fewest = policy_text::smallest(policies, &mut differs);
        differs(&fewest);
        let text = policy_text::text(&fewest);
        let Some((packet, told, must)) = last else {
            panic!(
                "TYCHO_SEED={seed}: {packet} differed once, and not again under\n{text}{manner:?}"
            );
        };
        let labels = &self.world.locals[packet.subject].known.labels;
        let (_, other) = self.world.judged_as(packet.peer);
        panic!(
            "TYCHO_SEED={seed}\n{text}{manner:?}\n{packet}\nendpoint {labels}\nother side {other}\nexpected {must}\nfound    {told}"
        );
    }
}
