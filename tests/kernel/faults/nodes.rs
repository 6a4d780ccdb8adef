//! An observer ends, and another takes its place.

use proto::relay::NodeState::{NodeConnected, NodeUnavailable};

use super::client::{Client, follow};
use super::fleet::{NODES, Options};
use super::load::{self, Load};
use super::rounds::rounds;

const B: usize = 1;

/// Killed in the middle of the traffic, and (every other time) at rest: then nothing at all may be missing.
#[test]
fn a_node_that_is_killed_and_started_again() {
    rounds(
        "killed node",
        Options::default(),
        |fleet, account, round| {
            load::send(fleet, 100);
            account.close(fleet);
            let under_load = (round % 2 == 0).then(|| Load::start(fleet));
            let away = account.client.heard(NodeUnavailable, NODES[B], "");
            let back = account.client.heard(NodeConnected, NODES[B], "");
            fleet.observers[B].take().expect("it runs").kill();
            away.again();
            load::send(fleet, 100);
            fleet.start_observer(B, &[]);
            fleet.wait_for_observer(B);
            back.again();
            drop(under_load);
            account.reborn(fleet, B);
            load::send(fleet, 100);
        },
    );
}

/// Everything that it has stored reaches the relay's client and its own, whose stream ends in order.
#[test]
fn a_node_that_is_asked_to_end_with_a_client_that_follows() {
    rounds(
        "SIGTERM of a node",
        Options::default(),
        |fleet, account, _| {
            let direct = Client::start(&fleet.observer_socket(B), follow());
            load::send(fleet, 100);
            account.close(fleet);
            let away = account.client.heard(NodeUnavailable, NODES[B], "");
            let back = account.client.heard(NodeConnected, NODES[B], "");
            let load = Load::start(fleet);
            // 0: no task had to be given up, which is what happens after five seconds.
            let status = fleet.observers[B].take().expect("it runs").terminate();
            assert_eq!(status.code(), Some(0));
            assert_eq!(direct.end(), Ok(()));
            away.again();
            fleet.start_observer(B, &[]);
            fleet.wait_for_observer(B);
            back.again();
            drop(load);
            account.reborn(fleet, B);
        },
    );
}
