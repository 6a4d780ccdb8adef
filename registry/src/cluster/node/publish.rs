//! Making the registry say of this node what this process wants it to say.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::error::RegistryError;
use super::super::keys;
use super::super::mirror::Mirror;
use super::super::store::{BackendError, Lifetime, MAX_OPERATIONS, Store, Transaction, Write};
use super::desired::{Desired, encode};
use super::{NodeRegistry, lock};

impl NodeRegistry {
    /// Publishes, whenever there is something to publish, until the session breaks.
    pub(super) async fn keep_published(
        &self,
        store: &Arc<dyn Store>,
    ) -> Result<std::convert::Infallible, BackendError> {
        loop {
            self.publish_all(store).await?;
            self.publish.notified().await;
        }
    }

    /// Verifies the identities first, so that no endpoint is published with one that is not trusted.
    async fn publish_all(&self, store: &Arc<dyn Store>) -> Result<(), BackendError> {
        if self.node.is_none() {
            return Ok(());
        }
        let _publishing = self.publishing.lock().await;
        let (has_node, complete, namesake) = {
            let mirror = lock(&self.mirror);
            let mut desired = lock(&self.desired);
            desired.forget_written(Some(mirror.state.revision));
            let namesake = newer_namesake(&desired, &mirror);
            (desired.node.is_some(), desired.complete, namesake)
        };
        if namesake.is_some() {
            self.tell_published(false, namesake);
            return Ok(());
        }
        self.verify_uses(store).await?;
        self.drop_uses(store, complete).await?;
        let writes = {
            let mirror = lock(&self.mirror);
            differences(&lock(&self.desired), &mirror)
        };
        for some in writes.chunks(MAX_OPERATIONS) {
            let outcome = store
                .transact(Transaction {
                    writes: some.to_vec(),
                    ..Transaction::default()
                })
                .await?;
            self.wrote(some, outcome.revision);
        }
        self.tell_published(has_node, None);
        Ok(())
    }

    /// See [`super::Registry::withdraw`].
    pub(super) async fn withdraw_now(&self) -> Result<(), RegistryError> {
        self.node("withdraw")?;
        let patience = self.patience();
        let _publishing = self.publishing.lock().await;
        let _uses = self.uses.write().await;
        let writes: Vec<Write> = {
            let mirror = lock(&self.mirror);
            let mut desired = lock(&self.desired);
            desired.withdraw();
            let own = desired.own_keys(&mirror);
            let own = own.filter(|key| desired.stands(&mirror, key));
            own.cloned().map(Write::Delete).collect()
        };
        for some in writes.chunks(MAX_OPERATIONS) {
            let transaction = Transaction {
                writes: some.to_vec(),
                ..Transaction::default()
            };
            let outcome = self.transact(&transaction, patience).await?;
            self.wrote(some, outcome.revision);
        }
        self.tell_published(false, None);
        Ok(())
    }
}

/// Another observer that publishes under this node's name and started after this one. Whoever started first, such as
/// the process before this one, is taken over.
fn newer_namesake(desired: &Desired, mirror: &Mirror) -> Option<RegistryError> {
    let this = desired.node.as_ref()?;
    let other = mirror.state.nodes.get(this.name.as_str())?;
    let is_newer = (other.started_ns, other.epoch) > (this.started_ns, this.epoch);
    is_newer.then(|| RegistryError::NameTaken {
        node: this.name.clone(),
        address: other.address.clone(),
    })
}

/// What has to be written. Nothing before this process has said what node it is; nothing of an earlier process is
/// deleted before it has said what endpoints there are.
fn differences(desired: &Desired, mirror: &Mirror) -> Vec<Write> {
    let mut wanted: BTreeMap<&str, Cow<'_, [u8]>> = BTreeMap::new();
    let node_key;
    if let Some(node) = &desired.node {
        node_key = keys::node(&node.name);
        wanted.insert(&node_key, encode(node).into());
        let trusted = desired
            .endpoints
            .iter()
            .filter(|(_, (identity, _))| !desired.distrusted.contains_key(identity));
        wanted.extend(trusted.map(|(key, (_, value))| (key.as_str(), (&**value).into())));
    }
    let missing = wanted
        .iter()
        .filter(|(key, value)| desired.standing(mirror, key) != Some(&***value))
        .map(|(key, value)| Write::put((*key).to_owned(), value.to_vec(), Lifetime::Node));
    let gone = desired.own_keys(mirror).filter(|key| {
        let of_uses = matches!(keys::parse(key), Some(keys::Key::Use(..)));
        !of_uses && !wanted.contains_key(key.as_str()) && desired.stands(mirror, key)
    });
    let gone = gone.filter(|_| desired.complete);
    missing.chain(gone.cloned().map(Write::Delete)).collect()
}
