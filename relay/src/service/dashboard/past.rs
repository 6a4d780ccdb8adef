//! Windows of the past: from the counts that are held, or counted anew from the flows that nodes hold.

use std::sync::Arc;

use flow::selection::time_ns;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::{Definitions, GetWindowsRequest, WindowsExtent, WindowsPart};
use tonic::Status;

use super::counting::Counting;
use super::definitions::in_parts;
use super::worker::wall_ms;
use crate::dashboard::{ClosedWindow, Dashboard, as_ms, locked};
use crate::service::answers::{Relay, invalid};

/// Windows of an answer, unless the client says how many; and at most.
const WINDOWS: u32 = 60;
const MOST_WINDOWS: u32 = 300;

/// Windows of flows that are counted anew are not shorter.
const SHORTEST_MS: u64 = 1_000;

pub(super) type Parts = BoxStream<'static, Result<WindowsPart, Status>>;

/// The answer to one request.
pub(super) fn windows(
    relay: &Relay,
    dashboard: &Arc<Dashboard>,
    request: GetWindowsRequest,
) -> Result<Parts, Status> {
    let now_ms = wall_ms();
    let ms = |field, time| -> Result<Option<u64>, Status> {
        let time_ns: Option<u64> = time_ns(field, time).map_err(invalid)?;
        Ok(time_ns.map(|ns| ns / 1_000_000))
    };
    let since_ms = ms("since", request.since.as_ref())?;
    let until_ms = ms("until", request.until.as_ref())?.unwrap_or(now_ms);
    let since_ms = since_ms
        .ok_or_else(|| Status::invalid_argument("since is missing: say where the span begins"))?;
    if since_ms >= until_ms {
        return Err(Status::invalid_argument(format!(
            "since ({since_ms} ms) is not before until ({until_ms} ms)"
        )));
    }
    let count = match request.windows {
        0 => WINDOWS,
        windows => windows.min(MOST_WINDOWS),
    };
    let slot = relay.slot()?;
    let parts = match request.counted {
        None => held(dashboard, [since_ms, until_ms], count.into()),
        Some(selection) => {
            let span = [since_ms, until_ms];
            let unit_ms = (until_ms - since_ms).div_ceil(count.into());
            let unit_ms = unit_ms.next_multiple_of(SHORTEST_MS);
            let counting = Counting::past(relay, dashboard, selection, span, unit_ms)?;
            let counted = async move { Ok::<_, Status>(counted(counting, unit_ms).await) };
            stream::once(counted).try_flatten().boxed()
        }
    };
    // The answer has its place among the streams until it is told.
    Ok(parts
        .map(move |part| {
            let _held = &slot;
            part
        })
        .boxed())
}

/// From what is held; each window is put together when it is its turn.
fn held(dashboard: &Dashboard, [since_ms, until_ms]: [u64; 2], count: u64) -> Parts {
    let counts = dashboard.lock();
    let (resolution_ms, windows) = counts.within(since_ms, until_ms);
    let oldest_ms = counts.oldest_ms();
    let definitions = counts.definitions_since(0);
    drop(counts);
    let extent = WindowsExtent {
        resolution_ms: u32::try_from(resolution_ms).unwrap_or(u32::MAX),
        known_since_ms: as_ms(oldest_ms),
        node_status: Vec::new(),
    };
    let buckets = in_buckets(windows, resolution_ms, count).into_iter();
    let windows = buckets.map(|bucket| ClosedWindow::merged(&bucket));
    told(definitions, windows, extent)
}

/// From the flows that nodes hold.
async fn counted(counting: Counting, unit_ms: u64) -> Parts {
    let (counts, node_status) = counting.finish().await;
    let counts = locked(&counts);
    let windows = counts.spans();
    let known_since_ms = windows.first().map_or(0, |first| first.start_ms);
    let extent = WindowsExtent {
        resolution_ms: u32::try_from(unit_ms).unwrap_or(u32::MAX),
        known_since_ms: as_ms(known_since_ms),
        node_status: problems(node_status),
    };
    told(counts.definitions_since(0), windows.into_iter(), extent)
}

/// Nodes that are connected are no news.
pub(super) fn problems(node_status: Vec<NodeStatusEvent>) -> Vec<NodeStatusEvent> {
    use proto::relay::NodeState;
    let mut problems = node_status;
    problems.retain(|status| status.state_change() != NodeState::NodeConnected);
    problems
}

fn told(
    definitions: Definitions,
    windows: impl Iterator<Item = ClosedWindow> + Send + 'static,
    extent: WindowsExtent,
) -> Parts {
    let parts = in_parts(definitions).map(|definitions| WindowsPart {
        definitions: Some(definitions),
        ..WindowsPart::default()
    });
    let windows = windows.map(|window| WindowsPart {
        window: Some(window.message()),
        ..WindowsPart::default()
    });
    let last = std::iter::once(WindowsPart {
        extent: Some(extent),
        ..WindowsPart::default()
    });
    stream::iter(parts.chain(windows).chain(last).map(Ok)).boxed()
}

/// Windows put together to at most so many, which have the same bounds whoever asks.
pub(super) fn in_buckets(
    windows: Vec<Arc<ClosedWindow>>,
    resolution_ms: u64,
    count: u64,
) -> Vec<Vec<Arc<ClosedWindow>>> {
    let (Some(first), Some(last)) = (windows.first(), windows.last()) else {
        return Vec::new();
    };
    let span_ms = last.end_ms().saturating_sub(first.start_ms);
    // Bounds lie at multiples of the length, so the span may touch one bucket more than it fills.
    let length_ms = span_ms
        .div_ceil(count.saturating_sub(1).max(1))
        .next_multiple_of(resolution_ms.max(1));
    let same = |a: &Arc<ClosedWindow>, b: &Arc<ClosedWindow>| {
        a.start_ms / length_ms == b.start_ms / length_ms
    };
    windows.chunk_by(same).map(<[_]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_few_and_have_every_window() {
        for (seconds, count) in [(300, 60), (7, 60), (1, 1), (299, 10), (61, 60)] {
            let windows = (0..seconds).map(|second| {
                Arc::new(ClosedWindow {
                    start_ms: 1_003_000 + second * 1_000,
                    length_ms: 1_000,
                    ..ClosedWindow::default()
                })
            });
            let buckets = in_buckets(windows.collect(), 1_000, count);
            let all: usize = buckets.iter().map(Vec::len).sum();
            assert_eq!(all as u64, seconds);
            assert!(
                buckets.len() as u64 <= count.max(2),
                "{seconds} {count} {}",
                buckets.len()
            );
        }
    }
}
