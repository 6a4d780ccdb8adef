//! A stream from every node, for answers that are put together as they come.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::BoxStream;
use futures_util::{Stream as _, StreamExt as _, TryStreamExt as _};
use proto::relay::NodeStatusEvent;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tonic::{Response, Status, Streaming};

use super::answers::Relay;
use super::everybody::refusal;
use crate::merge::{RETRY, Statuses, is_transport, named_once};
use crate::peers::{Connection, Peer, PeerView};

/// What one node sends.
pub(super) type FromNode<T> = BoxStream<'static, Result<T, Status>>;

/// A stream that is asked for when it is first polled.
pub(super) fn asked_for<T: Send + 'static>(
    asking: impl Future<Output = Result<Response<Streaming<T>>, Status>> + Send + 'static,
) -> FromNode<T> {
    let opening = async { Ok::<_, Status>(asking.await?.into_inner()) };
    futures_util::stream::once(opening).try_flatten().boxed()
}

/// Opens a node's stream; nothing is awaited before it is polled.
pub(super) type Open<T> = Box<dyn FnMut(&Peer, &PeerView, &Connection) -> FromNode<T> + Send>;

/// The streams of one request.
pub(super) struct Sources<T> {
    relay: Relay,
    open: Open<T>,
    sources: Vec<Source<T>>,
    changes: watch::Receiver<u64>,
    statuses: Statuses,
    /// Nodes that come, or come back, are asked too.
    follows: bool,
    begun: bool,
    /// Which source is looked at first.
    turn: usize,
}

/// That of one node.
struct Source<T> {
    /// As Hubble's clients see it.
    name: String,
    peer: Arc<Peer>,
    connection: u64,
    stream: Option<FromNode<T>>,
    retry_at: Option<Instant>,
    error: Option<String>,
}

/// What happens.
#[derive(Debug)]
pub(super) enum News<T> {
    /// A node has sent something.
    Said(String, T),
    /// A node is no peer any more.
    Gone(String),
    /// How nodes stand with the stream.
    Status(NodeStatusEvent),
}

impl<T: Send + 'static> Sources<T> {
    /// Asks every node that is connected; with `follows` also those that come later, and again those that come back.
    pub(super) fn new(relay: &Relay, follows: bool, open: Open<T>) -> Self {
        let mut changes = relay.board.changes();
        changes.mark_changed();
        Self {
            relay: relay.clone(),
            open,
            sources: Vec::new(),
            changes,
            statuses: Statuses::default(),
            follows,
            begun: false,
            turn: 0,
        }
    }

    /// The next that happens; none when every stream has ended and none will be opened. Nothing is lost if it is not
    /// awaited to its end.
    pub(super) async fn next(&mut self) -> Option<News<T>> {
        loop {
            if self.changes.has_changed().unwrap_or(false) {
                self.changes.mark_unchanged();
                if let Some(gone) = self.look_at_peers() {
                    // There may be more of them.
                    self.changes.mark_changed();
                    return Some(News::Gone(gone));
                }
            }
            self.retry();
            if let Some(status) = self.statuses.next() {
                return Some(News::Status(status));
            }
            let is_open = self.sources.iter().any(|source| source.stream.is_some());
            if !is_open && !self.follows {
                return None;
            }
            let retry_at = self.sources.iter().filter_map(|source| source.retry_at);
            let retry_at = retry_at.min();
            let (sources, turn) = (&mut self.sources, self.turn);
            tokio::select! {
                (index, said) = std::future::poll_fn(|context| poll(sources, turn, context)) => {
                    self.turn = index + 1;
                    match said {
                        Some(Ok(said)) => {
                            return Some(News::Said(self.sources[index].name.clone(), said));
                        }
                        Some(Err(status)) => self.ended(index, Some(&status)),
                        None => self.ended(index, None),
                    }
                }
                _ = self.changes.changed() => self.changes.mark_changed(),
                () = sleep_until(retry_at.unwrap_or_else(Instant::now)), if retry_at.is_some() => {}
            }
        }
    }

    /// Opens what can be opened; gives the name of a node that is no peer any more, if there is one.
    fn look_at_peers(&mut self) -> Option<String> {
        let peers = named_once(&self.relay.board.peers());
        let views: Vec<PeerView> = peers.iter().map(|(_, view)| view.clone()).collect();
        self.statuses.look(&views);
        for (peer, view) in &peers {
            if let Some(connection) = view.connection() {
                self.look_at(peer, view, connection);
            }
        }
        self.begun = true;
        let is_peer = |name: &str| views.iter().any(|view| view.short_name() == name);
        let mut sources = self.sources.iter();
        let gone = sources.position(|source| !is_peer(&source.name))?;
        Some(self.sources.swap_remove(gone).name)
    }

    fn look_at(&mut self, peer: &Arc<Peer>, view: &PeerView, connection: &Connection) {
        let mut sources = self.sources.iter_mut();
        match sources.find(|source| source.name == view.short_name()) {
            None if !self.begun || self.follows => self.sources.push(Source {
                name: view.short_name().to_owned(),
                peer: Arc::clone(peer),
                connection: connection.number,
                stream: Some(until_lost((self.open)(peer, view, connection), connection)),
                retry_at: None,
                error: None,
            }),
            Some(source) if self.follows => {
                let is_same =
                    source.connection == connection.number && Arc::ptr_eq(&source.peer, peer);
                if !is_same {
                    source.peer = Arc::clone(peer);
                    source.stream = None;
                    source.retry_at = Some(Instant::now());
                }
            }
            _ => {}
        }
    }

    /// Opens again what has ended some time ago.
    fn retry(&mut self) {
        for source in &mut self.sources {
            if source.retry_at.is_none_or(|at| at > Instant::now()) {
                continue;
            }
            source.retry_at = None;
            let view = source.peer.view();
            if let Some(connection) = view.connection() {
                let stream = (self.open)(&source.peer, &view, connection);
                source.connection = connection.number;
                source.stream = Some(until_lost(stream, connection));
            }
        }
    }

    fn ended(&mut self, index: usize, error: Option<&Status>) {
        let source = &mut self.sources[index];
        source.stream = None;
        let is_lost = error.is_some_and(is_transport);
        if is_lost {
            source.peer.suspect();
        }
        if self.follows {
            source.retry_at = Some(Instant::now() + RETRY);
        }
        // Whoever follows is told of a lost connection by whoever keeps it.
        let Some(status) = error.filter(|_| !is_lost || !self.follows) else {
            return;
        };
        let words = refusal(status);
        if source.error.as_ref() != Some(&words) {
            self.statuses.error(&source.name, &words);
            source.error = Some(words);
        }
    }
}

/// The first source from a turn on that has something.
fn poll<T>(
    sources: &mut [Source<T>],
    turn: usize,
    context: &mut Context<'_>,
) -> Poll<(usize, Option<Result<T, Status>>)> {
    let count = sources.len();
    for offset in 0..count {
        let index = (turn + offset) % count;
        let Some(stream) = &mut sources[index].stream else {
            continue;
        };
        if let Poll::Ready(said) = Pin::new(stream).poll_next(context) {
            return Poll::Ready((index, said));
        }
    }
    Poll::Pending
}

/// A stream whose connection answers no more has broken, whether or not the transport has noticed.
fn until_lost<T: Send + 'static>(stream: FromNode<T>, connection: &Connection) -> FromNode<T> {
    let lost = connection.lost.clone();
    let broken = connection.lost.clone();
    let error = async move {
        let is_lost = broken.is_cancelled();
        is_lost.then(|| Err(Status::unavailable("the connection is lost")))
    };
    stream
        .take_until(lost.cancelled_owned())
        .chain(futures_util::stream::once(error).filter_map(std::future::ready))
        .boxed()
}
