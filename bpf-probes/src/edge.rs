//! Edge slots: exact counters per (who, whom, protocol, port, direction, verdict, reason, rule).

use core::ptr::null_mut;

use bpf_events::{
    connection::FORWARD,
    counters::Counter,
    edge::{DENIED_PORTS_PER_PAIR, DeniedPair, EdgeState},
};

use crate::{
    count::count,
    maps::{DENIED_PORTS, EDGE_CELLS, EDGES, FREE_SLOTS},
    packet::Packet,
    scene::Scene,
};

const NO_EXIST: u64 = 1;

/// The cells of one CPU.
pub struct Cells {
    pub cpu: u32,
    pub slots: u32,
}

impl Cells {
    /// Adds the packet to the cell of the slot.
    #[inline(always)]
    pub fn add(&self, slot: u32, direction: usize, packet: &Packet) {
        if slot >= self.slots {
            count(Counter::Impossible, 1);
            return;
        }
        let Some(cell) = EDGE_CELLS.get_ptr_mut(self.cpu * self.slots + slot) else {
            count(Counter::Impossible, 1);
            return;
        };
        // SAFETY: the cell is this CPU's own, and tc programs do not interrupt each other on a CPU.
        unsafe {
            if direction == FORWARD {
                (*cell).forward_packets += packet.packets;
                (*cell).forward_bytes += packet.bytes;
            } else {
                (*cell).reply_packets += packet.packets;
                (*cell).reply_bytes += packet.bytes;
            }
        }
    }
}

/// Adds the scene's packet to the slot of its judgement.
#[inline(always)]
pub fn add(scene: &Scene, direction: usize) {
    let cells = Cells {
        cpu: scene.cpu,
        slots: scene.edge_slots,
    };
    cells.add(scene.judgement.edge_slot, direction, &scene.packet);
}

/// The state of the scene's edge with its slot, taking a free slot for a new edge; null if no slot is free.
#[inline(never)]
pub fn find(scene: &mut Scene) -> *mut EdgeState {
    if let Some(state) = EDGES.get_ptr_mut(&scene.edge) {
        return state;
    }
    let Ok(Some(slot)) = FREE_SLOTS.pop() else {
        count(Counter::EdgeSlotsExhausted, 1);
        return null_mut();
    };
    let state = EdgeState {
        pending_packets: 0,
        pending_bytes: 0,
        metadata: 0,
        slot,
        ifindex: 0,
        endpoint: 0,
        reserved: 0,
    };
    if EDGES.insert(&scene.edge, state, NO_EXIST).is_err() {
        // Another CPU was faster, or the map is full: the slot goes back.
        if FREE_SLOTS.push(slot, 0).is_err() {
            count(Counter::Impossible, 1);
        }
    }
    match EDGES.get_ptr_mut(&scene.edge) {
        Some(state) => state,
        None => {
            count(Counter::EdgeSlotsExhausted, 1);
            null_mut()
        }
    }
}

/// Denied edges: a scan of many ports must not use up the slots, so ports beyond the first 64 of a pair share one edge.
#[inline(always)]
pub fn find_denied(scene: &mut Scene) -> *mut EdgeState {
    if let Some(state) = EDGES.get_ptr_mut(&scene.edge) {
        return state;
    }
    let pair = DeniedPair {
        source_identity: scene.edge.source_identity,
        destination_identity: scene.edge.destination_identity,
        protocol: scene.edge.protocol as u32,
    };
    match DENIED_PORTS.get_ptr_mut(pair) {
        // SAFETY: a live map value; a lost race lets one port more have its own edge.
        Some(ports) => unsafe {
            if *ports >= DENIED_PORTS_PER_PAIR {
                scene.edge.port = 0;
                count(Counter::DeniedPortsFolded, 1);
            } else {
                *ports += 1;
            }
        },
        None => {
            // An LRU map takes every insert; if not, the pair starts again at its first port.
            if DENIED_PORTS.insert(pair, 1u32, 0).is_err() {
                count(Counter::Impossible, 1);
            }
        }
    }
    find(scene)
}
