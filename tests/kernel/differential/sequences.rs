//! Sequences of packets with changes in between: each hook does with each packet what the naive model says.

use bpf_loader::Aggregation;
use policy::Enforcement;
use tests::datapath::TestNode;
use tests::random::{Random, seeds};

use super::case::{Compiled, InForce, Manner};
use super::play::Play;
use super::policy_text;
use super::seen::Seen;
use super::world::World;

/// Each case has policies of its own, and a node that is set in its own way.
const CASES: usize = 125;
const SEQUENCES: usize = 80;
const POLICIES: usize = 5;

#[test]
fn connections_go_as_the_naive_model_says() {
    let mut node = World::node("dfs");
    let namespace = node.node.namespace().clone();
    let run = || {
        let mut stage = Stage::new(&mut node);
        let seeds = seeds(CASES);
        for seed in &seeds {
            run_case(&mut stage, *seed);
        }
        if seeds.len() == CASES {
            stage.seen.check(CASES * SEQUENCES);
        }
    };
    assert!(namespace.run(run).is_ok(), "something differs, see above");
}

/// The node, and the policies that a case has ready.
pub(super) struct Stage<'n> {
    /// The node.
    pub(super) node: &'n mut TestNode,
    /// Everybody.
    pub(super) world: World,
    /// The policies in force.
    pub(super) in_force: InForce,
    /// Those of the case, as texts and compiled.
    pub(super) policies: Vec<(String, Compiled)>,
    /// Place of the one in force.
    pub(super) policy: usize,
    /// What happened.
    pub(super) seen: Seen,
}

impl<'n> Stage<'n> {
    fn new(node: &'n mut TestNode) -> Self {
        let world = World::settle(node);
        Self {
            node,
            in_force: InForce::new(world.named_ports.clone()),
            world,
            policies: Vec::new(),
            policy: 0,
            seen: Seen::default(),
        }
    }

    /// Puts one of the case's policies in force.
    pub(super) fn enforce(&mut self, which: usize, manner: &Manner) {
        let (_, compiled) = &self.policies[which];
        self.in_force
            .put(self.node, &mut self.world, compiled, manner);
    }
}

fn run_case(stage: &mut Stage<'_>, seed: u64) {
    let mut random = Random::new(seed);
    let mut manner = Manner::new(&mut random, stage.world.locals.len());
    manner.late = 0;
    // What nothing enforces has little to show.
    if manner.enforcement == Enforcement::Never && random.percent(70) {
        manner.enforcement = Enforcement::Default;
    }
    if random.percent(20) {
        manner.aggregation = Aggregation::None;
    }
    stage.policies.clear();
    for _ in 0..POLICIES {
        let text = policy_text::text(&policy_text::policies(&mut random));
        let compiled = stage.in_force.compile(&mut stage.world, &text, &manner);
        stage.policies.push((text, compiled));
    }
    stage.enforce(0, &manner);
    for sequence in 0..SEQUENCES {
        let title = format!("TYCHO_SEED={seed}, sequence {sequence}");
        Play::new(stage, &mut random, title, manner.clone()).run();
    }
}
