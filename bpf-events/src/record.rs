//! The event record: 128 bytes, written once by the kernel into the BPF ring buffer.
//!
//! Addresses, MACs and ports are in network order as byte arrays or converted to host order where a number is meant
//! (`source_port`); IPv4 addresses are IPv4-mapped IPv6 (`::ffff:a.b.c.d`). "Source" and "destination" are those of the
//! packet; `DIRECTION_*` is that of the *connection* as the reporting endpoint sees it (Hubble's `traffic_direction`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Version byte of every record; a reader refuses any other.
pub const RECORD_VERSION: u8 = 1;

/// A record has exactly this size.
pub const RECORD_BYTES: usize = 128;

/// One verdict, trace, drop or loss.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Record {
    /// `bpf_ktime_get_ns` (CLOCK_MONOTONIC), read after the ring reservation.
    pub time_ns: u64,
    /// Bytes on the wire that this event accounts for (since the last event of this direction); 0 for a policy verdict.
    pub bytes: u64,
    /// Source address of the packet, IPv4 mapped.
    pub source_address: [u8; 16],
    /// Destination address of the packet, IPv4 mapped.
    pub destination_address: [u8; 16],
    /// Packets that this event accounts for; 0 for a policy verdict (its packet is counted by the trace or drop).
    pub packets: u32,
    /// Per-CPU sequence of *attempted* records (low 32 bits): a gap is a failed reservation.
    pub sequence: u32,
    /// Security identity of the source at the time.
    pub source_identity: u32,
    /// Security identity of the destination at the time.
    pub destination_identity: u32,
    /// Metadata index of the source (see `flow`): which version of the endpoint held the address.
    pub source_metadata: u32,
    /// Metadata index of the destination.
    pub destination_metadata: u32,
    /// Deciding rule, 0 if none matched.
    pub rule: u32,
    /// Revision of the policy set that decided.
    pub policy_revision: u32,
    /// Interface of the hook.
    pub ifindex: u32,
    /// `skb->len` of the packet that caused the event, 0 for a sweeper's.
    pub length: u32,
    /// Edge slot that counts this connection.
    pub edge_slot: u32,
    /// Endpoint whose hook reports.
    pub endpoint: u16,
    /// CPU that wrote the record.
    pub cpu: u16,
    /// Source port (host order); 0 without ports.
    pub source_port: u16,
    /// Destination port (host order); 0 without ports.
    pub destination_port: u16,
    /// Source MAC.
    pub source_mac: [u8; 6],
    /// Destination MAC.
    pub destination_mac: [u8; 6],
    /// [`RECORD_VERSION`].
    pub version: u8,
    /// `KIND_*`.
    pub kind: u8,
    /// `VERDICT_*` (Hubble's numbers).
    pub verdict: u8,
    /// Drop reason (Cilium's numbers, `REASON_*`), 0 unless dropped or audited.
    pub reason: u8,
    /// IP protocol number.
    pub protocol: u8,
    /// TCP flags of the packet, or of all packets since the last event of this direction.
    pub tcp_flags: u8,
    /// `MATCH_*` (Cilium's policy match types).
    pub match_type: u8,
    /// `POINT_*` (Hubble's trace observation points).
    pub observation_point: u8,
    /// `TRACE_*` (Hubble's trace reasons).
    pub trace_reason: u8,
    /// ICMP or ICMPv6 type.
    pub icmp_type: u8,
    /// ICMP or ICMPv6 code.
    pub icmp_code: u8,
    /// `DIRECTION_*`.
    pub direction: u8,
    /// `REPLY_*`.
    pub reply: u8,
    /// `MARK_*` bits.
    pub marks: u8,
    /// VLAN tag, if `MARK_VLAN`.
    pub vlan: u16,
}

const _: () = assert!(size_of::<Record>() == RECORD_BYTES);

/// Made by the drain, never by the kernel: every record older than `time_ns` has been delivered.
pub const KIND_WATERMARK: u8 = 0;
/// A packet was dropped (Hubble event type 1).
pub const KIND_DROP: u8 = 1;
/// A packet or a stretch of a connection passed (Hubble event type 4).
pub const KIND_TRACE: u8 = 4;
/// A new connection was judged (Hubble event type 5).
pub const KIND_POLICY_VERDICT: u8 = 5;
/// Made by user space: `packets` records were lost on `cpu`; `LOST_*` in `reason`, first and last time in `time_ns` and `bytes`.
pub const KIND_LOST: u8 = 200;

/// Lost because the BPF ring buffer was full (Hubble's PERF_EVENT_RING_BUFFER).
pub const LOST_KERNEL_RING: u8 = 1;
/// Lost between the drain and the annotate thread (OBSERVER_EVENTS_QUEUE).
pub const LOST_QUEUE: u8 = 2;
/// Lost because a reader was slower than the flow store (HUBBLE_RING_BUFFER).
pub const LOST_STORE: u8 = 3;

/// The packet passed.
pub const VERDICT_FORWARDED: u8 = 1;
/// The packet was dropped.
pub const VERDICT_DROPPED: u8 = 2;
/// The packet passed, but enforcement would have dropped it.
pub const VERDICT_AUDIT: u8 = 4;

/// The source address does not belong to the endpoint.
pub const REASON_INVALID_SOURCE_IP: u8 = 132;
/// Default deny: no rule allows it.
pub const REASON_POLICY_DENIED: u8 = 133;
/// The IP header is malformed.
pub const REASON_INVALID_PACKET: u8 = 134;
/// The transport header is truncated or malformed.
pub const REASON_TRUNCATED_HEADER: u8 = 135;
/// Neither IP nor ARP.
pub const REASON_UNSUPPORTED_L3: u8 = 139;
/// Too many or malformed IPv6 extension headers.
pub const REASON_INVALID_EXTENSION_HEADER: u8 = 156;
/// Fragments arrive without their first.
pub const REASON_FRAGMENT_NOT_FOUND: u8 = 175;
/// An explicit deny rule.
pub const REASON_POLICY_DENY: u8 = 181;

/// No policy cell matched.
pub const MATCH_NONE: u8 = 0;
/// Matched by identity alone.
pub const MATCH_L3_ONLY: u8 = 1;
/// Matched by identity, protocol and port.
pub const MATCH_L3_L4: u8 = 2;
/// Matched by protocol and port alone.
pub const MATCH_L4_ONLY: u8 = 3;
/// Matched a rule for everything, or the direction is not enforced.
pub const MATCH_ALL: u8 = 4;
/// Matched by identity and protocol.
pub const MATCH_L3_PROTO: u8 = 5;
/// Matched by protocol alone.
pub const MATCH_PROTO_ONLY: u8 = 6;

/// The packet was delivered to the endpoint.
pub const POINT_TO_ENDPOINT: u8 = 101;
/// The packet left the endpoint.
pub const POINT_FROM_ENDPOINT: u8 = 5;

/// First packet of a connection.
pub const TRACE_NEW: u8 = 1;
/// Later packets in the direction of the opener.
pub const TRACE_ESTABLISHED: u8 = 2;
/// Packets against the direction of the opener.
pub const TRACE_REPLY: u8 = 3;
/// An ICMP error about a known connection.
pub const TRACE_RELATED: u8 = 4;

/// To the endpoint.
pub const DIRECTION_INGRESS: u8 = 1;
/// From the endpoint.
pub const DIRECTION_EGRESS: u8 = 2;

/// In the direction of the opener.
pub const REPLY_NO: u8 = 0;
/// Against it.
pub const REPLY_YES: u8 = 1;
/// Not known (drops).
pub const REPLY_UNKNOWN: u8 = 2;

/// The addresses are IPv6; else IPv4 mapped.
pub const MARK_IPV6: u8 = 1;
/// The packet is a fragment.
pub const MARK_FRAGMENT: u8 = 2;
/// `vlan` is set.
pub const MARK_VLAN: u8 = 4;
/// First seen in mid-stream (TCP without SYN).
pub const MARK_MIDSTREAM: u8 = 8;
/// Written by the sweeper: the end of an idle connection, or a summary of rate-limited drops.
pub const MARK_SUMMARY: u8 = 16;
/// The connection was judged again because policy or an identity changed.
pub const MARK_REJUDGED: u8 = 32;
/// There is no IP header: addresses are meaningless (only MACs are set).
pub const MARK_NO_IP: u8 = 64;
/// The TCP NS flag, which has no room in `tcp_flags`.
pub const MARK_TCP_NS: u8 = 128;
