//! A client that does not read.

use super::account::Account;
use super::fleet::{Fleet, NODES, Options};
use super::load;
use super::rounds::rounds;

/// Stores that are smaller than what comes while the client does not read, with what lies between them and it.
const FLOWS: u64 = 4_096;
const CONNECTIONS: u32 = 2_000;
const TURNS: u32 = 3;

/// The others are not held up. What the stores overwrite meanwhile is counted for the client that has missed it.
#[test]
fn a_client_that_stops_to_read() {
    rounds(
        "stopped client",
        Options {
            flows: FLOWS,
            ..Options::default()
        },
        |fleet, account, _| {
            let stopped = Account::open(fleet);
            stopped.client.pause(true);
            for _ in 0..TURNS {
                load::send(fleet, CONNECTIONS);
                for node in 0..NODES.len() {
                    account.close_node(fleet, node);
                }
            }
            stopped.client.pause(false);
            stopped.close(fleet);
            let seen = stopped.client.seen();
            let missed = (0..NODES.len()).map(|node| seen.overwritten(&Fleet::name(node)));
            assert!(missed.sum::<u64>() > 0, "nothing was overwritten");
        },
    );
}
