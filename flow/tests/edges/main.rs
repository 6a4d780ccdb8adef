//! Merged totals against plain sums over connections, through every message on the way.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod world;

use std::sync::Arc;

use flow::edges::{EdgeMerge, MergedWriter, PartWriter};
use proptest::prelude::*;
use proto::tycho::v1::{EdgeCounts, EdgesPart};

use client::Client;
use world::{Connection, NODES, World};

/// What may happen, one after the other.
#[derive(Clone, Debug)]
enum Step {
    /// A connection is made, or goes on.
    Talk(Connection),
    /// A node is read, and its client told.
    Read(usize),
    /// A node's stream ends and another begins, perhaps in the middle of a reading.
    Reconnect { node: usize, parts: usize },
    /// A node's edge is no longer kept by itself.
    Forget { node: usize, edge: usize },
    /// A node gives the numbers of its identities to others.
    Renumber(usize),
    /// The merged totals are told.
    Tell,
    /// A client of the merged totals begins anew.
    NewClient,
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0..NODES;
    prop_oneof![
        8 => world::connection().prop_map(Step::Talk),
        6 => node.clone().prop_map(Step::Read),
        1 => (node.clone(), 0usize..4).prop_map(|(node, parts)| Step::Reconnect { node, parts }),
        1 => (node.clone(), any::<prop::sample::Index>())
            .prop_map(|(node, edge)| Step::Forget { node, edge: edge.index(50) }),
        1 => node.prop_map(Step::Renumber),
        4 => Just(Step::Tell),
        1 => Just(Step::NewClient),
    ]
}

/// A relay that listens to every node, and one client of it.
struct Relay {
    writers: Vec<PartWriter>,
    merge: EdgeMerge,
    writer: MergedWriter,
    client: Client,
    part_edges: usize,
}

impl Relay {
    fn new(part_edges: usize) -> Self {
        let writer = || PartWriter::with_parts_of(part_edges);
        Self {
            writers: (0..NODES).map(|_| writer()).collect(),
            merge: EdgeMerge::new(),
            writer: MergedWriter::with_parts_of(part_edges),
            client: Client::default(),
            part_edges,
        }
    }

    /// At most so many parts of a reading.
    fn read(&mut self, world: &World, node: usize, parts: usize) {
        let writer = &mut self.writers[node];
        writer.begin(Arc::new(world.reading(node)));
        for _ in 0..parts {
            let Some(part) = writer.next_part() else {
                return;
            };
            assert!(part.edges.len() + part.gone.len() <= self.part_edges);
            self.merge.take(&part).unwrap();
        }
    }

    fn tell(&mut self) {
        self.writer.begin(Arc::new(self.merge.reading()));
        while let Some(part) = self.writer.next_part("relay") {
            assert!(part.merged.len() <= self.part_edges);
            self.client.take(&part);
        }
    }

    fn check(&mut self, world: &World) {
        for node in 0..NODES {
            self.read(world, node, usize::MAX);
        }
        self.tell();
        let (pairs, unattributed) = world.expected();
        assert_eq!(self.client.pairs(), &pairs);
        assert_eq!(self.client.unattributed, unattributed);
    }
}

proptest! {
    #[test]
    fn each_connection_counts_once(
        steps in proptest::collection::vec(step(), 1..60),
        part_edges in 1usize..6,
    ) {
        let mut world = World::default();
        let mut relay = Relay::new(part_edges);
        for step in steps {
            match step {
                Step::Talk(connection) => world.talk(&connection),
                Step::Read(node) => relay.read(&world, node, usize::MAX),
                Step::Reconnect { node, parts } => {
                    relay.read(&world, node, parts);
                    relay.writers[node] = PartWriter::with_parts_of(part_edges);
                }
                Step::Forget { node, edge } => world.forget(node, edge),
                Step::Renumber(node) => world.renumber(node),
                Step::Tell => relay.tell(),
                Step::NewClient => {
                    relay.writer = MergedWriter::with_parts_of(part_edges);
                    relay.client = Client::default();
                }
            }
        }
        relay.check(&world);
        // The same again is no news.
        relay.writer.begin(Arc::new(relay.merge.reading()));
        let part = relay.writer.next_part("relay").unwrap();
        prop_assert!(part.last && part.merged.is_empty() && part.labels.is_empty());
        // Without its nodes nothing is left.
        for node in 0..NODES {
            relay.merge.remove_node(&World::node_name(node));
        }
        relay.tell();
        prop_assert!(relay.client.pairs().is_empty());
        prop_assert_eq!(relay.client.unattributed, EdgeCounts::default());
    }
}

#[test]
fn a_node_that_tells_too_much_is_refused_and_what_it_told_still_counts() {
    let mut merge = EdgeMerge::new();
    let mut world = World::default();
    world.talk(&Connection::forwarded_to(80));
    let mut writer = PartWriter::new();
    writer.begin(Arc::new(world.reading(0)));
    let part = writer.next_part().unwrap();
    merge.take(&part).unwrap();
    let before = merge.reading().pairs;
    let refused = (0..1_000u32).find_map(|round| {
        let edges = (0..1_000).map(|edge| proto::tycho::v1::Edge {
            source: round * 1_000 + edge,
            ..part.edges[0].clone()
        });
        let part = EdgesPart {
            edges: edges.collect(),
            last: false,
            reading: 2,
            part: round,
            ..part.clone()
        };
        merge.take(&part).err()
    });
    let error = refused.unwrap().to_string();
    assert!(
        error.starts_with("default/node-0 tells of more than"),
        "{error}"
    );
    assert_eq!(merge.reading().pairs, before);
}

#[test]
fn a_part_that_is_missing_is_found_out() {
    let mut world = World::default();
    for port in 1..=3 {
        world.talk(&Connection::forwarded_to(port));
    }
    let mut writer = PartWriter::with_parts_of(1);
    writer.begin(Arc::new(world.reading(0)));
    let mut merge = EdgeMerge::new();
    assert_eq!(merge.take(&writer.next_part().unwrap()), Ok(false));
    writer.next_part().unwrap();
    let error = merge.take(&writer.next_part().unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("before part 2 of its reading 1"),
        "{error}"
    );
    assert!(merge.reading().pairs.is_empty());
}
