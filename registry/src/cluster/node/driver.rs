//! The task behind a registry: one session after the other, with pauses that grow while the backend is away.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::kept::Kept;
use super::super::store::{Backend, BackendError};
use super::session::jittered;
use super::{NodeRegistry, lock};

/// The first pause after a session has ended, and the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A session that was open for so long was a good one: the next pause is short.
const GOOD_SESSION: Duration = Duration::from_secs(5);

/// How long the last known state waits before it is written down, so that many changes are written once.
const BEFORE_KEEPING: Duration = Duration::from_secs(5);

/// Keeps a registry current. Nothing of it happens while this does not run.
#[derive(Debug)]
pub struct Driver {
    registry: Arc<NodeRegistry>,
    backend: Box<dyn Backend>,
    broken: mpsc::Receiver<BackendError>,
    kept: Option<Kept>,
}

impl Driver {
    pub(in super::super) fn new(
        registry: Arc<NodeRegistry>,
        backend: Box<dyn Backend>,
        broken: mpsc::Receiver<BackendError>,
        kept: Option<Kept>,
    ) -> Self {
        Self {
            registry,
            backend,
            broken,
            kept,
        }
    }

    /// Runs until `cancel`. The node stays in the registry for the time of its lease.
    pub async fn run(self, cancel: CancellationToken) {
        let Self {
            registry,
            backend,
            broken,
            kept,
        } = self;
        let lost = Notify::new();
        tokio::select! {
            () = sessions(&registry, backend, broken, kept.as_ref(), &lost) => {}
            () = keep_states(&registry, kept.as_ref(), &lost) => {}
            () = cancel.cancelled() => {}
        }
        registry.store.send_replace(None);
        if let Some(kept) = &kept {
            let state = registry.state.borrow().clone();
            kept.write(state).await;
        }
    }
}

/// For ever.
async fn sessions(
    registry: &NodeRegistry,
    mut backend: Box<dyn Backend>,
    mut broken: mpsc::Receiver<BackendError>,
    kept: Option<&Kept>,
    lost: &Notify,
) {
    let mut pause = SHORTEST_PAUSE;
    // Up to where everything is known, once everything was told.
    let mut known = None;
    loop {
        let error = match backend.connect(known).await {
            Ok(session) => {
                let id = backend.cluster_id();
                if let (Some(kept), Some(id)) = (kept, &id) {
                    kept.set_cluster_id(id.clone());
                }
                registry.tell_cluster_id(id);
                let began = Instant::now();
                let first = known.is_none();
                let (told, error) = registry.serve(session, &mut broken, first).await;
                if told {
                    known = Some(lock(&registry.mirror).state.revision);
                }
                if began.elapsed() >= GOOD_SESSION {
                    pause = SHORTEST_PAUSE;
                }
                error
            }
            Err(error) => error,
        };
        registry.lost(error);
        lost.notify_one();
        tokio::time::sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Writes the last known state down, some time after it has changed, and at once when the backend is lost: who starts
/// while it is away has nothing else.
async fn keep_states(registry: &NodeRegistry, kept: Option<&Kept>, lost: &Notify) {
    let Some(kept) = kept else {
        return std::future::pending().await;
    };
    let mut states = registry.state.subscribe();
    while states.changed().await.is_ok() {
        tokio::select! {
            () = tokio::time::sleep(BEFORE_KEEPING) => {}
            () = lost.notified() => {}
        }
        let state = states.borrow_and_update().clone();
        kept.write(state).await;
    }
}
