//! What changes in etcd: a watch that goes on where the last one ended, and a list where that is not possible.

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::{Request, Streaming};

use super::super::store::{BackendError, Call, Event, Feed, KeyChange, Stored};
use super::call::{failed, within};
use super::connection::{Connection, end_of};
use super::wire::etcdserverpb::watch_request::RequestUnion;
use super::wire::etcdserverpb::{RangeRequest, WatchCreateRequest, WatchRequest, WatchResponse};
use super::wire::mvccpb::KeyValue;
use super::wire::mvccpb::event::EventType;

/// Keys of one page of a list.
const PAGE: i64 = 1000;

const WATCH: &str = "watch";

/// The feed.
pub(super) struct EtcdFeed {
    connection: Connection,
    lease: Option<i64>,
    position: Position,
}

/// Where it stands.
enum Position {
    /// Everything is to be listed.
    List,
    /// A watch is to be opened; everything up to this revision is known.
    Known(i64),
    /// A watch is open.
    Watching(Box<Watch>),
}

/// A watch that is open. The end of its requests is what ends it: a stream whose requests went on would keep a connection
/// open that nobody uses any more.
struct Watch {
    answers: Streaming<WatchResponse>,
    _requests: mpsc::Sender<WatchRequest>,
}

impl EtcdFeed {
    /// Goes on after the revision `known`, or begins with a list.
    pub(super) fn new(connection: Connection, lease: Option<i64>, known: Option<u64>) -> Self {
        let position = match known.and_then(|known| i64::try_from(known).ok()) {
            Some(known) => Position::Known(known),
            None => Position::List,
        };
        Self {
            connection,
            lease,
            position,
        }
    }

    async fn next_event(&mut self) -> Result<Event, BackendError> {
        loop {
            match &mut self.position {
                Position::List => {
                    let (revision, keys) = self.list().await?;
                    self.position = Position::Known(revision);
                    return Ok(Event::All {
                        revision: unsigned(revision),
                        keys,
                    });
                }
                Position::Known(revision) => {
                    // The revision that is known is told once more, which changes nothing. Were the next asked for, and
                    // etcd compacted at just that, its deletions would be left out and nobody would say so.
                    let revision = *revision;
                    let watch = self.open_watch(revision).await?;
                    self.position = Position::Watching(Box::new(watch));
                }
                Position::Watching(watch) => {
                    let answer = watch.answers.message().await;
                    let answer = answer
                        .map_err(|status| failed(WATCH, &self.connection.member, &status))?
                        .ok_or_else(|| self.ended("the watch has ended"))?;
                    if let Some(event) = self.take(answer)? {
                        return Ok(event);
                    }
                }
            }
        }
    }

    /// All keys at one revision, page by page.
    async fn list(&self) -> Result<(i64, Vec<Stored>), BackendError> {
        let prefix = self.connection.full("");
        let end = end_of(&prefix);
        let mut first = prefix;
        let mut revision = 0;
        let mut keys = Vec::new();
        loop {
            let request = RangeRequest {
                key: first.clone(),
                range_end: end.clone(),
                limit: PAGE,
                revision,
                ..RangeRequest::default()
            };
            let page = self.connection.range("list", request).await?;
            if revision == 0 {
                revision = page.header.unwrap_or_default().revision;
            }
            let Some(last) = page.kvs.last() else {
                return Ok((revision, keys));
            };
            // The smallest key after it.
            first = last.key.clone();
            first.push(0);
            keys.extend(page.kvs.into_iter().map(|kv| self.stored(kv)));
            if !page.more {
                return Ok((revision, keys));
            }
        }
    }

    async fn open_watch(&self, from: i64) -> Result<Watch, BackendError> {
        let prefix = self.connection.full("");
        let create = WatchRequest {
            request_union: Some(RequestUnion::CreateRequest(WatchCreateRequest {
                range_end: end_of(&prefix),
                key: prefix,
                start_revision: from,
            })),
        };
        let (requests, asked) = mpsc::channel(1);
        requests
            .try_send(create)
            .expect("the channel is new and has a place");
        let mut request = Request::new(ReceiverStream::new(asked));
        // A member that has lost the others ends the watch instead of being silent.
        let yes = MetadataValue::from_static("true");
        request.metadata_mut().insert("hasleader", yes);
        let mut client = self.connection.watches();
        let call = client.watch(request);
        let connection = &self.connection;
        Ok(Watch {
            answers: within(WATCH, &connection.member, connection.limit, call).await?,
            _requests: requests,
        })
    }

    /// The event of an answer, if there is one in it.
    fn take(&mut self, answer: WatchResponse) -> Result<Option<Event>, BackendError> {
        if answer.compact_revision > 0 {
            tracing::info!(
                member = %self.connection.member,
                compacted = answer.compact_revision,
                "etcd has forgotten what was missed: listing everything"
            );
            self.position = Position::List;
            return Ok(None);
        }
        if answer.canceled {
            return Err(self.ended(&answer.cancel_reason));
        }
        // The header may name a revision whose events come later.
        let revisions = answer.events.iter().filter_map(|event| event.kv.as_ref());
        let Some(revision) = revisions.map(|kv| kv.mod_revision).max() else {
            return Ok(None);
        };
        let changes = answer.events.into_iter().filter_map(|event| {
            let deleted = event.r#type() == EventType::Delete;
            let kv = event.kv?;
            Some(if deleted {
                KeyChange::Delete(self.connection.relative(&kv.key))
            } else {
                KeyChange::Put(self.stored(kv))
            })
        });
        Ok(Some(Event::Changes {
            revision: unsigned(revision),
            changes: changes.collect(),
        }))
    }

    fn stored(&self, kv: KeyValue) -> Stored {
        Stored {
            key: self.connection.relative(&kv.key),
            value: kv.value,
            own: self.lease == Some(kv.lease),
        }
    }

    fn ended(&self, reason: &str) -> BackendError {
        BackendError::Call {
            step: WATCH,
            endpoint: self.connection.member.to_string(),
            message: reason.to_owned(),
        }
    }
}

impl Feed for EtcdFeed {
    fn next(&mut self) -> Call<'_, Event> {
        Box::pin(self.next_event())
    }
}

fn unsigned(revision: i64) -> u64 {
    u64::try_from(revision).unwrap_or(0)
}
