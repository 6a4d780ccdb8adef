//! A judgement: what policy said of a packet, and by which edge and port its connection is known.

use bpf_events::{
    edge::EDGE_OTHER_END_MANAGED,
    ipcache::{ADDRESS_MANAGED, AddressInfo},
    record::{DIRECTION_EGRESS, DIRECTION_INGRESS, VERDICT_DROPPED},
};

use crate::{packet::ICMP, scene::Scene};

/// The whole judgement of a packet.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Judgement {
    pub remote: AddressInfo,
    pub rule: u32,
    pub revision: u32,
    pub edge_slot: u32,
    pub port: u16,
    pub match_type: u8,
    pub verdict: u8,
    pub reason: u8,
    /// The endpoint opened the connection; see `Scene::egress` for the type.
    pub opener_egress: u8,
    /// Only policies that audit object, so the packet passes: 0 or 1.
    pub audited: u8,
    /// The packet goes in the direction of the opener.
    pub forward: bool,
}

impl Judgement {
    /// The endpoint opened the connection.
    #[inline(always)]
    pub fn opener_egress(&self) -> bool {
        self.opener_egress & 1 != 0
    }
}

/// The responder's port, by which policy and edges know the connection; the opener's type for ICMP.
#[inline(always)]
pub fn service_port(scene: &Scene, forward: bool) -> u16 {
    let packet = &scene.packet;
    if packet.is_icmp() {
        opener_icmp_type(scene) as u16
    } else if forward {
        packet.destination_port
    } else {
        packet.source_port
    }
}

/// Policy knows an echo by its request.
#[inline(always)]
fn opener_icmp_type(scene: &Scene) -> u8 {
    match (scene.packet.protocol, scene.packet.icmp_type) {
        (ICMP, 0) => 8,
        (_, 129) => 128,
        (_, other) => other,
    }
}

/// Sets the edge that counts a connection with this judgement.
#[inline(always)]
pub fn set_edge(scene: &mut Scene) {
    let judgement = &scene.judgement;
    let (local, remote) = (scene.row.identity, judgement.remote.identity);
    let edge = &mut scene.edge;
    edge.rule = judgement.rule;
    edge.port = judgement.port;
    edge.protocol = scene.packet.protocol;
    edge.verdict = judgement.verdict;
    edge.reason = judgement.reason;
    // Drops have none: a revoked connection is known by what its entry still has.
    let passes = judgement.verdict != VERDICT_DROPPED;
    let managed = judgement.remote.flags & ADDRESS_MANAGED != 0;
    edge.flags = (passes & managed) as u16 * EDGE_OTHER_END_MANAGED;
    if judgement.opener_egress() {
        edge.source_identity = local;
        edge.destination_identity = remote;
        edge.direction = DIRECTION_EGRESS;
    } else {
        edge.source_identity = remote;
        edge.destination_identity = local;
        edge.direction = DIRECTION_INGRESS;
    }
}
