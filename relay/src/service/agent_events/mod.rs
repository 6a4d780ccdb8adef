//! GetAgentEvents of a relay: those of all nodes, in the order of time.
//!
//! What the nodes hold is merged first: all of it, or the number that was asked for, in total. Whoever follows then gets
//! what comes, each event a moment after it has come, so that an older one of another node can still go before it.

mod live;
mod stored;

use std::collections::VecDeque;

use flow::selection::{Extent, Selection, timestamp};
use futures_util::Stream;
use http::HeaderMap;
use proto::flow::agent_event::Notification;
use proto::flow::{AgentEvent, AgentEventType, AgentEventUnknown};
use proto::observer::{GetAgentEventsRequest, GetAgentEventsResponse};
use proto::relay::NodeStatusEvent;
use tonic::Status;

use super::answers::{Relay, invalid};
use super::everybody::path;
use crate::clock::wall_ns;
use crate::counts::StreamSlot;
use crate::upstream::RelayPath;
use live::Live;
use stored::Stored;

/// What news of nodes are called in `flow.AgentEventUnknown.type`; the response has no message of its own for them.
const NODE_STATUS: &str = "node status";

/// A checked request.
#[derive(Clone)]
struct Wanted {
    relay: Relay,
    request: GetAgentEventsRequest,
    selection: Selection,
    path: RelayPath,
    /// When it came. What is later is what a follower waits for.
    began_ns: u64,
}

/// The answers to a request.
pub(super) fn answer(
    relay: &Relay,
    headers: &HeaderMap,
    request: GetAgentEventsRequest,
) -> Result<impl Stream<Item = Result<GetAgentEventsResponse, Status>> + Send + 'static, Status> {
    let slot = relay.slot()?;
    let wanted = Wanted {
        selection: Selection::of_agent_events(&request).map_err(invalid)?,
        path: path(relay, headers)?,
        relay: relay.clone(),
        request,
        began_ns: wall_ns(),
    };
    let reader = Reader::new(wanted, slot);
    Ok(futures_util::stream::unfold(reader, async |mut reader| {
        Some((Ok(reader.next().await?), reader))
    }))
}

/// One client's way through the events.
struct Reader {
    wanted: Wanted,
    stored: Option<Stored>,
    /// Stored events that may still be sent; all, if none.
    left: Option<u64>,
    live: Option<Live>,
    ready: VecDeque<GetAgentEventsResponse>,
    _slot: StreamSlot,
}

impl Reader {
    fn new(wanted: Wanted, slot: StreamSlot) -> Self {
        let Selection { extent, follow, .. } = wanted.selection;
        Self {
            stored: (extent != Extent::New).then(|| Stored::open(&wanted)),
            left: match extent {
                Extent::First(number) => number,
                Extent::Last(_) | Extent::New => None,
            },
            live: follow.then(|| Live::open(&wanted)),
            wanted,
            ready: VecDeque::new(),
            _slot: slot,
        }
    }

    async fn next(&mut self) -> Option<GetAgentEventsResponse> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            if let Some(mut stored) = self.stored.take() {
                let next = match self.wanted.selection.extent {
                    Extent::Last(number) => {
                        self.ready = stored.last(number).await;
                        None
                    }
                    _ if self.left == Some(0) => None,
                    _ => stored.next().await,
                };
                if let Some(event) = next {
                    if let Some(left) = &mut self.left {
                        *left -= 1;
                    }
                    self.stored = Some(stored);
                    return Some(event);
                }
                // Whoever follows is told of nodes by what comes.
                if self.live.is_none() {
                    let missing = stored.missing.iter();
                    let status = missing.map(|status| self.wanted.status(status));
                    self.ready.extend(status);
                }
                continue;
            }
            return self.live.as_mut()?.next().await;
        }
    }
}

impl Wanted {
    /// News of nodes, as a client reads them.
    fn status(&self, status: &NodeStatusEvent) -> GetAgentEventsResponse {
        let state = status.state_change().as_str_name();
        let mut notification = format!("{state} {}", status.node_names.join(","));
        if !status.message.is_empty() {
            notification = format!("{notification}: {}", status.message);
        }
        let unknown = AgentEventUnknown {
            r#type: NODE_STATUS.to_owned(),
            notification,
        };
        GetAgentEventsResponse {
            agent_event: Some(AgentEvent {
                r#type: AgentEventType::AgentEventUnknown.into(),
                notification: Some(Notification::Unknown(unknown)),
            }),
            node_name: self.relay.name.to_string(),
            time: Some(timestamp(wall_ns())),
        }
    }
}

/// When an event happened, nanoseconds since 1970, by a clock that is so far ahead.
fn time_ns(event: &GetAgentEventsResponse, clock_offset_ns: i64) -> u64 {
    let time = flow::selection::time_ns("time", event.time.as_ref());
    let time_ns = time.ok().flatten().unwrap_or(0);
    time_ns.saturating_add_signed(clock_offset_ns.saturating_neg())
}
