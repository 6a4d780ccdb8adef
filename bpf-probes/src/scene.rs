//! The scene: what is known of a packet that needs more than counting, in per-CPU scratch memory.
//!
//! It lies in a map and not on the stack: the stack has 512 bytes, and what lies there multiplies the states that the
//! verifier has to follow.

use aya_ebpf::{macros::map, maps::PerCpuArray};
use bpf_events::{
    config::Config,
    connection::{Connection, ConnectionKey4, ConnectionKey6},
    edge::EdgeKey,
    endpoint::EndpointRow,
    policy::{PolicyCell, PolicyKey},
};

use crate::{
    count::{cpu, jiffies, total},
    judgement::Judgement,
    key::{key4, key6},
    maps::CONFIG,
    packet::Packet,
    visit::Visit,
};

/// Bytes of a quoted header that are looked at, at most.
pub const QUOTE_WORDS: usize = 10;

/// Scratch of the packet programs.
pub const FOR_PACKETS: u32 = 0;
/// Scratch of the sweeper, which a packet may interrupt on its CPU.
const FOR_SWEEPER: u32 = 1;

/// What a program works on; it would crowd the 512-byte stack. One for packets, one for the sweeper.
#[map]
pub static SCRATCH: PerCpuArray<Scene> = PerCpuArray::with_max_entries(2, 0);

/// What differs from event to event; the rest comes from the scene.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Event {
    pub packets: u64,
    pub bytes: u64,
    pub source_identity: u32,
    pub destination_identity: u32,
    pub source_metadata: u32,
    pub destination_metadata: u32,
    pub rule: u32,
    pub policy_revision: u32,
    pub edge_slot: u32,
    pub kind: u8,
    pub verdict: u8,
    pub reason: u8,
    pub match_type: u8,
    pub direction: u8,
    pub reply: u8,
    pub observation_point: u8,
    pub trace_reason: u8,
    pub tcp_flags: u8,
    pub marks: u8,
}

/// What is known of the packet at hand, and what is made of it.
#[repr(C)]
pub struct Scene {
    pub packet: Packet,
    /// What an ICMP error quotes, and its bytes at hand.
    pub quote: Packet,
    pub quote_words: [u32; QUOTE_WORDS],
    pub row: EndpointRow,
    pub judgement: Judgement,
    pub event: Event,
    pub connection: Connection,
    pub key4: ConnectionKey4,
    pub key6: ConnectionKey6,
    pub edge: EdgeKey,
    /// The best policy cell so far.
    pub best: PolicyCell,
    pub cell_key: PolicyKey,
    pub now: u64,
    pub trace_interval: u64,
    pub ticks: u64,
    pub drop_event_cost_ns: u64,
    pub cpu: u32,
    pub ifindex: u32,
    pub policy_epoch: u32,
    pub identity_epoch: u32,
    pub aggregation: u32,
    pub flags: u32,
    pub length: u32,
    pub edge_slots: u32,
    /// What the last event writer said.
    pub told: i32,
    /// Not a bool: the verifier must see that it is 0 or 1, see `egress()`.
    egress: u8,
}

impl Scene {
    /// Completes the scene of a visit, whose packet is already in it.
    #[inline(always)]
    pub fn of(visit: &Visit<'_>) -> Option<&'static mut Self> {
        let scene = Self::set(FOR_PACKETS, visit.config, visit.egress)?;
        // Field by field, see `words`.
        scene.row.identity = visit.row.identity;
        scene.row.metadata = visit.row.metadata;
        scene.row.policy_set = visit.row.policy_set;
        scene.row.other_slot = visit.row.other_slot;
        scene.row.endpoint = visit.row.endpoint;
        scene.row.mode = visit.row.mode;
        scene.row.spoofing = visit.row.spoofing;
        scene.policy_epoch = visit.policy_epoch;
        scene.identity_epoch = visit.identity_epoch;
        scene.now = visit.now;
        scene.cpu = visit.cpu;
        scene.ifindex = visit.ifindex;
        scene.length = visit.length;
        scene.set_key();
        Some(scene)
    }

    /// Works out the key of the packet's connection.
    #[inline(always)]
    pub fn set_key(&mut self) {
        let (endpoint, egress) = (self.row.endpoint, self.egress());
        if self.packet.is_ipv6() {
            self.key6 = key6(&self.packet, endpoint, egress);
        } else {
            self.key4 = key4(&self.packet, endpoint, egress);
        }
    }

    /// Sets a scene without a packet, for the sweeper.
    #[inline(always)]
    pub fn for_sweeper(endpoint: u16) -> Option<&'static mut Self> {
        let scene = Self::set(FOR_SWEEPER, CONFIG.get(0)?, true)?;
        scene.packet.begin();
        scene.packet.clear_addresses();
        scene.packet.macs = [0; 3];
        scene.row.endpoint = endpoint;
        scene.now = jiffies();
        scene.cpu = cpu();
        scene.length = 0;
        scene.ifindex = 0;
        Some(scene)
    }

    #[inline(always)]
    fn set(scratch: u32, config: &Config, egress: bool) -> Option<&'static mut Self> {
        let scene = SCRATCH.get_ptr_mut(scratch)?;
        // SAFETY: this CPU's own scratch value; programs on one CPU do not interrupt each other.
        let scene = unsafe { &mut *scene };
        scene.trace_interval = config.trace_interval_jiffies;
        scene.ticks = config.jiffies_per_second;
        scene.drop_event_cost_ns = config.drop_event_cost_ns;
        scene.aggregation = config.aggregation;
        scene.flags = config.flags;
        scene.edge_slots = config.edge_slots;
        scene.egress = egress as u8;
        Some(scene)
    }

    /// The packet leaves the endpoint.
    #[inline(always)]
    pub fn egress(&self) -> bool {
        self.egress & 1 != 0
    }

    /// Keeps what an event writer said. Someone must want its result, or the compiler returns garbage in its place, which
    /// the verifier refuses.
    #[inline(always)]
    pub fn note(&mut self, told: i32) {
        self.told = told;
    }

    /// Counts the packet under one outcome of this hook.
    #[inline(always)]
    pub fn total(&self, code: u32) {
        total(self.cpu, code, self.egress(), &self.packet);
    }
}
