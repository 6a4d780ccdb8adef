//! Who is part of a stream: peers that are connected, those that come back, those that leave.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use flow::filter::TimeWindow;
use flow::selection::{Extent, timestamp};
use proto::observer::GetFlowsRequest;
use proto::tycho::v1::NodeKind;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::source::Source;
use super::{Merge, has_changed};
use crate::peers::{Peer, PeerState, PeerView};
use crate::upstream::{self, Wanted};

/// When a stream has failed whose connection holds, it is asked for again after this time.
pub(crate) const RETRY: Duration = Duration::from_secs(1);

impl Merge {
    /// Takes in what has changed about the peers.
    pub(super) fn look_at_peers(&mut self, context: &mut Context<'_>) {
        if self.stopping || !has_changed(&mut self.changes, context) {
            return;
        }
        let peers = named_once(&self.shared.board.peers());
        let views: Vec<PeerView> = peers.iter().map(|(_, view)| view.clone()).collect();
        self.statuses.look(&views);
        let problems = self.shared.board.problems();
        self.statuses.look_at_problems(&self.shared.name, problems);
        let is_first = self.sources.is_empty();
        for (peer, view) in &peers {
            self.look_at(peer, view, is_first);
        }
        let names: BTreeSet<&str> = views.iter().map(PeerView::short_name).collect();
        for source in &mut self.sources {
            if !names.contains(source.name.as_str()) {
                source.close();
            }
        }
    }

    fn look_at(&mut self, peer: &Arc<Peer>, view: &PeerView, is_first: bool) {
        if view.connection().is_none() {
            return;
        }
        let name = view.short_name();
        let known = self.sources.iter().position(|source| source.name == name);
        if known.is_none() && !is_first && !self.selection.follow {
            // A stream of stored flows has the nodes that it began with.
            return;
        }
        match known {
            Some(index) => self.returned(index, peer, view),
            None => self.joined(peer, view, is_first),
        }
    }

    /// A node that the stream did not have.
    fn joined(&mut self, peer: &Arc<Peer>, view: &PeerView, is_first: bool) {
        self.sources
            .push(Source::new(Arc::clone(peer), view.short_name().to_owned()));
        let index = self.sources.len() - 1;
        // Who wants what comes from now on wants it from when he asked, not from when each node has heard of it.
        let wanted = if is_first && self.selection.extent != Extent::New {
            self.wanted_first(index)
        } else {
            // Its flows are later than those that are counted.
            self.sources[index].expected = Some(0);
            self.wanted_again(index, view.kind)
        };
        self.open(index, view, &wanted);
    }

    /// A node that the stream has. Over a new connection, and when its clock is found to be elsewhere, it is asked anew
    /// once all rows in hand are taken.
    fn returned(&mut self, index: usize, peer: &Arc<Peer>, view: &PeerView) {
        let source = &mut self.sources[index];
        let connection = view.connection().map_or(0, |connection| connection.number);
        let is_same = source.connection == connection && Arc::ptr_eq(&source.peer, peer);
        let is_right = !peer.has_moved_from(source.offset_ns(), self.shared.bounds.skew);
        if is_same && is_right || !self.selection.follow {
            return;
        }
        source.close();
        source.peer = Arc::clone(peer);
        source.retry_at = Some(Instant::now());
    }

    /// Asks again, if the node is there.
    pub(super) fn retry(&mut self, index: usize) {
        let source = &mut self.sources[index];
        source.retry_at = None;
        let view = source.peer.view();
        if view.connection().is_some() && !source.is_open() {
            let wanted = self.wanted_again(index, view.kind);
            self.open(index, &view, &wanted);
        }
    }

    fn open(&mut self, index: usize, view: &PeerView, wanted: &Wanted) {
        let Some(connection) = view.connection() else {
            return;
        };
        let source = &mut self.sources[index];
        let offset = source.peer.skew(self.shared.bounds.skew);
        let was_skewed = source.offset_ns() != 0;
        source.correct(offset.map_or(0, |offset| offset.offset_ns));
        if offset.is_none() && was_skewed {
            self.statuses.set_right(&source.name);
        }
        if let Some(offset) = offset {
            let apart = Duration::from_nanos(offset.offset_ns.unsigned_abs());
            let way = if offset.offset_ns > 0 {
                "ahead of"
            } else {
                "behind"
            };
            let words = format!(
                "skewed: its clock is {apart:.3?} {way} the relay's; its flows are merged by corrected times"
            );
            self.statuses.error(&source.name, &words);
        }
        source.open(upstream::open(view, connection, wanted), connection);
    }

    /// What to ask of a node that comes later, or again. It goes on at its places: in a new life all of its flows are
    /// later than what the stream has of it, whatever its clock says. Without a place it is what it has seen since the
    /// stream began, or since it was last heard.
    fn wanted_again(&self, index: usize, kind: NodeKind) -> Wanted {
        let source = &self.sources[index];
        let mut resume = source.places();
        let begun = resume.len();
        let known: BTreeSet<String> = resume.iter().map(|at| at.node_name.clone()).collect();
        let asked = self.wanted.resume.iter();
        resume.extend(asked.filter(|at| !known.contains(&at.node_name)).cloned());
        let window = self.window_at(index);
        let since_ns = match (kind, source.newest_ns(), window.since_ns) {
            (NodeKind::Hubble, newest_ns @ 1.., _) => newest_ns + 1,
            // Of a relay's nodes some may have no place yet.
            (NodeKind::Observer, _, 0) if begun > 0 => 0,
            (_, _, 0) => self.began_at(index),
            (_, _, since_ns) => since_ns,
        };
        Wanted {
            flows: GetFlowsRequest {
                number: 0,
                since: Some(timestamp(since_ns)),
                ..self.wanted_first(index).flows
            },
            resume,
            path: self.wanted.path.clone(),
        }
    }

    /// When the stream began, by a node's clock; by what its clock was before, if that is earlier: flows may still come that
    /// have such times.
    fn began_at(&self, index: usize) -> u64 {
        let source = &self.sources[index];
        let by_its_clock = source.peer.its_time_ns(self.began_ns);
        if source.connection == 0 {
            return by_its_clock;
        }
        by_its_clock.min(self.began_ns.saturating_add_signed(source.offset_ns()))
    }

    /// What to ask of a node that is there from the start.
    fn wanted_first(&self, index: usize) -> Wanted {
        let window = self.window_at(index);
        let mut wanted = self.wanted.clone();
        wanted.flows.since = wanted.flows.since.map(|_| timestamp(window.since_ns));
        wanted.flows.until = wanted.flows.until.map(|_| timestamp(window.until_ns));
        wanted
    }

    /// The times that the client has named: by the clock of a node whose times are corrected.
    fn window_at(&self, index: usize) -> TimeWindow {
        let mut window = self.selection.window;
        let peer = &self.sources[index].peer;
        if let Some(clock) = peer.skew(self.shared.bounds.skew) {
            if window.since_ns > 0 {
                window.since_ns = peer.its_time_ns(window.since_ns);
            }
            if window.until_ns < u64::MAX {
                window.until_ns = window.until_ns.saturating_add_signed(clock.offset_ns);
            }
        }
        window
    }

    /// A stream has ended, or broken.
    pub(super) fn source_ended(&mut self, index: usize, error: Option<Status>) {
        let source = &mut self.sources[index];
        let is_lost = error.as_ref().is_none_or(is_transport);
        if is_lost {
            source.peer.suspect();
        }
        if self.selection.follow && !self.stopping {
            source.retry_at = Some(Instant::now() + RETRY);
        }
        // A connection that is lost is told by whoever keeps it.
        if let Some(status) = error.filter(|_| !is_lost || !self.selection.follow) {
            let words = status.message().to_owned();
            if source.error.as_ref() != Some(&words) {
                self.statuses.error(&source.name, &words);
                source.error = Some(words);
            }
        }
    }
}

/// Whether the way is broken, rather than that the peer has refused.
pub(crate) fn is_transport(status: &Status) -> bool {
    status.code() == Code::Unavailable || std::error::Error::source(status).is_some()
}

/// The peers; of two that turn out to be the same life of the same node, the first. Others that have the same name are
/// told apart by their addresses.
pub(crate) fn named_once(peers: &[Arc<Peer>]) -> Vec<(Arc<Peer>, PeerView)> {
    let views = peers.iter().map(|peer| (Arc::clone(peer), peer.view()));
    let mut views: Vec<(Arc<Peer>, PeerView)> = views
        .filter(|(_, view)| !matches!(view.state, PeerState::Gone))
        .collect();
    // One that is connected goes before one that is not.
    views.sort_by_key(|(_, view)| view.connection().is_none());
    let mut epochs: BTreeMap<String, u64> = BTreeMap::new();
    views.retain_mut(|(_, view)| match epochs.get(&view.name) {
        None => {
            epochs.insert(view.name.clone(), view.heartbeat.epoch);
            true
        }
        Some(epoch) if *epoch == view.heartbeat.epoch && *epoch != 0 => false,
        Some(_) => {
            view.name = format!("{} ({})", view.name, view.spec.address);
            true
        }
    });
    views
}
