//! Single flows for a page: as many as a person can look at, and how many were left out.

use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
use flow::encode::Names;
use prost::Message as _;
use proto::observer::GetFlowsRequest;
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::{FlowSelection, FlowTail, GetFlowsResponse};
use tonic::Status;

use super::messages::Messages;
use super::worker::own_path;
use crate::counts::Counts;
use crate::merge::{Merge, Row, Sink};
use crate::service::answers::Relay;

/// Flows a second, whatever a client asks for.
const MOST_PER_SECOND: u32 = 200;

/// Looks a second at which flows are handed over.
const LOOKS: u32 = 4;

/// A filtered stream, thinned out.
pub(super) struct Tail {
    flows: Merge,
    kept: Kept,
}

struct Kept {
    messages: Messages,
    tail: FlowTail,
    /// Flows in it; the others are losses.
    shown: u64,
    room: usize,
    per_look: usize,
    counts: Arc<Counts>,
}

impl Tail {
    /// None, if no flows are wanted.
    pub(super) fn new(
        relay: &Relay,
        selection: FlowSelection,
        per_second: u32,
    ) -> Result<Option<Self>, Status> {
        if per_second == 0 {
            return Ok(None);
        }
        let per_look = per_second.min(MOST_PER_SECOND).div_ceil(LOOKS) as usize;
        let request = GetFlowsRequest {
            follow: true,
            whitelist: selection.whitelist,
            blacklist: selection.blacklist,
            ..GetFlowsRequest::default()
        };
        Ok(Some(Self {
            flows: relay.merge_beside(request, own_path(relay))?,
            kept: Kept {
                messages: Messages::new(),
                tail: FlowTail::default(),
                shown: 0,
                room: per_look,
                per_look,
                counts: Arc::clone(&relay.counts),
            },
        }))
    }

    /// Takes what has come; whoever polls is woken for more.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) {
        let _is_over = self.flows.poll_into(context, &mut self.kept);
    }

    /// What there is since the last time.
    pub(super) fn take(&mut self) -> Option<FlowTail> {
        self.kept.room = self.kept.per_look;
        let tail = std::mem::take(&mut self.kept.tail);
        let shown = std::mem::take(&mut self.kept.shown);
        Counts::add(&self.kept.counts.delivered, shown);
        Counts::add(&self.kept.counts.left_out, tail.skipped);
        (!tail.flows.is_empty() || tail.skipped > 0).then_some(tail)
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let untold = self.kept.shown + self.kept.tail.skipped;
        Counts::add(&self.kept.counts.abandoned, untold);
    }
}

impl Kept {
    fn push(&mut self, is_flow: bool, response: Option<GetFlowsResponse>) {
        if let Some(response) = response {
            self.room -= usize::from(is_flow);
            self.shown += u64::from(is_flow);
            self.tail.flows.push(response);
        }
    }

    /// Whether there is room for a flow; else it is counted. News of losses always have some.
    fn has_room(&mut self, is_flow: bool) -> bool {
        let has_room = self.room > 0 || !is_flow;
        self.tail.skipped += u64::from(!has_room);
        has_room
    }
}

impl Sink for Kept {
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
        if self.has_room(row.is_flow) {
            let message = self.messages.message(&row);
            self.push(row.is_flow, message);
        }
    }

    fn response(&mut self, _time_ns: u64, response: Bytes, is_flow: bool) {
        if self.has_room(is_flow) {
            self.push(is_flow, GetFlowsResponse::decode(response).ok());
        }
    }

    fn status(&mut self, _status: NodeStatusEvent) {}

    fn expected(&mut self, _flows: u64) {}

    fn watermark(&mut self, _watermark_ns: u64) {}
}
