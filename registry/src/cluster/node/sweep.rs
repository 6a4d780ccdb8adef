//! Freeing numbers that nobody uses: they rest, with their labels, and are given again after that.
//!
//! One node at a time does it for all. How long a number has rested is measured by a timer of the backend, not by the
//! clocks of nodes, and each step is a transaction that looks for uses once more: a number that somebody takes up in
//! between stays.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use policy::Identity;
use serde::{Deserialize, Serialize};

use super::super::keys;
use super::super::store::{BackendError, Guard, Lifetime, Store, Transaction, Write};
use super::desired::encode;
use super::session::jittered;
use super::{NodeRegistry, lock};

/// Numbers that begin or end their rest in one look.
const MAX_NUMBERS: usize = 1000;

/// Time between two looks, at most and at least.
const SLOWEST: Duration = Duration::from_secs(60);
const FASTEST: Duration = Duration::from_millis(250);

/// What stands of a number that nobody uses.
#[derive(Debug, Serialize, Deserialize)]
struct Resting {
    /// For those who read it; the timer decides.
    since_unix_s: u64,
    timer: String,
}

impl NodeRegistry {
    /// Looks from time to time, until the session breaks.
    pub(super) async fn keep_sweeping(
        &self,
        store: &Arc<dyn Store>,
    ) -> Result<std::convert::Infallible, BackendError> {
        let Some(node) = &self.node else {
            return std::future::pending().await;
        };
        let interval = (self.settings.rest / 8).clamp(FASTEST, SLOWEST);
        loop {
            tokio::time::sleep(jittered(interval)).await;
            if self.is_sweeper(store, node).await? {
                self.begin_rests(store, node).await?;
                self.end_rests(store).await?;
            }
        }
    }

    /// Whether it is this node that frees numbers. It is for as long as it lives.
    async fn is_sweeper(
        &self,
        store: &Arc<dyn Store>,
        node: &Arc<str>,
    ) -> Result<bool, BackendError> {
        let this = encode(node.as_ref());
        let sweeper = lock(&self.mirror).sweeper.clone();
        if let Some(sweeper) = sweeper {
            return Ok(sweeper == this);
        }
        let outcome = store
            .transact(Transaction {
                guards: vec![Guard::Absent(keys::SWEEPER.to_owned())],
                writes: vec![Write::put(keys::SWEEPER.to_owned(), this, Lifetime::Node)],
                otherwise_read: Vec::new(),
            })
            .await?;
        Ok(outcome.done)
    }

    async fn begin_rests(
        &self,
        store: &Arc<dyn Store>,
        node: &Arc<str>,
    ) -> Result<(), BackendError> {
        let idle: Vec<Identity> = {
            let mirror = lock(&self.mirror);
            let idle = mirror.state.identities.keys().filter(|identity| {
                !mirror.state.users.contains_key(identity) && !mirror.resting.contains_key(identity)
            });
            idle.copied().take(MAX_NUMBERS).collect()
        };
        if idle.is_empty() {
            return Ok(());
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        // One timer for all that are found idle together.
        let resting = Resting {
            since_unix_s: now.as_secs(),
            timer: format!("{}.{}", now.as_nanos(), node.replace('/', ".")),
        };
        let value = encode(&resting);
        let timer = keys::timer(&resting.timer);
        let lifetime = Lifetime::Timer(self.settings.rest);
        store
            .transact(Transaction {
                writes: vec![Write::put(timer, b"{}".to_vec(), lifetime)],
                ..Transaction::default()
            })
            .await?;
        for identity in idle {
            let key = keys::resting(identity);
            store
                .transact(Transaction {
                    guards: vec![
                        Guard::Present(keys::identity(identity)),
                        Guard::AbsentBelow(keys::uses(identity)),
                        Guard::Absent(key.clone()),
                    ],
                    writes: vec![Write::put(key, value.clone(), Lifetime::Permanent)],
                    otherwise_read: Vec::new(),
                })
                .await?;
        }
        Ok(())
    }

    async fn end_rests(&self, store: &Arc<dyn Store>) -> Result<(), BackendError> {
        for transaction in self.rested() {
            store.transact(transaction).await?;
        }
        Ok(())
    }

    /// The transactions that free what has rested.
    fn rested(&self) -> Vec<Transaction> {
        let mirror = lock(&self.mirror);
        let mut transactions = Vec::new();
        for (identity, value) in &mirror.resting {
            // What cannot be read has no timer, and is free.
            let timer = serde_json::from_slice(value)
                .map_or_else(|_| String::new(), |resting: Resting| resting.timer);
            if mirror.timers.contains(&timer) {
                continue;
            }
            let resting = keys::resting(*identity);
            let mut guards = vec![
                Guard::AbsentBelow(keys::uses(*identity)),
                Guard::Equals(resting.clone(), value.clone()),
                Guard::Absent(keys::timer(&timer)),
            ];
            let mut writes = vec![Write::Delete(resting)];
            if let Some(entry) = mirror.state.identities.get(identity) {
                guards.extend(super::allocate::pair(*identity, &entry.labels));
                writes.push(Write::Delete(keys::identity(*identity)));
                writes.push(Write::Delete(keys::labels(&entry.labels)));
            }
            transactions.push(Transaction {
                guards,
                writes,
                otherwise_read: Vec::new(),
            });
            if transactions.len() == MAX_NUMBERS {
                break;
            }
        }
        transactions
    }
}
