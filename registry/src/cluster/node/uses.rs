//! Which identities this node uses: marks that live as long as it does, and that keep the numbers from being freed.

use std::sync::Arc;

use policy::{Identity, LabelSet};

use super::super::error::RegistryError;
use super::super::keys;
use super::super::model::IdentityEntry;
use super::super::registry::Verified;
use super::super::store::{BackendError, Lifetime, MAX_OPERATIONS, Store, Transaction, Write};
use super::allocate::{Tried, pair};
use super::{NodeRegistry, Patience, lock};

/// What stands under a use.
const USE: &[u8] = b"{}";

impl NodeRegistry {
    /// What is written when this node begins to use a number: it does not rest any more.
    pub(super) fn use_writes(&self, identity: Identity) -> Vec<Write> {
        let Some(node) = &self.node else {
            return Vec::new();
        };
        vec![
            Write::put(keys::use_by(identity, node), USE.to_vec(), Lifetime::Node),
            Write::Delete(keys::resting(identity)),
        ]
    }

    /// Whether this node is known to use the number: then it cannot be freed, and needs no question.
    pub(super) fn is_in_use(&self, identity: Identity) -> bool {
        let Some(node) = self.node.as_ref().filter(|_| self.store.borrow().is_some()) else {
            return false;
        };
        let mirror = lock(&self.mirror);
        let desired = lock(&self.desired);
        desired.in_use.contains_key(&identity)
            && desired
                .standing(&mirror, &keys::use_by(identity, node))
                .is_some()
    }

    /// See [`super::Registry::verify`].
    pub(super) async fn verify_number(
        &self,
        identity: Identity,
        labels: &LabelSet,
    ) -> Result<Verified, RegistryError> {
        self.node("use identities")?;
        let patience = self.patience();
        let _uses = self.uses.read().await;
        let mut tried = self.take(identity, labels, patience).await?;
        if matches!(tried, Tried::No) && self.settings.identities.contains(&identity.0) {
            tried = self.create(identity, labels, patience).await?;
        }
        match tried {
            Tried::Done => {
                lock(&self.desired).uses(identity, labels);
                self.tell_distrusted();
                Ok(Verified::Confirmed)
            }
            Tried::Has(other) => self.differs(identity, Some(other), patience).await,
            Tried::No => self.differs(identity, None, patience).await,
        }
    }

    async fn differs(
        &self,
        identity: Identity,
        identity_of_labels: Option<Identity>,
        patience: Patience,
    ) -> Result<Verified, RegistryError> {
        let value = self.read(keys::identity(identity), patience).await?;
        let entry: Option<IdentityEntry> =
            value.and_then(|value| serde_json::from_slice(&value).ok());
        Ok(Verified::Differs {
            identity_of_labels,
            labels_of_identity: entry.map(|entry| entry.labels),
        })
    }

    /// Marks every number that this node uses and that is not marked, if it still stands for its labels. What does
    /// not is distrusted from now on. So it is after each time in which the node was away.
    pub(super) async fn verify_uses(&self, store: &Arc<dyn Store>) -> Result<(), BackendError> {
        let _uses = self.uses.read().await;
        let unmarked = self.unmarked_uses();
        for some in unmarked.chunks(MAX_OPERATIONS / 2) {
            let transaction = Transaction {
                guards: some
                    .iter()
                    .flat_map(|(identity, labels)| pair(*identity, labels))
                    .collect(),
                writes: some
                    .iter()
                    .flat_map(|(identity, _)| self.use_writes(*identity))
                    .collect(),
                otherwise_read: Vec::new(),
            };
            let outcome = store.transact(transaction.clone()).await?;
            if outcome.done {
                self.wrote(&transaction.writes, outcome.revision);
                continue;
            }
            for (identity, labels) in some {
                self.verify_use(store, *identity, labels).await?;
            }
        }
        self.tell_distrusted();
        Ok(())
    }

    /// One of them. If neither the number nor the labels are known any more, they are written anew.
    async fn verify_use(
        &self,
        store: &Arc<dyn Store>,
        identity: Identity,
        labels: &LabelSet,
    ) -> Result<(), BackendError> {
        let again = Transaction {
            guards: pair(identity, labels).to_vec(),
            writes: self.use_writes(identity),
            otherwise_read: Vec::new(),
        };
        let anew = self.creation(identity, labels);
        for transaction in [again, anew] {
            let outcome = store.transact(transaction.clone()).await?;
            if outcome.done {
                self.wrote(&transaction.writes, outcome.revision);
                return Ok(());
            }
        }
        tracing::error!(
            identity = identity.0,
            %labels,
            "the identity stands for other labels by now: it was freed while this node was away"
        );
        lock(&self.desired).distrust(identity, labels.clone());
        Ok(())
    }

    fn unmarked_uses(&self) -> Vec<(Identity, LabelSet)> {
        let Some(node) = &self.node else {
            return Vec::new();
        };
        let mirror = lock(&self.mirror);
        let desired = lock(&self.desired);
        let unmarked = desired.in_use.iter().filter(|(identity, _)| {
            desired
                .standing(&mirror, &keys::use_by(**identity, node))
                .is_none()
        });
        unmarked
            .map(|(identity, labels)| (*identity, labels.clone()))
            .collect()
    }

    /// Takes back the marks of numbers that this node does not use any more; with `earlier` also those that an earlier
    /// process of this node has left.
    pub(super) async fn drop_uses(
        &self,
        store: &Arc<dyn Store>,
        earlier: bool,
    ) -> Result<(), BackendError> {
        let _uses = self.uses.write().await;
        let unused: Vec<Write> = {
            let mirror = lock(&self.mirror);
            let desired = lock(&self.desired);
            let unused = desired.own_keys(&mirror).filter(|key| {
                let Some(keys::Key::Use(identity, _)) = keys::parse(key) else {
                    return false;
                };
                let stands = match earlier {
                    true => desired.stands(&mirror, key),
                    false => desired.standing(&mirror, key).is_some(),
                };
                stands && !desired.in_use.contains_key(&identity)
            });
            unused.cloned().map(Write::Delete).collect()
        };
        for some in unused.chunks(MAX_OPERATIONS) {
            let outcome = store
                .transact(Transaction {
                    writes: some.to_vec(),
                    ..Transaction::default()
                })
                .await?;
            self.wrote(some, outcome.revision);
        }
        Ok(())
    }

    /// Notes what was written under keys of this node.
    pub(super) fn wrote(&self, writes: &[Write], revision: u64) {
        let mut desired = lock(&self.desired);
        for write in writes {
            match write {
                Write::Put {
                    key,
                    value,
                    lifetime: Lifetime::Node,
                } => desired.wrote(key.clone(), Some(value.as_slice().into()), revision),
                Write::Put { .. } => {}
                Write::Delete(key) => desired.wrote(key.clone(), None, revision),
            }
        }
    }
}
