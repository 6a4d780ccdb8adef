//! The relay ends, and another takes its place.

use std::collections::HashSet;

use super::account::Account;
use super::client::{Client, stored};
use super::fleet::{Fleet, NODES, Options};
use super::load::{self, Load};
use super::rounds::{rounds, until};

/// What a server logs that was not done in time.
const CUT: &str = "cutting connections";

/// What is stored comes from a new relay once, whole and in order, whatever became of the old one.
#[test]
fn a_relay_that_is_killed_under_load() {
    rounds("killed relay", Options::default(), |fleet, account, _| {
        let load = Load::start(fleet);
        load::send(fleet, 100);
        fleet.relay.take().expect("it runs").kill();
        account.client.end().expect_err("the stream breaks");
        load::send(fleet, 100);
        fleet.start_relay();
        drop(load);
        *account = Account::open(fleet);
        let (through_relay, of_nodes) = until(|| {
            let before = of_nodes(fleet);
            let through_relay = Client::start(&fleet.relay_socket(), stored());
            assert_eq!(through_relay.end(), Ok(()));
            // A busy kernel delivers packets a while after they were sent.
            if before != of_nodes(fleet) {
                return Err("flows come while nothing is sent".to_owned());
            }
            Ok((through_relay, before))
        });
        let seen = through_relay.seen();
        assert_eq!((seen.repeated, seen.out_of_order), (0, 0));
        let got = seen.all();
        assert_eq!(got.len(), of_nodes.len());
        assert!(got == of_nodes, "other flows than those that are stored");
    });
}

/// What the nodes themselves give: node, life and place of each flow.
fn of_nodes(fleet: &Fleet) -> HashSet<(String, u64, u64)> {
    let nodes = (0..NODES.len()).map(|node| {
        let direct = Client::start(&fleet.observer_socket(node), stored());
        assert_eq!(direct.end(), Ok(()));
        direct.seen().all()
    });
    nodes.flatten().collect()
}

#[test]
fn a_relay_that_is_asked_to_end_with_clients_that_follow() {
    rounds(
        "SIGTERM of the relay",
        Options::default(),
        |fleet, account, _| {
            let load = Load::start(fleet);
            load::send(fleet, 100);
            let second = Client::follow(&fleet.relay_socket());
            // 0: no task had to be given up, which is what happens after five seconds.
            let status = fleet.relay.take().expect("it runs").terminate();
            assert_eq!(status.code(), Some(0));
            assert_eq!(fleet.relay_said(CUT), 0);
            for client in [&account.client, &second] {
                assert_eq!(client.end(), Ok(()));
                assert_eq!(client.seen().repeated, 0);
            }
            drop(load);
            fleet.start_relay();
            *account = Account::open(fleet);
        },
    );
}
