//! What a backend has to be: keys with values, changed by transactions, and watched.
//!
//! Everything else is built on these few operations, once for all backends. Keys are those of [`super::keys`], values
//! are JSON.

mod error;

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub(super) use error::BackendError;

use super::life::NodeLife;

/// A call that waits for the backend, for a bounded time.
pub(super) type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// Guards and writes that every backend takes in one transaction.
pub(super) const MAX_OPERATIONS: usize = 100;

/// How long a key stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// Until it is deleted.
    Permanent,
    /// For as long as this process keeps its node alive.
    Node,
    /// At least for this time, measured by the backend, whatever becomes of the clocks of nodes.
    Timer(Duration),
}

/// What has to hold for a transaction to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// There is no such key.
    Absent(String),
    /// There is no key that begins so.
    AbsentBelow(String),
    /// There is such a key.
    Present(String),
    /// The key has this value.
    Equals(String, Vec<u8>),
}

/// A change of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// Writes a key, whatever was there.
    Put {
        key: String,
        value: Vec<u8>,
        lifetime: Lifetime,
    },
    /// Deletes a key, if it is there.
    Delete(String),
}

impl Write {
    pub(super) fn put(key: String, value: Vec<u8>, lifetime: Lifetime) -> Self {
        Self::Put {
            key,
            value,
            lifetime,
        }
    }
}

/// All guards hold and all writes are done, or nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Transaction {
    pub(super) guards: Vec<Guard>,
    pub(super) writes: Vec<Write>,
    /// The keys to read at the same moment, if a guard does not hold.
    pub(super) otherwise_read: Vec<String>,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Whether all guards held, so that the writes are done.
    pub(super) done: bool,
    /// The revision at which that was so.
    pub(super) revision: u64,
    /// If not done: the values of the keys to read, in their order.
    pub(super) read: Vec<Option<Vec<u8>>>,
    /// How many keys were deleted.
    pub(super) deleted: u64,
}

/// A key as it stands in the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) key: String,
    pub(super) value: Vec<u8>,
    /// Whether this process keeps it alive.
    pub(super) own: bool,
}

/// One change that somebody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyChange {
    Put(Stored),
    Delete(String),
}

/// What a watcher is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// All keys there are at this revision. What is not among them is gone.
    All { revision: u64, keys: Vec<Stored> },
    /// What has changed up to this revision, in order.
    Changes {
        revision: u64,
        changes: Vec<KeyChange>,
    },
}

/// An open connection, for changes.
pub(super) trait Store: Send + Sync + fmt::Debug {
    /// Carries a transaction out; at most [`MAX_OPERATIONS`] guards and as many writes.
    fn transact(&self, transaction: Transaction) -> Call<'_, Outcome>;

    /// To be called every third part of a lease: keeps the node alive.
    fn tick(&self) -> Call<'_, ()>;

    /// What keeps each node, by `cluster/node`, as far as this process may know it.
    fn lives(&self) -> Call<'_, BTreeMap<String, NodeLife>>;
}

/// What changes, in order. It may be dropped while it waits, and asked again.
pub(super) trait Feed: Send {
    /// The next event.
    fn next(&mut self) -> Call<'_, Event>;
}

/// One connection to the backend, from its beginning to its first error.
pub(super) struct Session {
    pub(super) store: Arc<dyn Store>,
    pub(super) feed: Box<dyn Feed>,
    /// Whether keys that this process kept alive in the session before are still kept.
    pub(super) keeps_own: bool,
}

/// A backend: it opens sessions.
pub(super) trait Backend: Send + Sync + fmt::Debug {
    /// Opens one. Its feed goes on after the revision `known`, or begins with [`Event::All`].
    fn connect(&mut self, known: Option<u64>) -> Call<'_, Session>;

    /// The backend's own name of the cluster, if it knows one by now.
    fn cluster_id(&self) -> Option<String>;
}
