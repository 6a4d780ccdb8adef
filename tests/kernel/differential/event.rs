//! An event, as the model expects it and as a record tells it.

use std::net::{IpAddr, Ipv6Addr};

use bpf_events::policy::{RULE_LOCAL_HOST, RULE_NONE};
use bpf_events::record::{MARK_IPV6, Record};

use super::names::LOCAL_HOST;

/// Identity and metadata index.
pub(super) type Who = (u32, u32);

/// All that a record says but for clocks, sequence, CPU, edge slot and MACs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// `KIND_*`.
    pub(super) kind: u8,
    /// Number of the endpoint.
    pub(super) endpoint: u16,
    /// `VERDICT_*`.
    pub(super) verdict: u8,
    /// Drop reason.
    pub(super) reason: u8,
    /// The rule in words.
    pub(super) rule: String,
    /// `MATCH_*`.
    pub(super) match_type: u8,
    /// Revision of the policy.
    pub(super) revision: u32,
    /// `DIRECTION_*`.
    pub(super) direction: u8,
    /// `REPLY_*`.
    pub(super) reply: u8,
    /// `POINT_*`.
    pub(super) point: u8,
    /// `TRACE_*`.
    pub(super) trace_reason: u8,
    /// Addresses of source and destination.
    pub(super) addresses: [IpAddr; 2],
    /// Their ports.
    pub(super) ports: [u16; 2],
    /// Who they are.
    pub(super) who: [Who; 2],
    /// IP protocol.
    pub(super) protocol: u8,
    /// Type of ICMP.
    pub(super) icmp_type: u8,
    /// Flags of TCP.
    pub(super) tcp_flags: u8,
    /// Packets that it stands for.
    pub(super) packets: u32,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Length of the packet at hand, 0 if it is about others.
    pub(super) length: u32,
    /// `MARK_*`.
    pub(super) marks: u8,
    /// VLAN tag.
    pub(super) vlan: u16,
}

impl Event {
    /// What a record tells; `names` gives the words of a rule number.
    pub(super) fn of(record: &Record, names: impl Fn(u32) -> String) -> Self {
        let address = |bytes: [u8; 16]| {
            let address = Ipv6Addr::from(bytes);
            match address.to_ipv4_mapped() {
                Some(v4) if record.marks & MARK_IPV6 == 0 => IpAddr::V4(v4),
                _ => IpAddr::V6(address),
            }
        };
        Self {
            kind: record.kind,
            endpoint: record.endpoint,
            verdict: record.verdict,
            reason: record.reason,
            rule: match record.rule {
                RULE_NONE => "none".to_owned(),
                RULE_LOCAL_HOST => LOCAL_HOST.to_owned(),
                number => names(number),
            },
            match_type: record.match_type,
            revision: record.policy_revision,
            direction: record.direction,
            reply: record.reply,
            point: record.observation_point,
            trace_reason: record.trace_reason,
            addresses: [
                address(record.source_address),
                address(record.destination_address),
            ],
            ports: [record.source_port, record.destination_port],
            who: [
                (record.source_identity, record.source_metadata),
                (record.destination_identity, record.destination_metadata),
            ],
            protocol: record.protocol,
            icmp_type: record.icmp_type,
            tcp_flags: record.tcp_flags,
            packets: record.packets,
            bytes: record.bytes,
            length: record.length,
            marks: record.marks,
            vlan: record.vlan,
        }
    }
}
