//! A node whose clock is wrong.

use proto::relay::NodeState::{NodeConnected, NodeError, NodeUnavailable};

use super::fleet::{NODES, Options};
use super::load;
use super::rounds::rounds;

const B: usize = 1;
/// One after the other: each start of the observer has the clock somewhere else, before and after where it was.
const OFFSETS_MS: [&str; 4] = ["2000", "-120000", "120000", "-2000"];

#[test]
fn a_node_whose_clock_is_off() {
    rounds("clock", Options::default(), |fleet, account, round| {
        load::send(fleet, 100);
        account.close(fleet);
        let away = account.client.heard(NodeUnavailable, NODES[B], "");
        let back = account.client.heard(NodeConnected, NODES[B], "");
        let skewed = account.client.heard(NodeError, NODES[B], "skewed");
        fleet.observers[B].take().expect("it runs").kill();
        away.again();
        let offset = OFFSETS_MS[round as usize % OFFSETS_MS.len()];
        fleet.start_observer(B, &["--clock-offset", offset]);
        fleet.wait_for_observer(B);
        back.again();
        skewed.again();
        account.reborn(fleet, B);
        load::send(fleet, 100);
    });
}
