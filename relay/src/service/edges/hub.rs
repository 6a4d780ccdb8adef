//! One set of totals for all clients that want them merged, kept up while there are any.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use daemon::tasks::Tasks;
use flow::edges::asked::SHORTEST_INTERVAL;
use flow::edges::{EdgeMerge, MergedReading};
use http::HeaderMap;
use proto::relay::{NodeState, NodeStatusEvent};
use proto::tycho::v1::EdgesPart;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Owners, opener};
use crate::service::answers::Relay;
use crate::service::sources::{News, Sources};
use crate::upstream::RelayPath;

/// Looks without any client, after which the nodes are not asked any more.
const IDLE_LOOKS: u32 = 10;

/// What is known at one moment.
#[derive(Debug, Default)]
pub(super) struct HubView {
    /// The totals.
    pub(super) reading: Arc<MergedReading>,
    /// How each node stands, and why it is not connected.
    pub(super) nodes: BTreeMap<String, (NodeState, String)>,
    /// Every node that can be asked has told its totals.
    pub(super) complete: bool,
}

/// Where the totals are published.
#[derive(Debug)]
pub(crate) struct EdgeHub {
    newest: watch::Sender<Arc<HubView>>,
    /// Whether somebody works on it.
    works: Mutex<bool>,
    tasks: Tasks,
}

impl EdgeHub {
    pub(crate) fn new(tasks: Tasks) -> Arc<Self> {
        Arc::new(Self {
            newest: watch::Sender::default(),
            works: Mutex::new(false),
            tasks,
        })
    }

    /// The totals from now on, for one client.
    pub(super) fn follow(self: &Arc<Self>, relay: &Relay) -> watch::Receiver<Arc<HubView>> {
        let mut works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = self.newest.subscribe();
        if !*works {
            *works = true;
            self.newest.send_replace(Arc::default());
            let worker = Worker::new(Arc::clone(self), relay);
            let cancel = self.tasks.cancellation();
            self.tasks.spawn("edge totals", worker.run(cancel));
        }
        receiver
    }

    /// Whether nobody wants the totals any more; then nobody works on them.
    fn is_left(&self) -> bool {
        let mut works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        if self.newest.receiver_count() > 0 {
            return false;
        }
        *works = false;
        self.newest.send_replace(Arc::default());
        true
    }
}

/// Whoever keeps the totals.
struct Worker {
    hub: Arc<EdgeHub>,
    sources: Sources<EdgesPart>,
    owners: Owners,
    merge: EdgeMerge,
    nodes: BTreeMap<String, (NodeState, String)>,
    /// Peers that have told a whole reading.
    heard: BTreeSet<String>,
}

impl Worker {
    fn new(hub: Arc<EdgeHub>, relay: &Relay) -> Self {
        let path = RelayPath::of(&HeaderMap::new(), relay.epoch).unwrap_or_default();
        Self {
            hub,
            sources: Sources::new(relay, true, opener(path, Some(SHORTEST_INTERVAL))),
            owners: Owners::default(),
            merge: EdgeMerge::new(),
            nodes: BTreeMap::new(),
            heard: BTreeSet::new(),
        }
    }

    async fn run(mut self, cancel: CancellationToken) {
        let mut looks = interval(SHORTEST_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut idle = 0;
        let mut was_complete = false;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = looks.tick() => {
                    idle = if self.hub.newest.receiver_count() > 0 { 0 } else { idle + 1 };
                    if idle > IDLE_LOOKS && self.hub.is_left() {
                        return;
                    }
                    self.publish();
                }
                news = self.sources.next() => {
                    let Some(news) = news else { return };
                    self.take(news);
                    // Whoever waits for the first totals gets them at once.
                    if !was_complete && self.is_complete() {
                        was_complete = true;
                        self.publish();
                    }
                }
            }
        }
    }

    fn take(&mut self, news: News<EdgesPart>) {
        match news {
            News::Status(status) => self.note(&status),
            News::Gone(source) => {
                self.nodes.remove(&source);
                self.heard.remove(&source);
                for node in self.owners.release(&source) {
                    self.merge.remove_node(&node);
                }
            }
            News::Said(source, part) => {
                part.node_status.iter().for_each(|status| self.note(status));
                if part.reading == 0 || !self.owners.accept(&source, &part) {
                    return;
                }
                match self.merge.take(&part) {
                    Ok(true) => drop(self.heard.insert(source)),
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(peer = source, "{error}");
                        self.nodes
                            .insert(source, (NodeState::NodeError, error.to_string()));
                    }
                }
            }
        }
    }

    fn note(&mut self, status: &NodeStatusEvent) {
        for name in &status.node_names {
            match status.state_change() {
                NodeState::NodeGone => drop(self.nodes.remove(name)),
                state => {
                    let now = (state, status.message.clone());
                    self.nodes.insert(name.clone(), now);
                }
            }
        }
    }

    fn is_complete(&self) -> bool {
        let mut nodes = self.nodes.iter();
        // The first news are who is connected.
        !self.nodes.is_empty()
            && nodes.all(|(name, (state, _))| {
                *state != NodeState::NodeConnected || self.heard.contains(name)
            })
    }

    fn publish(&mut self) {
        self.hub.newest.send_replace(Arc::new(HubView {
            reading: Arc::new(self.merge.reading()),
            nodes: self.nodes.clone(),
            complete: self.is_complete(),
        }));
    }
}

/// How long a client waits for all nodes before it is told what there is.
pub(super) const COMPLETE_WITHIN: Duration = Duration::from_secs(3);
