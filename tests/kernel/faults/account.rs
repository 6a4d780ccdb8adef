//! Holds what a client has got against what the nodes and the relay have counted.

use proto::tycho::v1::GetLedgerResponse;

use super::client::{Client, stored};
use super::fleet::{Fleet, NODES};
use super::load;
use super::rounds::until;

/// A client that follows the relay, and from where on it must have got everything.
pub(super) struct Account {
    pub(super) client: Client,
    nodes: [Opening; 3],
}

/// Where the account of one node begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Opening {
    /// The observer's life, as references of its flows have it.
    life: u64,
    /// Flows that were stored before.
    stored: u64,
    /// The place of the first flow after them. A stream may begin a little earlier: the relay does not know exactly what
    /// a node's clock said when it was asked.
    first_place: u64,
    /// Flows that the client was told as overwritten before.
    overwritten: u64,
}

impl Account {
    /// Opens it while nothing happens.
    pub(super) fn open(fleet: &Fleet) -> Self {
        load::send(fleet, 10);
        until(|| {
            let before = at_rest(fleet)?;
            let client = Client::follow(&fleet.relay_socket());
            let nodes = std::array::from_fn(|node| {
                let (life, last_place) = newest(fleet, node);
                Opening {
                    life,
                    stored: before[node].flows,
                    first_place: last_place + 1,
                    overwritten: 0,
                }
            });
            if before != at_rest(fleet)? {
                return Err("flows come while nothing is sent".to_owned());
            }
            // A row can be read a moment before it is counted.
            let mut rows = nodes.iter().zip(&before);
            if rows.any(|(opening, before)| opening.first_place != before.rows) {
                return Err(format!("{nodes:?} were opened, {before:?} are stored"));
            }
            Ok(Self { client, nodes })
        })
    }

    /// The observer of a node is another process now. What the earlier one had sent must be whole.
    pub(super) fn reborn(&mut self, fleet: &Fleet, node: usize) {
        let seen = self.client.seen();
        self.nodes[node] = Opening {
            life: newest(fleet, node).0,
            stored: 0,
            first_place: 0,
            overwritten: seen.overwritten(&Fleet::name(node)),
        };
    }

    /// Waits until nothing is missing that is not counted. Nothing may ever come twice.
    #[track_caller]
    pub(super) fn close(&self, fleet: &Fleet) {
        until(|| {
            for node in 0..NODES.len() {
                self.check(fleet, node)?;
            }
            check_relay(&fleet.relay_ledger())
        });
        let seen = self.client.seen();
        assert_eq!(seen.ended, None);
        // Of lives that have ended nobody has the counts any more. Their flows are numbered.
        let names = (0..NODES.len()).map(Fleet::name);
        for name in names.filter(|name| seen.is_whole(name)) {
            assert_eq!(seen.gaps(&name), 0, "{name}");
        }
    }

    /// The same of one node.
    #[track_caller]
    pub(super) fn close_node(&self, fleet: &Fleet, node: usize) {
        until(|| self.check(fleet, node));
    }

    fn check(&self, fleet: &Fleet, node: usize) -> Result<(), String> {
        let Opening {
            life,
            stored,
            first_place,
            overwritten,
        } = self.nodes[node];
        let (name, ledger) = (Fleet::name(node), fleet.node_ledger(node));
        let seen = self.client.seen();
        assert_eq!(seen.repeated, 0, "flows that came twice");
        let places = seen.places(&name, life).into_iter().flatten();
        let got = places.filter(|place| **place >= first_place).count() as u64;
        let told = seen.overwritten(&name) - overwritten;
        let expected = count(&ledger, "stored") - stored;
        if got + told != expected || !ledger.closed {
            return Err(format!(
                "{name}: got {got}, told as overwritten {told}, stored {expected}; {ledger:?}"
            ));
        }
        Ok(())
    }
}

/// Received = left out + abandoned + delivered.
fn check_relay(ledger: &GetLedgerResponse) -> Result<(), String> {
    let stages = ["left out", "abandoned", "delivered"];
    let gone: u64 = stages.iter().map(|stage| count(ledger, stage)).sum();
    let closes = ledger.closed && count(ledger, "received") == gone;
    closes.then_some(()).ok_or_else(|| format!("{ledger:?}"))
}

/// A stage of a ledger.
pub(super) fn count(ledger: &GetLedgerResponse, stage: &str) -> u64 {
    let row = ledger.rows.iter().find(|row| row.stage == stage);
    row.unwrap_or_else(|| panic!("no stage {stage}")).count
}

/// What a node has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stored {
    flows: u64,
    /// With those that tell of losses.
    rows: u64,
}

/// What each node has stored, if nothing is under way.
fn at_rest(fleet: &Fleet) -> Result<[Stored; 3], String> {
    let ledgers: [_; 3] = std::array::from_fn(|node| fleet.node_ledger(node));
    let closed = ledgers.iter().all(|ledger| ledger.closed);
    let stored = |ledger: GetLedgerResponse| {
        let flows = count(&ledger, "stored");
        Stored {
            flows,
            rows: flows + count(&ledger, "loss events"),
        }
    };
    closed
        .then(|| ledgers.map(stored))
        .ok_or("a ledger does not close".to_owned())
}

/// The life of a node's observer, and the place of its newest flow. There is one already, or it gets one now.
fn newest(fleet: &Fleet, node: usize) -> (u64, u64) {
    until(|| {
        let client = Client::start(&fleet.observer_socket(node), stored());
        assert_eq!(client.end(), Ok(()));
        let seen = client.seen();
        let name = Fleet::name(node);
        let found = seen.lives(&name).first().copied().and_then(|life| {
            let places = seen.places(&name, life)?;
            Some((life, *places.iter().max()?))
        });
        if found.is_none() {
            load::send(fleet, 1);
        }
        found.ok_or("nothing is stored".to_owned())
    })
}
