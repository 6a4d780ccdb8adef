//! One peer's part of a merged stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use flow::batch::{BatchReader, Entry, Rows, Told};
use flow::row::ROW_WORDS;
use proto::tycho::v1::Place;
use tokio::time::Instant;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;

use crate::peers::{Connection, Peer};
use crate::upstream::Upstream;

/// One peer.
pub(super) struct Source {
    pub(super) peer: Arc<Peer>,
    /// As statuses name it.
    pub(super) name: String,
    /// The connection that the stream goes over.
    pub(super) connection: u64,
    stream: Option<Stream>,
    reader: BatchReader,
    rows: Rows,
    /// How far its clock is taken to be ahead of ours: 0 within the bound.
    offset_ns: i64,
    /// No row that comes has an earlier place in the order.
    bound_ns: u64,
    /// How many flows come before those that follow, once it was told.
    pub(super) expected: Option<u64>,
    pub(super) waiting: Waiting,
    places: Vec<Place>,
    /// Which place a lane's rows move.
    lane_places: Vec<usize>,
    /// What holds once all rows in hand are taken: the batch's watermark, and the first row that was not looked at.
    watermark_ns: u64,
    /// The newest time of its rows, by its own clock.
    newest_ns: u64,
    next_sequence: Option<u64>,
    /// When to ask again: after an error of the stream alone, or over a new connection once all rows in hand are taken.
    pub(super) retry_at: Option<Instant>,
    /// The last error that was told.
    pub(super) error: Option<String>,
}

/// A stream, and the end of its connection.
struct Stream {
    batches: Upstream,
    lost: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// How long others have waited for it.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Since when others wait.
    pub(super) since: Option<Instant>,
    /// Its bound at that time.
    pub(super) bound_ns: u64,
    /// How long they have waited before, since it last was up to date.
    pub(super) before: Duration,
    /// They do not wait any more.
    pub(super) late: bool,
}

/// What a look at the stream brought.
pub(super) enum Polled {
    /// A batch, whose rows are in hand now.
    Batch(Told),
    /// Nothing yet.
    Pending,
    /// Its end; `None` if that is as it should be.
    Ended(Option<Status>),
}

impl Source {
    pub(super) fn new(peer: Arc<Peer>, name: String) -> Self {
        let reader = BatchReader::new(Arc::clone(&peer.interner));
        Self {
            peer,
            name,
            connection: 0,
            stream: None,
            reader,
            rows: Rows::default(),
            offset_ns: 0,
            bound_ns: 0,
            expected: None,
            waiting: Waiting::default(),
            places: Vec::new(),
            lane_places: Vec::new(),
            watermark_ns: 0,
            newest_ns: 0,
            next_sequence: None,
            retry_at: None,
            error: None,
        }
    }

    /// Begins to read a stream.
    pub(super) fn open(&mut self, batches: Upstream, connection: &Connection) {
        self.connection = connection.number;
        self.reader = BatchReader::new(Arc::clone(&self.peer.interner));
        self.lane_places.clear();
        // What an earlier stream had promised holds for it alone: an observer that ends promises that nothing will come.
        (self.bound_ns, self.watermark_ns) = (0, 0);
        self.stream = Some(Stream {
            batches,
            lost: Box::pin(connection.lost.clone().cancelled_owned()),
        });
        self.retry_at = None;
        self.waiting = Waiting::default();
    }

    /// Reads no more.
    pub(super) fn close(&mut self) {
        self.stream = None;
    }

    /// Its times are set right by so much from now on.
    pub(super) fn correct(&mut self, offset_ns: i64) {
        self.offset_ns = offset_ns;
    }

    /// How far its clock is taken to be ahead of ours.
    pub(super) fn offset_ns(&self) -> i64 {
        self.offset_ns
    }

    /// Whether more may come.
    pub(super) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    pub(super) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// What was taken so far, for a stream that goes on from there.
    pub(super) fn places(&self) -> Vec<Place> {
        let begun = self.places.iter().filter(|place| place.next_sequence > 0);
        begun.cloned().collect()
    }

    /// The newest time of its rows, by its own clock; 0 before the first.
    pub(super) fn newest_ns(&self) -> u64 {
        self.newest_ns
    }

    /// No row that comes has an earlier place in the order.
    pub(super) fn bound_ns(&self) -> u64 {
        self.bound_ns
    }

    pub(super) fn reader(&self) -> &BatchReader {
        &self.reader
    }

    /// Looks for the next batch; all rows in hand must have been taken.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Polled {
        let Some(stream) = &mut self.stream else {
            return Polled::Pending;
        };
        match stream.batches.as_mut().poll_next(context) {
            Poll::Ready(Some(Ok(batch))) => match self.reader.accept(batch) {
                Ok((rows, told)) => {
                    self.take(rows, &told);
                    Polled::Batch(told)
                }
                Err(error) => {
                    self.stream = None;
                    let words = format!("it sends batches that cannot be read: {error}");
                    Polled::Ended(Some(Status::data_loss(words)))
                }
            },
            Poll::Ready(Some(Err(status))) => {
                self.stream = None;
                Polled::Ended(Some(status))
            }
            Poll::Ready(None) => {
                self.stream = None;
                Polled::Ended(None)
            }
            // What has come is read before the connection counts as lost.
            Poll::Pending if stream.lost.as_mut().poll(context).is_ready() => {
                self.stream = None;
                Polled::Ended(Some(Status::unavailable("the connection is lost")))
            }
            Poll::Pending => Polled::Pending,
        }
    }

    fn take(&mut self, rows: Rows, told: &Told) {
        self.rows = rows;
        self.expected = told.expected.or(self.expected);
        self.next_sequence = told.next_sequence;
        self.watermark_ns = self.corrected(told.watermark_ns);
        for &lane in &told.lanes {
            self.take_lane(usize::from(lane));
        }
        if self.rows.is_empty() {
            self.settle();
        }
    }

    /// A lane has begun: its rows move the place of its node.
    fn take_lane(&mut self, lane: usize) {
        let Some(named) = self.reader.lanes().get(lane) else {
            return;
        };
        let node_name = &named.names().node_name;
        let epoch = named.names().epoch.number();
        let known = self
            .places
            .iter()
            .position(|known| known.node_name == *node_name);
        let place = known.unwrap_or(self.places.len());
        if known.is_none() {
            self.places.push(Place::default());
        }
        if self.places[place].epoch != epoch || known.is_none() {
            self.places[place] = Place {
                node_name: node_name.clone(),
                epoch,
                next_sequence: 0,
            };
        }
        self.lane_places
            .resize(lane.max(self.lane_places.len()), place);
        match self.lane_places.get_mut(lane) {
            Some(known) => *known = place,
            None => self.lane_places.push(place),
        }
    }

    /// All rows in hand were taken: what the batch said of what comes after them holds.
    fn settle(&mut self) {
        self.bound_ns = self.bound_ns.max(self.watermark_ns);
        if let (Some(next), Some(place)) = (self.next_sequence.take(), self.places.first_mut()) {
            place.next_sequence = place.next_sequence.max(next);
        }
    }

    /// The place of its next row in the order.
    pub(super) fn head_ns(&self) -> Option<u64> {
        let (time_ns, is_loss) = self.rows.head()?;
        // A loss tells of a span: its place is where it came.
        Some(if is_loss {
            self.bound_ns
        } else {
            self.corrected(time_ns).max(self.bound_ns)
        })
    }

    /// Takes its next row, whose words are written out, and says whether it is a flow.
    #[inline]
    pub(super) fn pop(&mut self, words: &mut [u64; ROW_WORDS]) -> Option<(Entry, bool)> {
        let (time_ns, is_loss) = self.rows.head()?;
        let entry = self.rows.pop(words)?;
        if !is_loss {
            self.newest_ns = self.newest_ns.max(time_ns);
            self.bound_ns = self.bound_ns.max(self.corrected(time_ns));
        }
        if let Entry::Row { lane, sequence } = &entry
            && let Some(&place) = self.lane_places.get(usize::from(*lane))
        {
            self.places[place].next_sequence = sequence + 1;
        }
        if self.rows.is_empty() {
            self.settle();
        }
        Some((entry, !is_loss))
    }

    fn corrected(&self, time_ns: u64) -> u64 {
        time_ns.saturating_sub_signed(self.offset_ns)
    }
}
