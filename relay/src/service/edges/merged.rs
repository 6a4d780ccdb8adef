//! One client's stream of the merged totals.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flow::edges::{MergedWriter, asked};
use proto::relay::{NodeState, NodeStatusEvent};
use proto::tycho::v1::EdgesPart;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::hub::{COMPLETE_WITHIN, HubView};
use crate::merge::about;
use crate::service::answers::Relay;

/// What the client was told.
pub(super) struct Merged {
    server: Arc<str>,
    views: watch::Receiver<Arc<HubView>>,
    writer: MergedWriter,
    nodes: BTreeMap<String, (NodeState, String)>,
    /// None: one reading, and that is all.
    interval: Option<Duration>,
    begun: Option<Instant>,
    untold: Vec<NodeStatusEvent>,
}

impl Merged {
    pub(super) fn new(relay: &Relay, interval: Option<Duration>) -> Self {
        Self {
            server: Arc::clone(&relay.name),
            views: relay.edges.follow(relay),
            writer: MergedWriter::new(),
            nodes: BTreeMap::new(),
            interval,
            begun: None,
            untold: Vec::new(),
        }
    }

    /// The next part; none when all was said.
    pub(super) async fn next(&mut self) -> Option<EdgesPart> {
        loop {
            if let Some(mut part) = self.writer.next_part(&self.server) {
                part.node_status = std::mem::take(&mut self.untold);
                return Some(part);
            }
            let view = match (self.begun, self.interval) {
                (None, _) => self.first().await?,
                (Some(_), None) => return None,
                (Some(begun), Some(interval)) => self.due(begun, interval).await?,
            };
            self.begun = Some(Instant::now());
            self.compare(&view);
            self.writer.begin(Arc::clone(&view.reading));
        }
    }

    /// The first totals: those of all nodes, or those that there are after some time.
    async fn first(&mut self) -> Option<Arc<HubView>> {
        let patience = Instant::now() + COMPLETE_WITHIN;
        let complete = self.views.wait_for(|view| view.complete);
        if let Ok(view) = timeout_at(patience, complete).await {
            return Some(Arc::clone(&*view.ok()?));
        }
        Some(Arc::clone(&*self.views.borrow_and_update()))
    }

    /// The newest totals, when there are others and it is time for them.
    async fn due(&mut self, begun: Instant, interval: Duration) -> Option<Arc<HubView>> {
        self.views.changed().await.ok()?;
        sleep_until(begun + asked::pause(interval)).await;
        Some(Arc::clone(&*self.views.borrow_and_update()))
    }

    /// Finds out what is new about the nodes. That they are there at the start is no news.
    fn compare(&mut self, view: &HubView) {
        let is_start = self.nodes.is_empty();
        for (name, now) in &view.nodes {
            let is_news = self.nodes.get(name) != Some(now);
            if is_news && !(is_start && now.0 == NodeState::NodeConnected) {
                self.untold.push(about(now.0, name, &now.1));
            }
        }
        let gone = self
            .nodes
            .keys()
            .filter(|name| !view.nodes.contains_key(*name));
        self.untold
            .extend(gone.map(|name| about(NodeState::NodeGone, name, "")));
        self.nodes.clone_from(&view.nodes);
    }
}
