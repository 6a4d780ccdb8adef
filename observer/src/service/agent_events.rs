//! GetAgentEvents: what is held and matches, and with `follow` what comes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use flow::filter::TimeWindow;
use flow::selection::{Extent, Selection, timestamp};
use futures_util::Stream;
use proto::flow::agent_event::Notification;
use proto::flow::{AgentEvent, AgentEventType, AgentEventUnknown};
use proto::observer::{GetAgentEventsRequest, GetAgentEventsResponse};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::query::invalid;
use super::reading::UNTIL_SLACK;
use crate::agent_events::AgentEventAt;
use crate::node::Node;

/// What a loss is called in `flow.AgentEventUnknown.type`; the response has no message of its own for one.
const LOST: &str = "lost";

/// The answers to a request.
pub(super) fn answer(
    node: &Arc<Node>,
    request: &GetAgentEventsRequest,
    stop: &CancellationToken,
) -> Result<impl Stream<Item = Result<GetAgentEventsResponse, Status>> + Send + 'static, Status> {
    let selection = Selection::of_agent_events(request).map_err(invalid)?;
    let reader = Reader::new(Arc::clone(node), selection);
    let stop = stop.clone();
    let answers = futures_util::stream::unfold(reader, move |mut reader| {
        let stop = stop.clone();
        async move { Some((Ok(reader.next(&stop).await?), reader)) }
    });
    Ok(answers)
}

/// One client's way through the events.
struct Reader {
    node: Arc<Node>,
    window: TimeWindow,
    /// Read and not sent yet.
    read: VecDeque<Arc<AgentEventAt>>,
    /// Overwritten before these, and not told yet.
    lost: u64,
    /// Where the next reading begins, of a client that follows.
    follows_from: Option<u64>,
    news: tokio::sync::watch::Receiver<u64>,
    deadline: Option<tokio::time::Instant>,
}

impl Reader {
    fn new(node: Arc<Node>, selection: Selection) -> Self {
        let Selection {
            extent,
            follow,
            window,
        } = selection;
        let news = node.agent_events.news();
        let all = node.agent_events.all();
        let now_ns = node.wall_ns();
        let matching = all.events.into_iter().filter(|event| has(window, event));
        let mut read: VecDeque<_> = match extent {
            Extent::New => VecDeque::new(),
            _ => matching.collect(),
        };
        let limit = |number| usize::try_from(number).unwrap_or(usize::MAX);
        match extent {
            Extent::First(Some(number)) => read.truncate(limit(number)),
            Extent::Last(number) => drop(read.drain(..read.len().saturating_sub(limit(number)))),
            Extent::First(None) | Extent::New => {}
        }
        Self {
            node,
            window,
            read,
            lost: 0,
            follows_from: follow.then_some(all.next),
            news,
            deadline: (follow && window.until_ns != u64::MAX).then(|| end(window, now_ns)),
        }
    }

    /// `None` at the end: when everything held was sent, or a client that follows has reached `until` or the drain.
    async fn next(&mut self, stop: &CancellationToken) -> Option<GetAgentEventsResponse> {
        loop {
            if self.lost > 0 {
                let lost = std::mem::take(&mut self.lost);
                let time_ns = self
                    .read
                    .front()
                    .map_or_else(|| self.node.wall_ns(), |next| next.time_ns);
                return Some(self.response(time_ns, loss(lost)));
            }
            if let Some(event) = self.read.pop_front() {
                return Some(self.response(event.time_ns, event.event.clone()));
            }
            let from = self.follows_from?;
            if self.wait(stop).await {
                // What is there by now is still sent.
                self.follows_from = None;
            }
            self.take(from);
        }
    }

    fn take(&mut self, from: u64) {
        let read = self.node.agent_events.since(from);
        if read.lost > 0 {
            tracing::warn!(
                lost = read.lost,
                "a client that follows agent events reads too slowly"
            );
        }
        self.lost = read.lost;
        let window = self.window;
        self.read = read
            .events
            .into_iter()
            .filter(|event| has(window, event))
            .collect();
        if let Some(from) = &mut self.follows_from {
            *from = read.next;
        }
    }

    /// Waits for a newer event; whether it is the end.
    async fn wait(&mut self, stop: &CancellationToken) -> bool {
        let deadline = self.deadline;
        let until = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => true,
            () = until => true,
            changed = self.news.changed() => changed.is_err(),
        }
    }

    fn response(&self, time_ns: u64, event: AgentEvent) -> GetAgentEventsResponse {
        GetAgentEventsResponse {
            agent_event: Some(event),
            node_name: self.node.names.node_name.clone(),
            time: Some(timestamp(time_ns)),
        }
    }
}

fn has(window: TimeWindow, event: &AgentEventAt) -> bool {
    (window.since_ns..=window.until_ns).contains(&event.time_ns)
}

/// When nothing of a window comes any more.
fn end(window: TimeWindow, now_ns: u64) -> tokio::time::Instant {
    let rest = Duration::from_nanos(window.until_ns.saturating_sub(now_ns));
    let now = tokio::time::Instant::now();
    now.checked_add(rest.saturating_add(UNTIL_SLACK))
        .unwrap_or_else(|| now + Duration::from_secs(u32::MAX.into()))
}

/// A loss, as the client reads it.
fn loss(events: u64) -> AgentEvent {
    let unknown = AgentEventUnknown {
        r#type: LOST.to_owned(),
        notification: format!(
            "{events} agent events were overwritten before this client had read them"
        ),
    };
    AgentEvent {
        r#type: AgentEventType::AgentEventUnknown.into(),
        notification: Some(Notification::Unknown(unknown)),
    }
}
