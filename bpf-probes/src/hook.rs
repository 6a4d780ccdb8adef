//! One packet at one hook: who, may it, count, tell.

use aya_ebpf::{
    bindings::{__sk_buff, TC_ACT_SHOT, TC_ACT_UNSPEC},
    helpers::bpf_skb_pull_data,
    programs::TcContext,
};
use bpf_events::{
    connection::{Connection, ConnectionKey4, ConnectionKey6},
    counters::{Counter, TOTAL_ALWAYS_PASSED, TOTAL_EGRESS, TOTAL_NO_ENDPOINT},
    edge::EdgeKey,
    endpoint::EndpointRow,
    policy::{PolicyCell, PolicyKey},
    record::{MARK_FRAGMENT, REASON_FRAGMENT_NOT_FOUND},
};

use crate::{
    connection, drops,
    event::Event,
    judge::{self, Judgement},
    maps::{CONFIG, ENDPOINT_BY_INTERFACE, ENDPOINT_ROWS, SCRATCH, count, cpu, jiffies, total},
    packet::{Packet, Parsed, parse},
};

/// Lets the next program of the chain decide (`TCX_NEXT`).
pub const NEXT: i32 = TC_ACT_UNSPEC;
/// Drops the packet (`TCX_DROP`).
pub const DROP: i32 = TC_ACT_SHOT as i32;

/// Longest headers that are pulled into the linear part.
const PULL_BYTES: u32 = 256;

/// Scratch of the packet programs.
pub const FOR_PACKETS: u32 = 0;
/// Scratch of the sweeper, which a packet may interrupt on its CPU.
pub const FOR_SWEEPER: u32 = 1;

/// What is known of the packet at hand, and what is made of it.
#[repr(C)]
pub struct Scene {
    pub packet: Packet,
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
    /// Run by the sweeper: there is no packet.
    pub sweeping: bool,
}

impl Scene {
    /// Sets the scene in this CPU's scratch.
    #[inline(always)]
    pub fn set(scratch: u32, skb: *mut __sk_buff, egress: bool) -> Option<&'static mut Self> {
        let config = CONFIG.get(0)?;
        let scene = SCRATCH.get_ptr_mut(scratch)?;
        // SAFETY: this CPU's own scratch value; programs on one CPU do not interrupt each other. The kernel hands a valid
        // skb to the program.
        let (scene, skb) = unsafe { (&mut *scene, &*skb) };
        scene.packet.clear();
        scene.now = jiffies();
        scene.trace_interval = config.trace_interval_jiffies;
        scene.ticks = config.jiffies_per_second;
        scene.drop_event_cost_ns = config.drop_event_cost_ns;
        scene.cpu = cpu();
        scene.ifindex = skb.ifindex;
        scene.policy_epoch = config.policy_epoch;
        scene.identity_epoch = config.identity_epoch;
        scene.aggregation = config.aggregation;
        scene.flags = config.flags;
        scene.length = skb.len;
        scene.edge_slots = config.edge_slots;
        scene.egress = egress as u8;
        scene.sweeping = false;
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
        let hook = if self.egress() { TOTAL_EGRESS } else { 0 };
        total(
            self.cpu,
            code + hook,
            self.packet.packets,
            self.packet.bytes,
        );
    }
}

#[inline(always)]
pub fn run<const EGRESS: bool>(context: &TcContext) -> i32 {
    let skb = context.skb.skb;
    // SAFETY: the kernel hands a valid skb to the program.
    let (ifindex, length) = unsafe { ((*skb).ifindex, (*skb).len) };
    let Some(row) = endpoint(ifindex) else {
        let hook = if EGRESS { TOTAL_EGRESS } else { 0 };
        total(cpu(), TOTAL_NO_ENDPOINT + hook, 1, length as u64);
        return NEXT;
    };
    let Some(scene) = Scene::set(FOR_PACKETS, skb, EGRESS) else {
        return NEXT;
    };
    scene.row = *row;
    match parse_linear(skb, scene) {
        Parsed::Yes => {}
        Parsed::AlwaysPasses => {
            scene.total(TOTAL_ALWAYS_PASSED);
            return NEXT;
        }
        Parsed::NotLinear => return drops::unparsed(scene, 0),
        Parsed::No(reason) => return drops::unparsed(scene, reason as u64),
    }
    if scene.packet.marks & MARK_FRAGMENT != 0 && !connection::fragment(scene) {
        count(Counter::FragmentsUnknown, 1);
        return drops::unparsed(scene, REASON_FRAGMENT_NOT_FOUND as u64);
    }
    connection::set_key(scene);
    decide(scene)
}

#[inline(always)]
fn decide(scene: &mut Scene) -> i32 {
    if let Some(connection) = connection::find(scene)
        && connection::is_current(connection, scene)
    {
        return connection::account(scene, connection);
    }
    match judge::judge(scene) {
        judge::ACCOUNT => match connection::find(scene) {
            Some(connection) => connection::account(scene, connection),
            None => NEXT,
        },
        action => action,
    }
}

/// The endpoint that owns the interface.
#[inline(always)]
fn endpoint(ifindex: u32) -> Option<&'static EndpointRow> {
    let entry = ENDPOINT_BY_INTERFACE.get_ptr(ifindex & 0xffff)?;
    // SAFETY: an aligned word of a map value; volatile, since user space switches it while we run.
    let entry = unsafe { core::ptr::read_volatile(entry) };
    if entry as u32 != ifindex {
        return None;
    }
    ENDPOINT_ROWS.get((entry >> 32) as u32)
}

/// Parses, and pulls the headers into the linear part only if they are not there.
#[inline(always)]
fn parse_linear(skb: *mut __sk_buff, scene: &mut Scene) -> Parsed {
    let parsed = parse(skb, &mut scene.packet);
    if !matches!(parsed, Parsed::NotLinear) {
        return parsed;
    }
    count(Counter::Pulled, 1);
    let bytes = if scene.length < PULL_BYTES {
        scene.length
    } else {
        PULL_BYTES
    };
    // SAFETY: the context is valid; packet pointers are read anew by `parse`.
    unsafe { bpf_skb_pull_data(skb, bytes) };
    scene.packet.clear();
    parse(skb, &mut scene.packet)
}
