//! The registry that the nodes share goes away, for all of them or for one.

use proto::relay::NodeState::{NodeConnected, NodeUnavailable};

use super::fleet::{Fleet, NODES, Options};
use super::load::{self, Load};
use super::rounds::{rounds, until};

const B: usize = 1;
/// What a node says of it.
const AWAY: &str = "registry etcd://";

#[test]
fn an_etcd_that_is_killed_and_a_node_that_is_cut_off_from_it() {
    rounds(
        "etcd",
        Options {
            etcd: true,
            ..Options::default()
        },
        |fleet, account, _| {
            let load = Load::start(fleet);
            fleet.etcd().stop();
            wait_for(fleet, &[0, 1, 2], true);
            load::send(fleet, 100);
            fleet.etcd().resume();
            wait_for(fleet, &[0, 1, 2], false);
            let away = account.client.heard(NodeUnavailable, NODES[B], "");
            let back = account.client.heard(NodeConnected, NODES[B], "");
            fleet.cluster.partition(B).expect("cut off");
            wait_for(fleet, &[B], true);
            away.again();
            drop(load);
            account.close_node(fleet, 0);
            account.close_node(fleet, 2);
            fleet.cluster.heal(B).expect("healed");
            back.again();
            wait_for(fleet, &[B], false);
        },
    );
}

/// Waits until these nodes miss the registry, or none of them does.
fn wait_for(fleet: &Fleet, nodes: &[usize], missed: bool) {
    until(|| {
        let of_nodes = nodes.iter().map(|node| fleet.node_ledger(*node).warnings);
        let warnings: Vec<Vec<String>> = of_nodes.collect();
        let misses = |warnings: &Vec<String>| warnings.iter().any(|one| one.contains(AWAY));
        let is_so = warnings.iter().all(|warnings| misses(warnings) == missed);
        is_so.then_some(()).ok_or_else(|| format!("{warnings:?}"))
    });
}
