//! The counts that all clients read, and when to look at them again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::counts::{DashboardCounts, locked};
use super::identities::IdentityLabels;

/// What one relay counts for pages.
#[derive(Debug)]
pub(crate) struct Dashboard {
    pub(crate) counts: Arc<Mutex<DashboardCounts>>,
    pub(crate) identities: Arc<IdentityLabels>,
    /// Changes four times a second.
    ticks: watch::Sender<u64>,
    /// The time of the oldest flow that each node holds.
    oldest: Mutex<BTreeMap<String, u64>>,
    /// How far behind each node's flows are.
    lags: Mutex<BTreeMap<String, u64>>,
}

impl Dashboard {
    pub(crate) fn new(epoch: u64, now_ms: u64) -> Arc<Self> {
        Arc::new(Self {
            counts: Arc::new(Mutex::new(DashboardCounts::new(epoch, now_ms))),
            identities: Arc::default(),
            ticks: watch::Sender::default(),
            oldest: Mutex::default(),
            lags: Mutex::default(),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, DashboardCounts> {
        locked(&self.counts)
    }

    /// Closes what is over, and wakes who follows.
    pub(crate) fn tick(&self, now_ms: u64) {
        self.lock().tick(now_ms);
        self.ticks.send_modify(|ticks| *ticks += 1);
    }

    pub(crate) fn ticks(&self) -> watch::Receiver<u64> {
        self.ticks.subscribe()
    }

    pub(crate) fn set_oldest(&self, oldest: BTreeMap<String, u64>) {
        *self.oldest.lock().unwrap_or_else(PoisonError::into_inner) = oldest;
    }

    /// When the oldest flow was seen that a node holds.
    pub(crate) fn oldest_ms(&self, node: &str) -> Option<u64> {
        let oldest = self.oldest.lock().unwrap_or_else(PoisonError::into_inner);
        oldest.get(node).copied()
    }

    pub(crate) fn set_lags<'a>(&self, lags: impl Iterator<Item = (&'a str, u64)>) {
        let mut known = self.lags.lock().unwrap_or_else(PoisonError::into_inner);
        known.clear();
        known.extend(lags.map(|(node, lag_ms)| (node.to_owned(), lag_ms)));
    }

    /// How far behind a node's flows are; none if it is not followed.
    pub(crate) fn lag_ms(&self, node: &str) -> Option<u64> {
        let lags = self.lags.lock().unwrap_or_else(PoisonError::into_inner);
        lags.get(node).copied()
    }
}
