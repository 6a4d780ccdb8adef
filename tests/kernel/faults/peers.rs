//! The list of peers changes all the time.

use std::fs;
use std::time::Duration;

use proto::relay::NodeState::{NodeConnected, NodeGone};

use super::fleet::{NODES, Options};
use super::load::Load;
use super::rounds::{rounds, until};

const B: usize = 1;
/// Less than the relay waits for the file to come to rest, and more.
const PAUSES_MS: [u64; 6] = [5, 300, 20, 5, 300, 50];

/// What the relay logs of it.
const REFUSED: &str = "the new list of peers is not used";

#[test]
fn a_list_of_peers_that_flaps() {
    rounds(
        "peer list",
        Options {
            peers_file: true,
            ..Options::default()
        },
        |fleet, account, _| {
            let (file, all) = (fleet.peers_file(), fleet.peers(&[0, 1, 2]));
            let write = |text: &str| fs::write(&file, text).expect("written");
            let _load = Load::start(fleet);
            let gone = account.client.heard(NodeGone, NODES[B], "");
            write(&fleet.peers(&[0, 2]));
            gone.again();
            // A list that is broken changes nothing.
            let refused = || fleet.relay_said(REFUSED);
            let before = refused();
            write("default/a=nonsense without a port\n");
            until(|| {
                (refused() > before)
                    .then_some(())
                    .ok_or("nobody complains".to_owned())
            });
            let back = account.client.heard(NodeConnected, NODES[B], "");
            write(&all);
            back.again();
            for (place, pause_ms) in PAUSES_MS.into_iter().enumerate() {
                let without = [0, 1, 2].into_iter().filter(|node| *node != place % 3);
                write(&fleet.peers(&without.collect::<Vec<_>>()));
                std::thread::sleep(Duration::from_millis(pause_ms));
            }
            write(&all);
        },
    );
}
