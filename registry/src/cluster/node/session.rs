//! One session: follow what changes, keep the node alive, publish, sweep, until one of them breaks.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::super::store::{BackendError, Feed, Session, Store};
use super::{NodeRegistry, lock};

/// States are published at most once in this time: many changes make one state.
const BETWEEN_STATES: Duration = Duration::from_millis(10);

/// The same where much changes in a large state.
const BETWEEN_LARGE_STATES: Duration = Duration::from_millis(100);

/// The first change after a state was published copies the maps that it touches. That may take this part of the time.
const PART_FOR_COPIES: u32 = 50;

/// The longest time between two signs of life, whatever the lease: packets that vanish end no connection.
const BETWEEN_SIGNS: Duration = Duration::from_secs(5);

impl NodeRegistry {
    /// Runs a session to its end. Says whether it told this process everything, and why it ended.
    pub(super) async fn serve(
        &self,
        session: Session,
        broken: &mut mpsc::Receiver<BackendError>,
        first: bool,
    ) -> (bool, BackendError) {
        let Session {
            store,
            mut feed,
            keeps_own,
        } = session;
        if !keeps_own {
            lock(&self.mirror).disown();
            lock(&self.desired).forget_written(None);
        }
        // Errors of calls in earlier sessions.
        while broken.try_recv().is_ok() {}
        if first {
            // Nothing is current before everything was told once.
            let began = match feed.next().await {
                Ok(event) => event,
                Err(error) => return (false, error),
            };
            lock(&self.mirror).apply(began);
            self.publish_state();
        }
        self.store.send_replace(Some(Arc::clone(&store)));
        self.connected();
        let ended = tokio::select! {
            ended = self.follow(&mut *feed) => ended,
            ended = self.keep_alive(&store) => ended,
            ended = self.keep_published(&store) => ended,
            ended = self.keep_sweeping(&store) => ended,
            Some(error) = broken.recv() => Err(error),
        };
        self.store.send_replace(None);
        let Err(error) = ended;
        (true, error)
    }

    /// Takes events as they come.
    async fn follow(&self, feed: &mut dyn Feed) -> Result<Infallible, BackendError> {
        let mut next = Instant::now();
        let mut pause = BETWEEN_STATES;
        let mut news = false;
        loop {
            tokio::select! {
                event = feed.next() => {
                    let event = event?;
                    let begin = Instant::now();
                    if lock(&self.mirror).apply(event) {
                        self.publish.notify_one();
                    }
                    if !news {
                        let copies = begin.elapsed() * PART_FOR_COPIES;
                        pause = copies.clamp(BETWEEN_STATES, BETWEEN_LARGE_STATES);
                    }
                    news = true;
                }
                () = sleep_until(next), if news => {}
            }
            if news && Instant::now() >= next {
                self.publish_state();
                next = Instant::now() + pause;
                news = false;
            }
        }
    }

    fn publish_state(&self) {
        let state = lock(&self.mirror).state.clone();
        self.state.send_replace(Arc::new(state));
        self.tell_known();
    }

    /// Three times in each lease, and often enough that a backend that vanished is missed soon.
    async fn keep_alive(&self, store: &Arc<dyn Store>) -> Result<Infallible, BackendError> {
        loop {
            store.tick().await?;
            self.heard();
            tokio::time::sleep((self.settings.lease / 3).min(BETWEEN_SIGNS)).await;
        }
    }
}

/// A time up to a quarter shorter or longer, so that nodes do not do the same at the same moment.
pub(super) fn jittered(time: Duration) -> Duration {
    // A new hasher has random keys.
    let random = RandomState::new().hash_one(0_u8) % 1024;
    let half = time / 2;
    let part = half * random as u32 / 1024;
    time - half / 2 + part
}
