//! The registry of one process, over whatever backend: what it wants, what it knows, and the calls between.

mod allocate;
mod desired;
mod driver;
mod entries;
mod health;
mod publish;
mod session;
mod sweep;
mod uses;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use policy::{Identity, LabelSet};
use tokio::sync::{Notify, RwLock, mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::error::RegistryError;
use super::health::{Contact, RegistryHealth};
use super::keys;
use super::life::NodeLife;
use super::mirror::Mirror;
use super::model::{EndpointEntry, NodeEntry, PolicyEntry, ServiceEntry, ServiceKey};
use super::registry::{Allocated, Pending, Registry, Verified};
use super::settings::RegistrySettings;
use super::state::ClusterState;
use super::store::{BackendError, Guard, Outcome, Store, Transaction};
use allocate::Block;
use desired::Desired;
pub use driver::Driver;

/// What a process has of the registry. Its [`Driver`] keeps it current.
pub(super) struct NodeRegistry {
    settings: RegistrySettings,
    /// `cluster/node`, if this process is a node.
    node: Option<Arc<str>>,
    /// The backend as displayed.
    backend: String,
    mirror: Mutex<Mirror>,
    desired: Mutex<Desired>,
    /// The open session's store; `None` while there is none.
    store: watch::Sender<Option<Arc<dyn Store>>>,
    state: watch::Sender<Arc<ClusterState>>,
    health: watch::Sender<Arc<RegistryHealth>>,
    /// Something is to be published.
    publish: Notify,
    /// Held while that is written, so that a withdrawal comes after it.
    publishing: tokio::sync::Mutex<()>,
    /// Tells the session that a call found it broken.
    broken: mpsc::Sender<BackendError>,
    /// Held for reading while a use of an identity is written, for writing while one is taken back.
    uses: RwLock<()>,
    /// Where the next new number is looked for.
    block: tokio::sync::Mutex<Block>,
}

/// How long a call waits.
#[derive(Clone, Copy, Debug)]
struct Patience {
    deadline: Instant,
    /// Whether it waits for a backend that is away.
    waits_for_return: bool,
}

impl fmt::Debug for NodeRegistry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "NodeRegistry({}, {:?})", self.backend, self.node)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind the locks is changed in single steps, so a panic elsewhere leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl NodeRegistry {
    /// With what an earlier process has kept. The receiver belongs to the driver.
    pub(super) fn new(
        settings: RegistrySettings,
        kept: ClusterState,
    ) -> (Self, mpsc::Receiver<BackendError>) {
        let (broken, receiver) = mpsc::channel(1);
        let node: Option<Arc<str>> = settings.node.as_deref().map(Into::into);
        let backend = settings.url.to_string();
        let first = *settings.identities.start();
        let registry = Self {
            state: watch::Sender::new(Arc::new(kept.clone())),
            mirror: Mutex::new(Mirror::new(node.clone(), kept)),
            desired: Mutex::new(Desired::default()),
            store: watch::Sender::new(None),
            health: watch::Sender::new(Arc::new(RegistryHealth::new(backend.clone()))),
            publish: Notify::new(),
            publishing: tokio::sync::Mutex::new(()),
            broken,
            uses: RwLock::new(()),
            block: tokio::sync::Mutex::new(Block::at(first)),
            settings,
            node,
            backend,
        };
        (registry, receiver)
    }

    /// The name of this node.
    fn node(&self, step: &'static str) -> Result<&Arc<str>, RegistryError> {
        let none = || BackendError::NoNode { step }.of(&self.backend);
        self.node.as_ref().ok_or_else(none)
    }

    /// How long a call waits that begins now.
    fn patience(&self) -> Patience {
        Patience {
            deadline: Instant::now() + self.settings.call_timeout,
            waits_for_return: true,
        }
    }

    /// Carries a transaction out, in the next session if the one at hand breaks, but not after `deadline`. A
    /// transaction must therefore do no harm if it is done twice.
    ///
    /// # Errors
    /// At the deadline; at once if the backend has been away for long, or the call is not patient.
    async fn transact(
        &self,
        transaction: &Transaction,
        patience: Patience,
    ) -> Result<Outcome, RegistryError> {
        let deadline = patience.deadline;
        loop {
            let store = self.open_store(patience).await?;
            let done = timeout_at(deadline, store.transact(transaction.clone())).await;
            let error = match done {
                Ok(Ok(outcome)) => return Ok(outcome),
                Ok(Err(error @ (BackendError::NoNode { .. } | BackendError::Refused(_)))) => {
                    return Err(error.of(&self.backend));
                }
                Ok(Err(error)) if error.is_denied() => return Err(error.of(&self.backend)),
                Ok(Err(error)) => error,
                Err(_) => return Err(self.timed_out("carry out a transaction")),
            };
            tracing::debug!(%error, "a call found the registry's session broken");
            self.give_up(&store, error);
        }
    }

    /// What stands under a key at this moment.
    async fn read(
        &self,
        key: String,
        patience: Patience,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        // A transaction that is never done, for what it reads.
        let transaction = Transaction {
            guards: vec![Guard::Absent(key.clone()), Guard::Present(key.clone())],
            writes: Vec::new(),
            otherwise_read: vec![key],
        };
        let outcome = self.transact(&transaction, patience).await?;
        Ok(outcome.read.into_iter().next().flatten())
    }

    /// What keeps each node, in the open session.
    async fn lives_of_nodes(&self) -> Result<BTreeMap<String, NodeLife>, RegistryError> {
        let patience = self.patience();
        let store = self.open_store(patience).await?;
        match timeout_at(patience.deadline, store.lives()).await {
            Ok(lives) => lives.map_err(|error| error.of(&self.backend)),
            Err(_) => Err(self.timed_out("say what keeps nodes")),
        }
    }

    /// Ends the session of this store, if it is still the open one.
    fn give_up(&self, store: &Arc<dyn Store>, error: BackendError) {
        let closed = self.store.send_if_modified(|open| {
            let same = open.as_ref().is_some_and(|open| Arc::ptr_eq(open, store));
            if same {
                *open = None;
            }
            same
        });
        if closed {
            // A full queue holds an error of the same session already.
            drop(self.broken.try_send(error));
        }
    }

    /// The open session's store, if one opens in time.
    async fn open_store(&self, patience: Patience) -> Result<Arc<dyn Store>, RegistryError> {
        let mut receiver = self.store.subscribe();
        if !self.is_worth_waiting(patience) && receiver.borrow().is_none() {
            return Err(self.away());
        }
        match timeout_at(patience.deadline, receiver.wait_for(Option::is_some)).await {
            Ok(Ok(store)) => store.clone().ok_or_else(|| self.away()),
            Ok(Err(_)) => Err(RegistryError::Closed {
                backend: self.backend.clone(),
            }),
            Err(_) => Err(self.away()),
        }
    }

    /// A backend that was lost a moment ago, such as an etcd that is restarted, may be back soon. One that has been
    /// away for longer than a call may take is not waited for by each call anew.
    fn is_worth_waiting(&self, patience: Patience) -> bool {
        match &self.health.borrow().contact {
            Contact::Starting | Contact::Connected { .. } => true,
            Contact::Refused { .. } => false,
            Contact::Away { since, .. } => {
                let away = since.elapsed().unwrap_or_default();
                patience.waits_for_return && away < self.settings.call_timeout
            }
        }
    }

    /// Why there is no session.
    fn away(&self) -> RegistryError {
        let health = self.health.borrow();
        match &health.contact {
            Contact::Away { error, .. } | Contact::Refused { error, .. } => (**error).clone(),
            Contact::Starting | Contact::Connected { .. } => match &health.last_error {
                Some(error) => (**error).clone(),
                None => self.timed_out("open a session"),
            },
        }
    }

    fn timed_out(&self, step: &'static str) -> RegistryError {
        let after = self.settings.call_timeout;
        let backend = self.backend.clone();
        BackendError::Timeout {
            step,
            backend,
            after,
        }
        .of(&self.backend)
    }
}

impl Registry for NodeRegistry {
    fn state(&self) -> watch::Receiver<Arc<ClusterState>> {
        self.state.subscribe()
    }

    fn health(&self) -> watch::Receiver<Arc<RegistryHealth>> {
        self.health.subscribe()
    }

    fn lives(&self) -> Pending<'_, BTreeMap<String, NodeLife>> {
        Box::pin(self.lives_of_nodes())
    }

    fn publish_node(&self, node: NodeEntry) {
        if self.node.as_deref() != Some(node.name.as_str()) {
            tracing::error!(node = %node.name, this = ?self.node, "not published: it is not this node");
            return;
        }
        lock(&self.desired).set_node(node);
        self.publish.notify_one();
    }

    fn publish_endpoints(&self, endpoints: Vec<Arc<EndpointEntry>>) {
        let Some(node) = &self.node else {
            tracing::error!("no endpoints are published: this process is no node");
            return;
        };
        lock(&self.desired).set_endpoints(node, &endpoints);
        self.publish.notify_one();
    }

    fn withdraw(&self) -> Pending<'_, ()> {
        Box::pin(self.withdraw_now())
    }

    fn allocate(&self, labels: &LabelSet) -> Pending<'_, Allocated> {
        let labels = labels.clone();
        Box::pin(async move { self.allocate_number(&labels).await })
    }

    fn verify(&self, identity: Identity, labels: &LabelSet) -> Pending<'_, Verified> {
        let labels = labels.clone();
        Box::pin(async move { self.verify_number(identity, &labels).await })
    }

    fn release(&self, identity: Identity) {
        lock(&self.desired).release(identity);
        self.tell_distrusted();
        self.publish.notify_one();
    }

    fn put_policy(&self, policy: PolicyEntry) -> Pending<'_, ()> {
        let key = keys::policy(&policy.name);
        let what = format!("the policy {:?}", policy.name);
        let parts = [policy.name.clone()];
        Box::pin(async move { self.put_entry(key, &policy, &what, &parts).await })
    }

    fn delete_policy(&self, name: &str) -> Pending<'_, bool> {
        let key = keys::policy(name);
        Box::pin(self.delete_entry(key))
    }

    fn put_service(&self, service: ServiceEntry) -> Pending<'_, ()> {
        let key = keys::service(&service.key());
        let what = format!("the service {:?}", service.name);
        let parts = [service.namespace.clone(), service.name.clone()];
        Box::pin(async move { self.put_entry(key, &service, &what, &parts).await })
    }

    fn delete_service(&self, namespace: &str, name: &str) -> Pending<'_, bool> {
        let key = keys::service(&ServiceKey {
            namespace: namespace.into(),
            name: name.into(),
        });
        Box::pin(self.delete_entry(key))
    }
}

/// Waits until the registry is reached for the first time.
///
/// # Errors
/// When it is not within `patience`: why not.
pub async fn first_contact(
    registry: &dyn Registry,
    patience: Duration,
) -> Result<(), Arc<RegistryError>> {
    let mut health = registry.health();
    let reached = health.wait_for(|health| {
        matches!(
            health.contact,
            Contact::Connected { .. } | Contact::Refused { .. }
        )
    });
    let outcome = tokio::time::timeout(patience, reached).await;
    drop(outcome);
    let health = registry.health();
    let health = health.borrow();
    match &health.contact {
        Contact::Connected { .. } => Ok(()),
        Contact::Refused { error, .. } | Contact::Away { error, .. } => Err(Arc::clone(error)),
        Contact::Starting => Err(Arc::new(
            BackendError::Timeout {
                step: "open a session",
                backend: health.backend.clone(),
                after: patience,
            }
            .of(&health.backend),
        )),
    }
}
