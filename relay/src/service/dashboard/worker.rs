//! Whoever keeps the counts: follows the connections of all nodes and the totals of their edges, as long as the relay runs.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::HeaderMap;
use proto::flow::{EventTypeFilter, FlowFilter};
use proto::observer::GetFlowsRequest;
use proto::tycho::v1::EdgesPart;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::packets::Packets;
use super::ring_ages::ring_ages;
use crate::clock::wall_ns;
use crate::dashboard::{Dashboard, FlowCounter};
use crate::merge::{Merge, Turn};
use crate::service::answers::Relay;
use crate::service::edges::{Owners, opener};
use crate::service::sources::{News, Sources};
use crate::upstream::RelayPath;

/// How often clients can be told of something.
const TICK: Duration = Duration::from_millis(250);

/// How often nodes are asked how far back they remember.
const RING_AGES: Duration = Duration::from_secs(10);

/// Hubble's numbers of the events that tell of connections: drops and policy verdicts.
const COUNTED_EVENTS: [i32; 2] = [1, 5];

/// The flows that tell of connections and attempts; others count for nothing.
pub(super) fn counted_filter() -> FlowFilter {
    let events = COUNTED_EVENTS.map(|kind| EventTypeFilter {
        r#type: kind,
        ..EventTypeFilter::default()
    });
    FlowFilter {
        event_type: events.to_vec(),
        ..FlowFilter::default()
    }
}

/// Milliseconds since 1970.
pub(crate) fn wall_ms() -> u64 {
    wall_ns() / 1_000_000
}

/// The way of a request that begins here.
pub(super) fn own_path(relay: &Relay) -> RelayPath {
    RelayPath::of(&HeaderMap::new(), relay.epoch).unwrap_or_default()
}

/// Counts until the relay ends.
pub(crate) struct DashboardWorker {
    relay: Relay,
    dashboard: Arc<Dashboard>,
    flows: Merge,
    counter: FlowCounter,
    edges: Sources<EdgesPart>,
    owners: Owners,
    packets: Packets,
}

impl DashboardWorker {
    /// Begins with what comes from now on.
    ///
    /// # Errors
    /// If the nodes cannot be asked for these flows.
    pub(crate) fn new(relay: Relay, dashboard: Arc<Dashboard>) -> Result<Self, Status> {
        let request = GetFlowsRequest {
            follow: true,
            whitelist: vec![counted_filter()],
            ..GetFlowsRequest::default()
        };
        let path = own_path(&relay);
        let second = Some(Duration::from_secs(1));
        Ok(Self {
            flows: relay.merge_beside(request, path.clone())?,
            counter: FlowCounter::new(
                Arc::clone(&dashboard.counts),
                Arc::clone(&dashboard.identities),
                Arc::clone(&relay.counts),
            ),
            edges: Sources::new(&relay, true, opener(path, second)),
            owners: Owners::default(),
            packets: Packets::new(Arc::clone(&dashboard), wall_ns()),
            relay,
            dashboard,
        })
    }

    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = interval(RING_AGES);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asking: Option<futures_util::future::BoxFuture<'static, BTreeMap<String, u64>>> =
            None;
        loop {
            let (flows, counter) = (&mut self.flows, &mut self.counter);
            tokio::select! {
                () = cancel.cancelled() => return,
                is_over = poll_fn(|context| match flows.turn(context, counter) {
                    Turn::Wait => {
                        counter.flush();
                        Poll::Pending
                    }
                    Turn::End => Poll::Ready(true),
                    Turn::Full | Turn::Yield => Poll::Ready(false),
                }) => {
                    self.counter.flush();
                    if is_over {
                        return;
                    }
                    // Others get their turn between ours.
                    tokio::task::yield_now().await;
                }
                news = self.edges.next() => {
                    if let Some(news) = news {
                        self.take(news);
                    }
                }
                _ = ticks.tick() => {
                    self.dashboard.set_lags(self.flows.lags());
                    self.dashboard.tick(wall_ms());
                }
                _ = looks.tick(), if asking.is_none() => {
                    asking = Some(Box::pin(ring_ages(self.relay.clone())));
                }
                oldest = async { asking.as_mut().expect("it is asked").await }, if asking.is_some() => {
                    self.dashboard.set_oldest(oldest);
                    asking = None;
                }
            }
        }
    }

    fn take(&mut self, news: News<EdgesPart>) {
        match news {
            // How nodes are is told from the list of peers.
            News::Status(_) => {}
            News::Gone(source) => {
                for node in self.owners.release(&source) {
                    self.packets.remove_node(&node);
                }
            }
            News::Said(source, part) => {
                if part.reading > 0 && self.owners.accept(&source, &part) {
                    self.packets.take(&part);
                }
            }
        }
    }
}
