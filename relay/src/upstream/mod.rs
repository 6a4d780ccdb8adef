//! Streams from peers: whatever a peer speaks, it comes as batches.

mod hubble;
mod raw;
mod request;
mod tycho;

use std::pin::Pin;

use futures_util::Stream;
use proto::tycho::v1::{Batch, NodeKind};
use tonic::Status;

use crate::peers::{Connection, PeerView};
pub(crate) use request::{RelayPath, Wanted};

/// Batches of one peer.
pub(crate) type Upstream = Pin<Box<dyn Stream<Item = Result<Batch, Status>> + Send>>;

/// Opens the stream of a request; nothing is awaited before the stream is polled.
pub(crate) fn open(peer: &PeerView, connection: &Connection, wanted: &Wanted) -> Upstream {
    match peer.kind {
        NodeKind::Hubble => hubble::open(connection.channel.clone(), wanted),
        _ => tycho::open(connection.channel.clone(), wanted),
    }
}
