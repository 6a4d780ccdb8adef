//! The network between a node and the relay: nothing arrives, or little.

use proto::relay::NodeState::{NodeConnected, NodeUnavailable};

use super::fleet::{NODES, Options};
use super::load::{self, Load};
use super::rounds::rounds;

const B: usize = 1;
/// Less than the flows of a node under load need.
const SLOW_BYTES_PER_SECOND: u64 = 40_000;

#[test]
fn a_node_whose_packets_vanish_until_the_network_heals() {
    rounds("partition", Options::default(), |fleet, account, _| {
        let load = Load::start(fleet);
        let away = account.client.heard(NodeUnavailable, NODES[B], "");
        let back = account.client.heard(NodeConnected, NODES[B], "");
        fleet.cluster.partition(B).expect("cut off");
        away.again();
        drop(load);
        load::send(fleet, 100);
        // The others go on, and b goes on to store.
        account.close_node(fleet, 0);
        account.close_node(fleet, 2);
        fleet.cluster.heal(B).expect("healed");
        back.again();
    });
}

#[test]
fn a_node_behind_a_slow_link() {
    rounds(
        "slow node",
        Options {
            late: "1s",
            ..Options::default()
        },
        |fleet, account, _| {
            // Late, or so late that it does not count as there.
            let behind = account.client.heard(NodeUnavailable, NODES[B], "");
            fleet.cluster.slow(B, SLOW_BYTES_PER_SECOND).expect("slow");
            let load = Load::start(fleet);
            behind.again();
            drop(load);
            account.close_node(fleet, 0);
            account.close_node(fleet, 2);
            fleet.cluster.hurry(B).expect("as before");
            fleet.wait_for_relay();
        },
    );
}
