//! Counts of one client's own: of flows that a filter selects, which the edges' totals cannot tell apart.

use std::sync::{Arc, Mutex};
use std::task::Context;

use proto::observer::GetFlowsRequest;
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::FlowSelection;
use tonic::Status;

use super::worker::{counted_filter, own_path, wall_ms};
use crate::clock::wall_ns;
use crate::dashboard::{Dashboard, DashboardCounts, FlowCounter};
use crate::merge::Merge;
use crate::service::answers::Relay;

/// A stream that is counted.
pub(super) struct Counting {
    counts: Arc<Mutex<DashboardCounts>>,
    flows: Merge,
    counter: FlowCounter,
}

impl Counting {
    /// Counts what comes from now on.
    pub(super) fn live(
        relay: &Relay,
        dashboard: &Dashboard,
        selection: FlowSelection,
    ) -> Result<Self, Status> {
        // A life of its own: its numbers mean nothing to others.
        let counts = DashboardCounts::new(wall_ns(), wall_ms());
        let request = GetFlowsRequest {
            follow: true,
            ..request(selection)
        };
        Self::new(relay, dashboard, counts, request)
    }

    /// Counts what nodes hold of a span.
    pub(super) fn past(
        relay: &Relay,
        dashboard: &Dashboard,
        selection: FlowSelection,
        [since_ms, until_ms]: [u64; 2],
        unit_ms: u64,
    ) -> Result<Self, Status> {
        let units = (until_ms / unit_ms).saturating_sub(since_ms / unit_ms) + 1;
        let counts = DashboardCounts::of_the_past(since_ms, unit_ms, units);
        let time = |ms: u64| Some(flow::selection::timestamp(ms.saturating_mul(1_000_000)));
        let request = GetFlowsRequest {
            since: time(since_ms),
            until: time(until_ms),
            ..request(selection)
        };
        Self::new(relay, dashboard, counts, request)
    }

    fn new(
        relay: &Relay,
        dashboard: &Dashboard,
        counts: DashboardCounts,
        request: GetFlowsRequest,
    ) -> Result<Self, Status> {
        let counts = Arc::new(Mutex::new(counts));
        let identities = Arc::clone(&dashboard.identities);
        let ledger = Arc::clone(&relay.counts);
        Ok(Self {
            flows: relay.merge_beside(request, own_path(relay))?,
            counter: FlowCounter::new(Arc::clone(&counts), identities, ledger),
            counts,
        })
    }

    pub(super) fn counts(&self) -> &Arc<Mutex<DashboardCounts>> {
        &self.counts
    }

    /// Counts what has come; whoever polls is woken for more.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) {
        let _is_over = self.flows.poll_into(context, &mut self.counter);
        self.counter.flush();
    }

    /// Counts everything; gives the counts, and what was said of nodes.
    pub(super) async fn finish(mut self) -> (Arc<Mutex<DashboardCounts>>, Vec<NodeStatusEvent>) {
        self.flows.read_into(&mut self.counter).await;
        self.counter.flush();
        (Arc::clone(&self.counts), self.counter.take_statuses())
    }
}

/// Asks only for flows that count, unless the client has chosen the events itself.
fn request(selection: FlowSelection) -> GetFlowsRequest {
    let counted = counted_filter();
    let whitelist = match selection.whitelist.is_empty() {
        true => vec![counted],
        false => {
            let filters = selection.whitelist.into_iter();
            let narrowed = filters.map(|mut filter| {
                if filter.event_type.is_empty() {
                    filter.event_type.clone_from(&counted.event_type);
                }
                filter
            });
            narrowed.collect()
        }
    };
    GetFlowsRequest {
        whitelist,
        blacklist: selection.blacklist,
        ..GetFlowsRequest::default()
    }
}
