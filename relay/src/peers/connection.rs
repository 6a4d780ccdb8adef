//! The task of one peer: connects, asks every second, and connects again when there is no answer.

use std::sync::Arc;
use std::time::Duration;

use daemon::connect::{Asker, ClientSecurity, ClientTls, Windows, connect};
use proto::observer::ServerStatusRequest;
use proto::observer::observer_client::ObserverClient;
use proto::tycho::v1::batches_client::BatchesClient;
use proto::tycho::v1::{HeartbeatRequest, HeartbeatResponse, NodeKind};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::Channel;

use super::Board;
use super::state::{Backoff, FirstAnswer, Peer, PeerState, seed};
use crate::clock::wall_ns;

/// Between two heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long an answer may take before the peer counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(2);

/// A stream may have so much on its way; a client that reads slowly holds that back for each peer, and what waits longer
/// has left the processor's caches when its turn comes.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;

/// The same for Hubble's responses, which are ten times longer than rows: with less a peer waits for room more than it sends.
const HUBBLE_STREAM_WINDOW_BYTES: u32 = 256 << 10;

/// All streams of a peer together: enough that streams whose clients do not read leave room for the others.
const CONNECTION_WINDOW_BYTES: u32 = 64 << 20;

/// The windows of connections to peers.
const fn windows(stream_bytes: u32) -> Windows {
    Windows {
        stream_bytes,
        connection_bytes: CONNECTION_WINDOW_BYTES,
        frame_bytes: 256 << 10,
    }
}

/// What the tasks of all peers share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) board: Arc<Board>,
    pub(super) tls: Option<ClientTls>,
    /// This relay's own life: a peer with the same one is itself.
    pub(super) epoch: u64,
}

/// Keeps the connection until `stop`.
pub(super) async fn keep(peer: Arc<Peer>, shared: Shared, stop: CancellationToken) {
    let mut backoff = Backoff::new(seed(&peer.spec.name));
    let work = async {
        loop {
            let reason = match open(&peer, &shared).await {
                Ok((channel, first)) => {
                    let connection = peer.connected(channel.clone(), first);
                    shared.board.changed();
                    let name = peer.view().name;
                    tracing::info!(peer = name, address = %peer.spec.address, "connected");
                    backoff.reset();
                    let reason = ask(&peer, channel, &shared.board).await;
                    connection.lost.cancel();
                    tracing::warn!(peer = name, address = %peer.spec.address, reason, "lost the connection");
                    reason
                }
                Err(reason) => reason,
            };
            if peer.disconnected(PeerState::Unavailable {
                reason: reason.clone(),
            }) {
                shared.board.changed();
            } else {
                tracing::debug!(peer = peer.spec.name, reason, "still not connected");
            }
            tokio::time::sleep(backoff.pause()).await;
        }
    };
    let stopped: Option<()> = stop.run_until_cancelled(work).await;
    debug_assert!(stopped.is_none(), "the work never ends by itself");
    peer.disconnected(PeerState::Gone);
    shared.board.changed();
}

/// Connects, and finds out what the peer is.
async fn open(peer: &Peer, shared: &Shared) -> Result<(Channel, FirstAnswer), String> {
    let spec = &peer.spec;
    let security = if spec.tls {
        let mut tls = shared.tls.clone().unwrap_or_default();
        tls.server_name = spec.server_name.clone().or(tls.server_name);
        ClientSecurity::Tls(tls)
    } else {
        ClientSecurity::Plaintext
    };
    let opened = async {
        let dial = async |stream_bytes| {
            connect(&spec.address.target, &security, windows(stream_bytes))
                .await
                .map_err(|error| error.told(Asker::Relay))
        };
        let mut channel = dial(STREAM_WINDOW_BYTES).await?;
        let first = first_answer(channel.clone()).await?;
        // Windows hold for a connection, and only an answer tells what the peer is.
        if first.kind == NodeKind::Hubble {
            channel = dial(HUBBLE_STREAM_WINDOW_BYTES).await?;
        }
        if first.heartbeat.is_relay && first.heartbeat.epoch == shared.epoch {
            return Err("it is this relay itself: take it off the list of peers".to_owned());
        }
        Ok((channel, first))
    };
    match tokio::time::timeout(PATIENCE, opened).await {
        Ok(opened) => opened,
        Err(_elapsed) => Err(format!("no answer within {PATIENCE:?}")),
    }
}

async fn first_answer(channel: Channel) -> Result<FirstAnswer, String> {
    let mut client = BatchesClient::new(channel.clone());
    let sent_ns = wall_ns();
    match client.heartbeat(HeartbeatRequest {}).await {
        Ok(heartbeat) => {
            let heartbeat = heartbeat.into_inner();
            Ok(FirstAnswer {
                // A relay is no node: it is called as whoever named it calls it.
                name: Some(heartbeat.node_name.clone())
                    .filter(|name| !name.is_empty() && !heartbeat.is_relay),
                kind: if heartbeat.is_relay {
                    NodeKind::Relay
                } else {
                    NodeKind::Observer
                },
                sent_and_received_ns: Some((sent_ns, wall_ns())),
                heartbeat,
            })
        }
        Err(status) if status.code() == Code::Unimplemented => Ok(FirstAnswer {
            name: None,
            kind: NodeKind::Hubble,
            heartbeat: hubble_status(channel).await?,
            sent_and_received_ns: None,
        }),
        Err(status) => Err(words(&status)),
    }
}

/// Asks until there is no answer; says why not.
async fn ask(peer: &Peer, channel: Channel, board: &Board) -> String {
    let is_hubble = peer.view().kind == NodeKind::Hubble;
    let epoch = peer.view().heartbeat.epoch;
    let mut client = BatchesClient::new(channel.clone());
    loop {
        tokio::select! {
            () = tokio::time::sleep(HEARTBEAT) => {}
            () = peer.suspected() => {}
        }
        let sent_ns = wall_ns();
        let answer = async {
            if is_hubble {
                return Ok((hubble_status(channel.clone()).await?, None));
            }
            let answer = client.heartbeat(HeartbeatRequest {}).await;
            let heartbeat = answer.map_err(|status| words(&status))?.into_inner();
            Ok((heartbeat, Some((sent_ns, wall_ns()))))
        };
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok((heartbeat, _))) if heartbeat.epoch != epoch => {
                return "it has begun a new life".to_owned();
            }
            Ok(Ok((heartbeat, times))) => {
                if peer.answered(heartbeat, times) {
                    board.changed();
                }
            }
            Ok(Err(reason)) => return reason,
            Err(_elapsed) => return format!("no answer within {PATIENCE:?}"),
        }
    }
}

/// A Hubble server has no heartbeat, but says its counts. It does not say what time it has.
async fn hubble_status(channel: Channel) -> Result<HeartbeatResponse, String> {
    let mut client = ObserverClient::new(channel);
    let status = client.server_status(ServerStatusRequest {}).await;
    let status = status.map_err(|status| words(&status))?.into_inner();
    Ok(HeartbeatResponse {
        version: status.version,
        num_flows: status.num_flows,
        max_flows: status.max_flows,
        seen_flows: status.seen_flows,
        uptime_ns: status.uptime_ns,
        flows_rate: status.flows_rate,
        ..HeartbeatResponse::default()
    })
}

fn words(status: &tonic::Status) -> String {
    let mut words = status.message().to_owned();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(status);
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    if words.is_empty() {
        words = status.code().to_string();
    }
    words
}
