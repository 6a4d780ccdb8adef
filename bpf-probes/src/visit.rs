//! A packet at a hook: what is needed to count the next packet of a known connection.

use bpf_events::{config::Config, endpoint::EndpointRow};

use crate::packet::Packet;

/// A packet at a hook, as far as counting the next packet of a known connection needs it.
pub struct Visit<'a> {
    /// In scratch memory: what the parser's branches leave in registers or on the stack would multiply the verifier's
    /// states.
    pub packet: &'a Packet,
    pub row: &'a EndpointRow,
    pub config: &'a Config,
    /// Read before anything that they cover: what changes meanwhile is then judged again.
    pub policy_epoch: u32,
    pub identity_epoch: u32,
    pub now: u64,
    pub cpu: u32,
    pub ifindex: u32,
    pub length: u32,
    /// The packet leaves the endpoint.
    pub egress: bool,
}
