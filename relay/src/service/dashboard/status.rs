//! How the server and its nodes are.

use std::sync::Arc;

use proto::tycho::v1::{DashboardStatus, NodeHealth, Resolution};

use super::worker::wall_ms;
use crate::dashboard::{Dashboard, Extent, as_ms};
use crate::peers::PeerState;
use crate::service::answers::Relay;
use crate::service::nodes::node_state;

/// As it is now.
pub(super) fn status(
    relay: &Relay,
    dashboard: &Arc<Dashboard>,
    extent: &Extent,
    newest_sequence: u64,
) -> DashboardStatus {
    let now_ms = wall_ms();
    let peers = relay.board.peers();
    let views: Vec<_> = peers.iter().map(|peer| peer.view()).collect();
    let connected = views
        .iter()
        .filter(|view| matches!(view.state, PeerState::Connected(_)));
    let flows_rate = connected.map(|view| view.heartbeat.flows_rate).sum();
    let counts = dashboard.lock();
    let nodes = views.iter().map(|view| {
        let name = view.short_name();
        let oldest_ms = dashboard.oldest_ms(name);
        let ring_age_ms = oldest_ms.map(|oldest_ms| as_ms(now_ms.saturating_sub(oldest_ms)));
        NodeHealth {
            node: Some(node_state(view, relay.bounds.skew)),
            ring_age_ms,
            lag_ms: dashboard.lag_ms(name).map(as_ms),
            lost: counts.lost_of(&view.name),
        }
    });
    let resolutions = extent.resolutions.iter();
    let resolutions = resolutions.map(|(length_ms, oldest_ms, cut)| Resolution {
        length_ms: u32::try_from(*length_ms).unwrap_or(u32::MAX),
        oldest_ms: as_ms(*oldest_ms),
        cut: *cut,
    });
    DashboardStatus {
        now_ms: as_ms(now_ms),
        newest_sequence,
        nodes: nodes.collect(),
        flows_rate,
        resolutions: resolutions.collect(),
        series: u32::try_from(extent.series).unwrap_or(u32::MAX),
        most_series: u32::try_from(extent.most_series).unwrap_or(u32::MAX),
        bytes_held: extent.bytes as u64,
        in_other: extent.in_other,
        server: relay.name.to_string(),
        version: Relay::version(),
    }
}
