//! One peer, and what is known of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flow::batch::Interner;
use proto::tycho::v1::{HeartbeatResponse, NodeKind};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::PeerSpec;
use crate::clock::{ClockEstimate, ClockOffset, wall_ns};

/// A clock that is found so far from where it was told to be is told anew.
const MOVED: Duration = Duration::from_millis(100);

/// A peer that some source names. It goes when no source does.
#[derive(Debug)]
pub struct Peer {
    /// Where it is.
    pub spec: PeerSpec,
    /// Shares what streams from it are told alike.
    pub(crate) interner: Arc<Interner>,
    known: Mutex<Known>,
    /// A stream from it has broken: it is to be asked at once.
    suspected: Notify,
}

/// What is known at one moment.
#[derive(Debug)]
struct Known {
    name: String,
    state: PeerState,
    since_ns: u64,
    heartbeat: HeartbeatResponse,
    kind: NodeKind,
    clock: ClockEstimate,
    /// How far it was ahead when that was last told.
    told_offset_ns: i64,
    connects: u64,
}

/// Whether it can be asked.
#[derive(Clone, Debug)]
pub enum PeerState {
    /// It answers.
    Connected(Connection),
    /// It does not.
    Unavailable {
        /// Why.
        reason: String,
    },
    /// No source names it any more.
    Gone,
}

/// A connection that answers.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The way.
    pub channel: Channel,
    /// Cancelled when it answers no more.
    pub lost: CancellationToken,
    /// Which connection to this peer it is, from 1.
    pub number: u64,
}

/// A copy of what is known of a peer.
#[derive(Clone, Debug)]
pub struct PeerView {
    /// `cluster/node`.
    pub name: String,
    /// Where it is.
    pub spec: PeerSpec,
    /// Whether it can be asked.
    pub state: PeerState,
    /// Since when, nanoseconds since 1970.
    pub since_ns: u64,
    /// What it last said of itself.
    pub heartbeat: HeartbeatResponse,
    /// What it is.
    pub kind: NodeKind,
    /// How far its clock is off.
    pub clock: Option<ClockOffset>,
    /// How often it was connected to.
    pub connects: u64,
}

impl Peer {
    pub(super) fn new(spec: PeerSpec) -> Self {
        let known = Known {
            name: spec.name.clone(),
            state: PeerState::Unavailable {
                reason: "not connected yet".to_owned(),
            },
            since_ns: wall_ns(),
            heartbeat: HeartbeatResponse::default(),
            kind: NodeKind::Unspecified,
            clock: ClockEstimate::default(),
            told_offset_ns: 0,
            connects: 0,
        };
        Self {
            spec,
            interner: Arc::default(),
            known: Mutex::new(known),
            suspected: Notify::new(),
        }
    }

    /// What is known now.
    #[must_use]
    pub fn view(&self) -> PeerView {
        let known = self.lock();
        PeerView {
            name: known.name.clone(),
            spec: self.spec.clone(),
            state: known.state.clone(),
            since_ns: known.since_ns,
            heartbeat: known.heartbeat.clone(),
            kind: known.kind,
            clock: known.clock.best(),
            connects: known.connects,
        }
    }

    /// A stream from it has broken.
    pub(crate) fn suspect(&self) {
        self.suspected.notify_one();
    }

    /// Waits until a stream from it breaks.
    pub(super) async fn suspected(&self) {
        self.suspected.notified().await;
    }

    /// What its clock says at a time of ours, or a little earlier if that is not known exactly.
    pub(crate) fn its_time_ns(&self, time_ns: u64) -> u64 {
        let Some(clock) = self.lock().clock.best() else {
            return time_ns;
        };
        let its_ns = time_ns.saturating_add_signed(clock.offset_ns);
        its_ns.saturating_sub(clock.error_ns)
    }

    /// How far its clock is off, if it is beyond a bound.
    pub(crate) fn skew(&self, bound: Duration) -> Option<ClockOffset> {
        let offset = self.lock().clock.best();
        offset.filter(|offset| offset.is_beyond(bound))
    }

    /// Whether its clock is now known to be further than a bound from where it was thought to be.
    pub(crate) fn has_moved_from(&self, offset_ns: i64, bound: Duration) -> bool {
        let offset = self.lock().clock.best();
        offset.is_some_and(|offset| offset.beside(offset_ns).is_beyond(bound))
    }

    /// It answers. Gives the connection.
    pub(super) fn connected(&self, channel: Channel, first: FirstAnswer) -> Connection {
        let mut known = self.lock();
        known.connects += 1;
        let connection = Connection {
            channel,
            lost: CancellationToken::new(),
            number: known.connects,
        };
        if let Some(name) = first.name {
            known.name = name;
        }
        known.kind = first.kind;
        known.heartbeat = first.heartbeat;
        known.clock = ClockEstimate::default();
        if let Some((sent_ns, received_ns)) = first.sent_and_received_ns {
            let peer_ns = known.heartbeat.wall_ns;
            known.clock.add(sent_ns, peer_ns, received_ns);
        }
        known.told_offset_ns = known.clock.best().map_or(0, |clock| clock.offset_ns);
        known.state = PeerState::Connected(connection.clone());
        known.since_ns = wall_ns();
        connection
    }

    /// It has answered again. Says whether its clock is somewhere else than was told: it was set, it drifts, or it is known
    /// better now.
    pub(super) fn answered(
        &self,
        heartbeat: HeartbeatResponse,
        sent_and_received_ns: Option<(u64, u64)>,
    ) -> bool {
        let mut known = self.lock();
        if let Some((sent_ns, received_ns)) = sent_and_received_ns {
            known.clock.add(sent_ns, heartbeat.wall_ns, received_ns);
        }
        known.heartbeat = heartbeat;
        let Some(clock) = known.clock.best() else {
            return false;
        };
        let moved = clock.beside(known.told_offset_ns).is_beyond(MOVED);
        if moved {
            known.told_offset_ns = clock.offset_ns;
        }
        moved
    }

    /// It does not answer (any more), or is not wanted any more. Says whether anybody can tell the difference.
    pub(super) fn disconnected(&self, state: PeerState) -> bool {
        let mut known = self.lock();
        let before = std::mem::replace(&mut known.state, state);
        match before {
            PeerState::Connected(connection) => connection.lost.cancel(),
            PeerState::Unavailable { .. } if !matches!(known.state, PeerState::Gone) => {
                return false;
            }
            _ => {}
        }
        known.since_ns = wall_ns();
        true
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Each change is whole by the time the lock is given back.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a peer said when it was first asked.
#[derive(Debug)]
pub(super) struct FirstAnswer {
    pub(super) name: Option<String>,
    pub(super) kind: NodeKind,
    pub(super) heartbeat: HeartbeatResponse,
    pub(super) sent_and_received_ns: Option<(u64, u64)>,
}

impl PeerView {
    /// The connection, if there is one.
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        match &self.state {
            PeerState::Connected(connection) => Some(connection),
            _ => None,
        }
    }

    /// The name as Hubble's clients see it: without the cluster `default`.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.name.strip_prefix("default/").unwrap_or(&self.name)
    }
}

/// A pause that grows with each failure, with jitter so that peers that failed together do not return together.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    random: u64,
}

/// The first pause.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            random: seed | 1,
        }
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next pause: between half and all of what the failures so far make it.
    pub(super) fn pause(&mut self) -> Duration {
        let whole = FIRST_PAUSE
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        // xorshift: good enough to spread pauses.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let half = whole / 2;
        half + half.mul_f64((self.random >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// A seed that differs between peers and starts.
pub(super) fn seed(name: &str) -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one((name, Instant::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ() {
        let mut backoff = Backoff::new(7);
        let pauses: Vec<Duration> = (0..12).map(|_| backoff.pause()).collect();
        for (failures, pause) in (0..).zip(&pauses) {
            let whole = FIRST_PAUSE.saturating_mul(1 << failures).min(LONGEST_PAUSE);
            assert!(
                *pause >= whole / 2 && *pause <= whole,
                "{failures}: {pause:?}"
            );
        }
        assert_ne!(pauses[10], pauses[11]);
        backoff.reset();
        assert!(backoff.pause() <= FIRST_PAUSE);
    }
}
