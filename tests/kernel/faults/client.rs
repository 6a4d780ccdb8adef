//! A client of a relay or an observer: keeps which flows it has got, and all that the stream says beside them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use daemon::connect::{ClientSecurity, Target, Windows, connect};
use flow::reference::FlowReference;
use proto::flow::LostEventSource;
use proto::observer::get_flows_response::ResponseTypes;
use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetFlowsRequest, GetFlowsResponse};
use proto::relay::NodeState;
use tokio::runtime;
use tonic::Code;
use tonic::transport::Channel;

use super::rounds::until;

/// Between two looks at whether it may read.
const LOOK: Duration = Duration::from_millis(10);

/// As small as HTTP/2 has it: who does not read is felt soon.
const NARROW: Windows = Windows {
    stream_bytes: 65_535,
    connection_bytes: 65_535,
    frame_bytes: 16_384,
};

/// What came.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By node and by life of it.
    flows: HashMap<(String, u64), HashSet<u64>>,
    /// Flows that came again.
    pub(super) repeated: u64,
    /// By node and cause.
    lost: BTreeMap<(String, i32), u64>,
    statuses: Vec<Status>,
    newest_ns: i128,
    /// Flows that are older than one before them.
    pub(super) out_of_order: u64,
    /// How the stream ended, when it has.
    pub(super) ended: Option<Result<(), (Code, String)>>,
}

/// News of nodes.
#[derive(Debug)]
struct Status {
    state: NodeState,
    nodes: Vec<String>,
    message: String,
}

impl Seen {
    fn take(&mut self, response: GetFlowsResponse) {
        let node = response.node_name;
        match response.response_types {
            Some(ResponseTypes::Flow(flow)) => {
                let reference: FlowReference = flow.uuid.parse().expect("every flow has one");
                let life = self.flows.entry((node, reference.epoch.number()));
                if !life.or_default().insert(reference.sequence) {
                    self.repeated += 1;
                }
                let time = response.time.expect("every flow has one");
                let time_ns = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
                self.out_of_order += u64::from(time_ns < self.newest_ns);
                self.newest_ns = self.newest_ns.max(time_ns);
            }
            Some(ResponseTypes::LostEvents(lost)) => {
                *self.lost.entry((node, lost.source)).or_default() += lost.num_events_lost;
            }
            Some(ResponseTypes::NodeStatus(status)) => {
                self.statuses.push(Status {
                    state: status.state_change(),
                    nodes: status.node_names,
                    message: status.message,
                });
            }
            None => panic!("a response without content"),
        }
    }

    /// Places of the flows of one life of a node.
    pub(super) fn places(&self, node: &str, life: u64) -> Option<&HashSet<u64>> {
        self.flows.get(&(node.to_owned(), life))
    }

    /// Which lives of a node there are flows of.
    pub(super) fn lives(&self, node: &str) -> Vec<u64> {
        let lives = self.flows.keys().filter(|(name, _)| name == node);
        lives.map(|(_, life)| *life).collect()
    }

    /// Flows of all nodes and lives, as (node, life, place).
    pub(super) fn all(&self) -> HashSet<(String, u64, u64)> {
        let lives = self.flows.iter();
        lives
            .flat_map(|((node, life), places)| {
                places.iter().map(|place| (node.clone(), *life, *place))
            })
            .collect()
    }

    /// Places between the first and the last flow of each life of a node that have none.
    pub(super) fn gaps(&self, node: &str) -> u64 {
        let lives = self.flows.iter().filter(|((name, _), _)| name == node);
        let gaps = lives.map(|(_, places)| {
            let (first, last) = (places.iter().min(), places.iter().max());
            let span = first.zip(last).map_or(0, |(first, last)| last - first + 1);
            span - places.len() as u64
        });
        gaps.sum()
    }

    /// What the stream says that this node's store has overwritten.
    pub(super) fn overwritten(&self, node: &str) -> u64 {
        let key = (node.to_owned(), LostEventSource::HubbleRingBuffer as i32);
        self.lost.get(&key).copied().unwrap_or_default()
    }

    /// Whether it says that anything of this node was lost, anywhere.
    pub(super) fn is_whole(&self, node: &str) -> bool {
        !self.lost.keys().any(|(name, _)| name == node)
    }

    /// How often this was said of a node, with these words.
    pub(super) fn told(&self, state: NodeState, node: &str, words: &str) -> usize {
        let fits = |status: &&Status| {
            status.state == state
                && status.nodes.iter().any(|name| name == node)
                && status.message.contains(words)
        };
        self.statuses.iter().filter(fits).count()
    }
}

struct Shared {
    seen: Mutex<Seen>,
    paused: AtomicBool,
    leaving: AtomicBool,
}

/// The client, on a thread of its own. Dropping it hangs up.
pub(super) struct Client {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Everything from now on.
pub(super) fn follow() -> GetFlowsRequest {
    GetFlowsRequest {
        follow: true,
        ..GetFlowsRequest::default()
    }
}

/// Everything that is stored.
pub(super) fn stored() -> GetFlowsRequest {
    GetFlowsRequest::default()
}

impl Client {
    /// Asks the server of this socket.
    pub(super) fn start(socket: &Path, request: GetFlowsRequest) -> Self {
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            paused: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
        });
        let (target, inner) = (Target::Unix(socket.to_owned()), Arc::clone(&shared));
        let thread = std::thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let result = runtime
                .expect("a runtime")
                .block_on(read(&target, request, &inner));
            let mut seen = inner.seen.lock().expect("nobody panicked");
            seen.ended = Some(result.map_err(|status| (status.0, status.1)));
        });
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// A client that follows a relay, once its stream has begun.
    pub(super) fn follow(socket: &Path) -> Self {
        let client = Self::start(socket, follow());
        until(|| {
            let seen = client.seen();
            assert_eq!(seen.ended, None);
            let begun = !seen.statuses.is_empty();
            begun
                .then_some(())
                .ok_or("the stream does not begin".to_owned())
        });
        client
    }

    #[track_caller]
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen.lock().expect("the reader panicked")
    }

    /// Stops to read, or goes on.
    pub(super) fn pause(&self, paused: bool) {
        self.shared.paused.store(paused, Ordering::Relaxed);
    }

    /// Waits until its stream has ended, and says how.
    #[track_caller]
    pub(super) fn end(&self) -> Result<(), (Code, String)> {
        until(|| {
            let ended = self.seen().ended.clone();
            ended.ok_or("the stream does not end".to_owned())
        })
    }

    /// What was said of a node until now; [`Heard::again`] waits for more of it.
    pub(super) fn heard(&self, state: NodeState, node: &str, words: &'static str) -> Heard<'_> {
        Heard {
            client: self,
            state,
            node: node.to_owned(),
            words,
            count: self.seen().told(state, node, words),
        }
    }
}

/// News of a node, as often as they had come.
pub(super) struct Heard<'client> {
    client: &'client Client,
    state: NodeState,
    node: String,
    words: &'static str,
    count: usize,
}

impl Heard<'_> {
    /// Waits until it is said once more.
    #[track_caller]
    pub(super) fn again(&self) {
        let Self {
            state, node, words, ..
        } = self;
        until(|| {
            let seen = self.client.seen();
            let count = seen.told(*state, node, words);
            (count > self.count).then_some(()).ok_or_else(|| {
                format!(
                    "nobody said {state:?} of {node} ({words:?}): {:?}",
                    seen.statuses
                )
            })
        });
    }
}

async fn read(
    target: &Target,
    request: GetFlowsRequest,
    shared: &Shared,
) -> Result<(), (Code, String)> {
    // The message alone does not say why a stream broke.
    let failed = |status: tonic::Status| {
        let message = format!("{}: {:?}", status.message(), status.source());
        (status.code(), message)
    };
    let connected = connect(target, &ClientSecurity::Plaintext, NARROW).await;
    let channel: Channel = connected.map_err(|error| (Code::Unavailable, error.to_string()))?;
    let mut client = ObserverClient::new(channel).max_decoding_message_size(1 << 26);
    let answer = client.get_flows(request).await.map_err(failed)?;
    let mut stream = answer.into_inner();
    while !shared.leaving.load(Ordering::Relaxed) {
        if shared.paused.load(Ordering::Relaxed) {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        // Nothing may come for long; whoever leaves is not to wait for that.
        let Ok(message) = tokio::time::timeout(LOOK, stream.message()).await else {
            continue;
        };
        match message.map_err(failed)? {
            Some(response) => shared.seen.lock().expect("not poisoned").take(response),
            None => return Ok(()),
        }
    }
    Ok(())
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.leaving.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
