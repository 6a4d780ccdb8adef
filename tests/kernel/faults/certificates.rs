//! A node's certificate expires, and a new one is put in its place.

use std::time::{Duration, Instant};

use proto::relay::NodeState::{NodeConnected, NodeUnavailable};

use super::fleet::{NODES, Options};
use super::load;
use super::rounds::{rounds, until};

const B: usize = 1;
/// Long enough for the observer to take it, and a time after which it holds no more.
const SHORT: &str = "4s";
const EXPIRED: Duration = Duration::from_millis(5_000);
/// What the observer logs when it has taken new files.
const TAKEN: &str = "new TLS files are in use";

/// The relay says why; no process is started anew.
#[test]
fn a_certificate_that_expires_and_is_replaced() {
    rounds("certificate", Options::default(), |fleet, account, _| {
        let away = account.client.heard(NodeUnavailable, NODES[B], "");
        let back = account.client.heard(NodeConnected, NODES[B], "");
        let taken = || fleet.observer_said(B, TAKEN);
        let before = taken();
        let written = Instant::now();
        fleet.write_certificate(B, SHORT);
        until(|| {
            (taken() > before)
                .then_some(())
                .ok_or("it is not taken".to_owned())
        });
        // Whoever is connected stays so: a cut makes the relay connect anew.
        fleet.cluster.partition(B).expect("cut off");
        away.again();
        std::thread::sleep(EXPIRED.saturating_sub(written.elapsed()));
        fleet.cluster.heal(B).expect("healed");
        until(|| {
            let warnings = fleet.relay_ledger().warnings;
            let says = warnings.iter().any(|warning| warning.contains("expired"));
            says.then_some(()).ok_or_else(|| format!("{warnings:?}"))
        });
        load::send(fleet, 100);
        account.close_node(fleet, 0);
        account.close_node(fleet, 2);
        fleet.write_certificate(B, "1d");
        back.again();
    });
}
