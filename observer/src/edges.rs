//! The newest reading of what edges have counted, shared by all who follow.

use std::sync::Arc;

use flow::edges::EdgeReading;
use tokio::sync::watch;

/// Where readings are published. The control thread makes them, each second while somebody follows.
#[derive(Debug)]
pub struct EdgeBoard {
    newest: watch::Sender<Option<Arc<EdgeReading>>>,
}

impl Default for EdgeBoard {
    fn default() -> Self {
        Self {
            newest: watch::Sender::new(None),
        }
    }
}

impl EdgeBoard {
    /// Puts a reading in place of the one before.
    pub fn publish(&self, reading: EdgeReading) -> Arc<EdgeReading> {
        let reading = Arc::new(reading);
        self.newest.send_replace(Some(Arc::clone(&reading)));
        reading
    }

    /// The newest reading; none before the first.
    #[must_use]
    pub fn newest(&self) -> Option<Arc<EdgeReading>> {
        self.newest.borrow().clone()
    }

    /// Whether somebody wants the next one.
    pub(crate) fn is_followed(&self) -> bool {
        self.newest.receiver_count() > 0
    }

    /// Readings from now on, for one follower. A slow one misses readings, and no counts.
    pub(crate) fn follow(&self) -> watch::Receiver<Option<Arc<EdgeReading>>> {
        self.newest.subscribe()
    }
}
