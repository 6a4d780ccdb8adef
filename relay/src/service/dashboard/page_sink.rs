//! Flows of a page as messages.

use std::sync::Arc;

use bytes::Bytes;
use flow::encode::Names;
use prost::Message as _;
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::GetFlowsResponse;

use super::messages::Messages;
use crate::counts::Counts;
use crate::merge::{Row, Sink};
use crate::service::answers::Relay;

/// Takes all flows that come.
pub(super) struct PageSink {
    messages: Messages,
    flows: Vec<GetFlowsResponse>,
    statuses: Vec<NodeStatusEvent>,
    counts: Arc<Counts>,
}

impl PageSink {
    pub(super) fn new(relay: &Relay) -> Self {
        Self {
            messages: Messages::new(),
            flows: Vec::new(),
            statuses: Vec::new(),
            counts: Arc::clone(&relay.counts),
        }
    }

    /// What has come, in its order.
    pub(super) fn finish(mut self) -> (Vec<GetFlowsResponse>, Vec<NodeStatusEvent>) {
        Counts::add(&self.counts.delivered, self.flows.len() as u64);
        (
            std::mem::take(&mut self.flows),
            std::mem::take(&mut self.statuses),
        )
    }
}

impl Drop for PageSink {
    fn drop(&mut self) {
        Counts::add(&self.counts.abandoned, self.flows.len() as u64);
    }
}

impl Sink for PageSink {
    fn is_full(&self) -> bool {
        false
    }

    fn lane(&mut self, source: usize, lane: u16, names: &Names) {
        self.messages.lane(source, lane, names);
    }

    fn defined(&mut self, source: usize, lane: u16) {
        self.messages.defined(source, lane);
    }

    fn row(&mut self, row: Row<'_>) {
        if row.is_flow {
            self.flows.extend(self.messages.message(&row));
        }
    }

    fn response(&mut self, _time_ns: u64, response: Bytes, is_flow: bool) {
        if is_flow {
            self.flows.extend(GetFlowsResponse::decode(response));
        }
    }

    fn status(&mut self, status: NodeStatusEvent) {
        self.statuses.push(status);
    }

    fn expected(&mut self, _flows: u64) {}

    fn watermark(&mut self, _watermark_ns: u64) {}
}
