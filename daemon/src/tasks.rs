//! The tasks of a server: each has a name, shares one cancellation, and is joined at shutdown.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of one server. Clones share the same set.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    cancel: CancellationToken,
    running: Arc<Mutex<Running>>,
}

/// The tasks that have not ended, by the order in which they were spawned.
#[derive(Debug, Default)]
struct Running {
    spawned: u64,
    names: BTreeMap<u64, String>,
}

/// Takes the name off the list when the task ends, also by panic or by being dropped.
struct Entry {
    running: Arc<Mutex<Running>>,
    id: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.names.remove(&self.id);
    }
}

impl Tasks {
    /// An empty set with a cancellation of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The token that tells every task to end. A task selects on it or passes it on.
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Starts `future` as a task named `name`, for the current runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime, as [`tokio::spawn`] does.
    pub fn spawn<F>(&self, name: impl Into<String>, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let entry = self.enter(name.into());
        self.tracker.spawn(async move {
            let output = future.await;
            drop(entry);
            output
        })
    }

    /// Starts blocking `work` on the runtime's blocking threads, named and joined like a task.
    /// It must look at the cancellation itself: a thread cannot be dropped half-way.
    pub fn spawn_blocking<F, T>(&self, name: impl Into<String>, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let entry = self.enter(name.into());
        self.tracker.spawn_blocking(move || {
            let output = work();
            drop(entry);
            output
        })
    }

    /// Starts a task that the server cannot do without: when it ends, whatever the reason, the
    /// others are cancelled too, so that a server never runs on with a part missing.
    pub fn spawn_essential<F>(&self, name: impl Into<String>, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let name = name.into();
        let guard = EssentialGuard {
            name: name.clone(),
            cancel: self.cancel.clone(),
        };
        self.spawn(name, async move {
            let output = future.await;
            drop(guard);
            output
        })
    }

    /// The names of the tasks that have not ended, oldest first.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.names.values().cloned().collect()
    }

    /// Cancels every task and waits for all of them, at most `timeout`.
    ///
    /// # Errors
    /// The names of the tasks that did not end in time; each is logged.
    pub async fn shutdown(&self, timeout: Duration) -> Result<(), StillRunning> {
        self.cancel.cancel();
        self.tracker.close();
        if tokio::time::timeout(timeout, self.tracker.wait())
            .await
            .is_ok()
        {
            return Ok(());
        }
        let names = self.running();
        for name in &names {
            tracing::warn!(task = %name, ?timeout, "task did not end in time");
        }
        Err(StillRunning { names, timeout })
    }

    fn enter(&self, name: String) -> Entry {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.spawned += 1;
        let id = running.spawned;
        running.names.insert(id, name);
        Entry {
            running: Arc::clone(&self.running),
            id,
        }
    }
}

/// Cancels on drop, so that a panic counts as an end as well.
struct EssentialGuard {
    name: String,
    cancel: CancellationToken,
}

impl Drop for EssentialGuard {
    fn drop(&mut self) {
        if !self.cancel.is_cancelled() {
            tracing::error!(task = %self.name, "a task the server needs has ended; stopping");
            self.cancel.cancel();
        }
    }
}

/// Tasks that outlived a shutdown.
#[derive(Debug, thiserror::Error)]
#[error("still running after {timeout:?}: {}", names.join(", "))]
pub struct StillRunning {
    /// Their names, oldest first.
    pub names: Vec<String>,
    /// How long the shutdown waited.
    pub timeout: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn shutdown_cancels_and_joins() {
        let tasks = Tasks::new();
        let cancel = tasks.cancellation();
        let waits = tasks.spawn("waits", async move {
            cancel.cancelled().await;
            7
        });
        assert_eq!(tasks.running(), ["waits"]);
        tasks.shutdown(LONG).await.unwrap();
        assert_eq!(waits.await.unwrap(), 7);
        assert!(tasks.running().is_empty());
    }

    #[tokio::test]
    async fn shutdown_names_what_does_not_end() {
        let tasks = Tasks::new();
        tasks.spawn("ends", async {});
        let stuck = tasks.spawn("stuck", std::future::pending::<()>());
        let error = tasks.shutdown(Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error.names, ["stuck"]);
        stuck.abort();
        tasks.shutdown(LONG).await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_leaves_the_list_and_an_essential_end_cancels_all() {
        let tasks = Tasks::new();
        let ordinary = tasks.spawn("ordinary", async { panic!("wanted") });
        assert!(ordinary.await.is_err());
        assert!(!tasks.cancellation().is_cancelled());
        let essential = tasks.spawn_essential("essential", async { panic!("wanted") });
        assert!(essential.await.is_err());
        assert!(tasks.cancellation().is_cancelled());
        tasks.shutdown(LONG).await.unwrap();
        assert!(tasks.running().is_empty());
    }

    #[tokio::test]
    async fn blocking_work_is_joined() {
        let tasks = Tasks::new();
        let cancel = tasks.cancellation();
        let work = tasks.spawn_blocking("work", move || {
            while !cancel.is_cancelled() {
                std::thread::yield_now();
            }
            "done"
        });
        tasks.shutdown(LONG).await.unwrap();
        assert_eq!(work.await.unwrap(), "done");
    }
}
