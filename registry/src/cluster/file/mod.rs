//! The registry of one machine: a directory that its observers share, with nothing to install.
//!
//! `entries` is a log of transactions, one line of JSON each. Whoever writes holds the lock of the file `lock`, reads
//! what others have written since, and appends its own line with one write: a line without its end, which `kill -9`
//! leaves, is no transaction, is read by nobody, and is cut off by the next writer. Readers need no lock. A node holds
//! the lock of its file in `nodes` for as long as its process lives.

mod boot;
mod entries;
mod line;
mod node_lock;
mod replica;
mod wake;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::life::NodeLife;
use super::store::{
    Backend, BackendError, Call, Event, Feed, Outcome, Session, Store, Transaction,
};
use boot::Boot;
use line::Owner;
use node_lock::NodeLock;
use replica::Replica;
use wake::Wake;

/// The backend.
#[derive(Debug)]
pub(super) struct FileBackend {
    files: Arc<Files>,
}

/// What calls and the feed share. All of it is used on blocking threads.
#[derive(Debug)]
struct Files {
    directory: PathBuf,
    /// Whether the directory is made if it is not there.
    create: bool,
    /// This process's node.
    owner: Option<Owner>,
    lease: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    replica: Replica,
    node_lock: Option<NodeLock>,
    /// Since when the process of a node is known to have died.
    dead_since: HashMap<String, Instant>,
}

impl FileBackend {
    pub(super) fn new(
        directory: PathBuf,
        node: Option<&str>,
        create: bool,
        lease: Duration,
    ) -> Self {
        let owner = node.map(Owner::new);
        let replica = Replica::new(&directory, owner.clone(), Boot::read());
        Self {
            files: Arc::new(Files {
                directory,
                create,
                owner,
                lease,
                inner: Mutex::new(Inner {
                    replica,
                    node_lock: None,
                    dead_since: HashMap::new(),
                }),
            }),
        }
    }
}

impl Backend for FileBackend {
    fn connect(&mut self, known: Option<u64>) -> Call<'_, Session> {
        let files = Arc::clone(&self.files);
        Box::pin(async move {
            let wake_directory = files.directory.clone();
            let keeps_own = files.work(move |files| files.open(known)).await?;
            let wake = Wake::new(&wake_directory);
            let feed = FileFeed {
                files: Arc::clone(&files),
                wake,
                look: None,
            };
            Ok(Session {
                store: Arc::new(FileStore { files }),
                feed: Box::new(feed),
                keeps_own,
            })
        })
    }

    fn cluster_id(&self) -> Option<String> {
        self.files.inner().replica.id()
    }
}

impl Files {
    /// Begins `step` on a blocking thread.
    fn begin<T: Send + 'static>(
        self: &Arc<Self>,
        step: impl FnOnce(&Self) -> Result<T, BackendError> + Send + 'static,
    ) -> JoinHandle<Result<T, BackendError>> {
        let files = Arc::clone(self);
        spawn_blocking(move || step(&files))
    }

    /// Does `step` on a blocking thread.
    async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        step: impl FnOnce(&Self) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        self.ended(self.begin(step).await)
    }

    /// What a step gave. A panic in it goes on here.
    fn ended<T>(
        &self,
        step: Result<Result<T, BackendError>, JoinError>,
    ) -> Result<T, BackendError> {
        step.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(ending) => {
                let source = std::io::Error::other(ending);
                Err(BackendError::io("finish a step with", &self.directory)(
                    source,
                ))
            }
        })
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes what is missing, takes the node's lock, and reads everything. Says whether the files are those of the
    /// session before.
    fn open(&self, known: Option<u64>) -> Result<bool, BackendError> {
        if self.create {
            let nodes = node_lock::directory(&self.directory);
            fs::create_dir_all(&nodes).map_err(BackendError::io("make the directory", &nodes))?;
        }
        let mut inner = self.inner();
        let inner = &mut *inner;
        let mut same = true;
        if self.create {
            let _lock = entries::lock(&self.directory)?;
            inner.replica.create_if_missing(known.unwrap_or(0))?;
            if let Some(owner) = &self.owner
                && !inner.node_lock.as_ref().is_some_and(NodeLock::is_in_place)
            {
                inner.node_lock = None;
                inner.node_lock = Some(NodeLock::take(&self.directory, &owner.node)?);
                same = false;
            }
        }
        let same_file = inner.replica.catch_up()?;
        if known.is_none() {
            inner.replica.begin_anew();
        }
        Ok(same && same_file)
    }

    /// Reads what others have written. Another registry in this one's place ends the session.
    fn catch_up(&self, replica: &mut Replica) -> Result<(), BackendError> {
        if replica.catch_up()? {
            return Ok(());
        }
        Err(BackendError::Moved {
            path: self.directory.clone(),
        })
    }

    fn transact(&self, transaction: &Transaction) -> Result<Outcome, BackendError> {
        let mut inner = self.inner();
        let _lock = entries::lock(&self.directory)?;
        self.catch_up(&mut inner.replica)?;
        inner.replica.drop_expired()?;
        inner.replica.transact(transaction)
    }

    /// Removes what belongs to processes that have died a lease ago, and timers that have run out.
    fn sweep(&self) -> Result<(), BackendError> {
        let mut inner = self.inner();
        let inner = &mut *inner;
        if inner
            .node_lock
            .as_ref()
            .is_some_and(|lock| !lock.is_in_place())
        {
            return Err(BackendError::Moved {
                path: self.directory.clone(),
            });
        }
        let _lock = match entries::lock(&self.directory) {
            Ok(lock) => lock,
            // A reader that may not write leaves it to others.
            Err(error) if self.owner.is_none() && error.is_denied() => return Ok(()),
            Err(error) => return Err(error),
        };
        self.catch_up(&mut inner.replica)?;
        inner.replica.drop_expired()?;
        let now = Instant::now();
        let owners = inner.replica.owners();
        inner.dead_since.retain(|node, _| owners.contains(node));
        for node in owners {
            if node_lock::is_held(&self.directory, &node)? {
                inner.dead_since.remove(&node);
                continue;
            }
            let since = *inner.dead_since.entry(node.clone()).or_insert(now);
            if now.duration_since(since) >= self.lease {
                tracing::info!(%node, "the node is gone: its process has died");
                inner.replica.drop_node(&node)?;
                inner.dead_since.remove(&node);
            }
        }
        Ok(())
    }

    /// Which nodes have a process; nothing of it without the right to write, as looking takes the lock.
    fn lives(&self) -> Result<BTreeMap<String, NodeLife>, BackendError> {
        let inner = self.inner();
        let _lock = match entries::lock(&self.directory) {
            Ok(lock) => lock,
            Err(error) if error.is_denied() => return Ok(BTreeMap::new()),
            Err(error) => return Err(error),
        };
        let this = self.owner.as_ref().map(|owner| owner.node.clone());
        let nodes = inner.replica.owners().into_iter().chain(this);
        nodes
            .map(|node| {
                let lives = node_lock::is_held(&self.directory, &node)?;
                Ok((node, NodeLife::Process { lives }))
            })
            .collect()
    }
}

/// Changes of one session.
#[derive(Debug)]
struct FileStore {
    files: Arc<Files>,
}

impl Store for FileStore {
    fn transact(&self, transaction: Transaction) -> Call<'_, Outcome> {
        Box::pin(self.files.work(move |files| files.transact(&transaction)))
    }

    fn tick(&self) -> Call<'_, ()> {
        Box::pin(self.files.work(Files::sweep))
    }

    fn lives(&self) -> Call<'_, BTreeMap<String, NodeLife>> {
        Box::pin(self.files.work(Files::lives))
    }
}

/// What changes, as lines come.
struct FileFeed {
    files: Arc<Files>,
    wake: Wake,
    /// A look that has begun. It outlives a call that nobody waits for any more, so that what it gives is not lost.
    look: Option<JoinHandle<Result<Option<Event>, BackendError>>>,
}

impl Feed for FileFeed {
    fn next(&mut self) -> Call<'_, Event> {
        Box::pin(async move {
            loop {
                let begin = || {
                    self.files.begin(|files| {
                        let mut inner = files.inner();
                        files.catch_up(&mut inner.replica)?;
                        Ok(inner.replica.next_event())
                    })
                };
                let event = self.look.get_or_insert_with(begin).await;
                self.look = None;
                if let Some(event) = self.files.ended(event)? {
                    return Ok(event);
                }
                self.wake.changed().await;
            }
        })
    }
}

#[cfg(test)]
mod tests;
