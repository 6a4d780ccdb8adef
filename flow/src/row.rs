//! One flow as it lies in memory: typed here, sixteen words in a segment.

use bpf_events::record::{KIND_LOST, LOST_STORE, MARK_IPV6, MARK_NO_IP};

/// Words of a packed row: 16 × 8 = 128 bytes per flow.
pub const ROW_WORDS: usize = 16;

/// Word 0: wall time.
pub(crate) const WORD_TIME: usize = 0;
/// Word 1: both metadata indexes.
pub(crate) const WORD_METADATA: usize = 1;
/// Word 2: ports, protocol, verdict, kind, TCP flags.
pub(crate) const WORD_PORTS: usize = 2;
/// Word 3: both identities.
pub(crate) const WORD_IDENTITY: usize = 3;
/// Word 4: reason, match type, points, ICMP, marks, direction, reply.
pub(crate) const WORD_EVENT: usize = 4;
/// Word 5: rule and policy revision.
pub(crate) const WORD_RULE: usize = 5;
/// Words 6 and 7: source address.
pub(crate) const WORD_SOURCE_ADDRESS: usize = 6;
/// Words 8 and 9: destination address.
pub(crate) const WORD_DESTINATION_ADDRESS: usize = 8;
/// Word 14: interface and edge slot.
pub(crate) const WORD_INTERFACE: usize = 14;

/// A flow, or a loss (`kind` = `KIND_LOST`), as numbers.
///
/// The numbers are those of `bpf_events::record` (`KIND_*`, `VERDICT_*`, …). In a loss, `packets` is how many records
/// were lost on `cpu`, `reason` is `LOST_*`, and `time_ns` and `bytes` are the wall times of the first and the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowRow {
    /// Wall time, nanoseconds since 1970.
    pub time_ns: u64,
    /// Bytes this event accounts for.
    pub bytes: u64,
    /// Source address, IPv4 mapped.
    pub source_address: [u8; 16],
    /// Destination address, IPv4 mapped.
    pub destination_address: [u8; 16],
    /// Packets this event accounts for.
    pub packets: u32,
    /// Per-CPU sequence of the record.
    pub record_sequence: u32,
    /// Security identity of the source.
    pub source_identity: u32,
    /// Security identity of the destination.
    pub destination_identity: u32,
    /// Index into the metadata table.
    pub source_metadata: u32,
    /// Index into the metadata table.
    pub destination_metadata: u32,
    /// Deciding rule, 0 if none.
    pub rule: u32,
    /// Revision of the policy set that decided.
    pub policy_revision: u32,
    /// Interface of the hook.
    pub ifindex: u32,
    /// Length of the packet in bytes.
    pub length: u32,
    /// Edge slot of the connection.
    pub edge_slot: u32,
    /// Endpoint whose hook reported.
    pub endpoint: u16,
    /// CPU of the record.
    pub cpu: u16,
    /// Source port, 0 without ports.
    pub source_port: u16,
    /// Destination port, 0 without ports.
    pub destination_port: u16,
    /// VLAN tag, if marked.
    pub vlan: u16,
    /// Source MAC.
    pub source_mac: [u8; 6],
    /// Destination MAC.
    pub destination_mac: [u8; 6],
    /// `KIND_*`.
    pub kind: u8,
    /// `VERDICT_*`.
    pub verdict: u8,
    /// Drop reason, or `LOST_*`.
    pub reason: u8,
    /// IP protocol.
    pub protocol: u8,
    /// TCP flags.
    pub tcp_flags: u8,
    /// `MATCH_*`.
    pub match_type: u8,
    /// `POINT_*`.
    pub observation_point: u8,
    /// `TRACE_*`.
    pub trace_reason: u8,
    /// ICMP type.
    pub icmp_type: u8,
    /// ICMP code.
    pub icmp_code: u8,
    /// `DIRECTION_*`.
    pub direction: u8,
    /// `REPLY_*`.
    pub reply: u8,
    /// `MARK_*` bits.
    pub marks: u8,
}

impl FlowRow {
    /// Whether this row tells of lost events rather than of a flow.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.kind == KIND_LOST
    }

    /// 4 or 6, or `None` without an IP header.
    #[must_use]
    pub const fn ip_version(&self) -> Option<u8> {
        if self.marks & MARK_NO_IP != 0 {
            None
        } else if self.marks & MARK_IPV6 != 0 {
            Some(6)
        } else {
            Some(4)
        }
    }

    /// The row as the words of a segment's columns.
    #[must_use]
    pub fn pack(&self) -> [u64; ROW_WORDS] {
        let [source_high, source_low] = address_words(self.source_address);
        let [destination_high, destination_low] = address_words(self.destination_address);
        [
            self.time_ns,
            pair(self.source_metadata, self.destination_metadata),
            u64::from(self.source_port)
                | u64::from(self.destination_port) << 16
                | u64::from(self.protocol) << 32
                | u64::from(self.verdict) << 40
                | u64::from(self.kind) << 48
                | u64::from(self.tcp_flags) << 56,
            pair(self.source_identity, self.destination_identity),
            u64::from_le_bytes([
                self.reason,
                self.match_type,
                self.observation_point,
                self.trace_reason,
                self.icmp_type,
                self.icmp_code,
                self.marks,
                self.direction & 15 | self.reply << 4,
            ]),
            pair(self.rule, self.policy_revision),
            source_high,
            source_low,
            destination_high,
            destination_low,
            mac_word(self.source_mac, self.endpoint),
            mac_word(self.destination_mac, self.cpu),
            pair(self.packets, self.length),
            self.bytes,
            pair(self.ifindex, self.edge_slot),
            pair(self.record_sequence, u32::from(self.vlan)),
        ]
    }

    /// The row of packed words.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the shifts cut the words into their fields"
    )]
    pub fn unpack(words: &[u64; ROW_WORDS]) -> Self {
        let ports = words[2];
        let [
            reason,
            match_type,
            observation_point,
            trace_reason,
            icmp_type,
            icmp_code,
            marks,
            way,
        ] = words[4].to_le_bytes();
        Self {
            time_ns: words[0],
            source_metadata: low(words[1]),
            destination_metadata: high(words[1]),
            source_port: ports as u16,
            destination_port: (ports >> 16) as u16,
            protocol: (ports >> 32) as u8,
            verdict: (ports >> 40) as u8,
            kind: (ports >> 48) as u8,
            tcp_flags: (ports >> 56) as u8,
            source_identity: low(words[3]),
            destination_identity: high(words[3]),
            reason,
            match_type,
            observation_point,
            trace_reason,
            icmp_type,
            icmp_code,
            marks,
            direction: way & 15,
            reply: way >> 4,
            rule: low(words[5]),
            policy_revision: high(words[5]),
            source_address: word_address(words[6], words[7]),
            destination_address: word_address(words[8], words[9]),
            source_mac: word_mac(words[10]),
            endpoint: (words[10] >> 48) as u16,
            destination_mac: word_mac(words[11]),
            cpu: (words[11] >> 48) as u16,
            packets: low(words[12]),
            length: high(words[12]),
            bytes: words[13],
            ifindex: low(words[14]),
            edge_slot: high(words[14]),
            record_sequence: low(words[15]),
            vlan: high(words[15]) as u16,
        }
    }
}

/// Whether a packed row tells of lost events rather than of a flow.
#[must_use]
pub const fn is_lost(words: &[u64; ROW_WORDS]) -> bool {
    (words[WORD_PORTS] >> 48) as u8 == KIND_LOST
}

/// The row of flows that a reader of a store missed.
pub(crate) fn loss_row(count: u64, first_ns: u64, last_ns: u64) -> FlowRow {
    FlowRow {
        kind: KIND_LOST,
        reason: LOST_STORE,
        packets: u32::try_from(count).unwrap_or(u32::MAX),
        time_ns: first_ns,
        bytes: last_ns,
        ..FlowRow::default()
    }
}

/// The first of a pair of numbers in one word.
#[expect(clippy::cast_possible_truncation, reason = "this is the lower half")]
pub(crate) const fn low(word: u64) -> u32 {
    word as u32
}

/// The second of a pair of numbers in one word.
pub(crate) const fn high(word: u64) -> u32 {
    (word >> 32) as u32
}

const fn pair(first: u32, second: u32) -> u64 {
    first as u64 | (second as u64) << 32
}

/// An address as two big-endian words, so that prefixes compare as numbers.
pub(crate) fn address_words(address: [u8; 16]) -> [u64; 2] {
    let number = u128::from_be_bytes(address);
    #[expect(clippy::cast_possible_truncation, reason = "this is the lower half")]
    let low = number as u64;
    [(number >> 64) as u64, low]
}

fn word_address(high: u64, low: u64) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

fn mac_word(mac: [u8; 6], extra: u16) -> u64 {
    let [low, high] = extra.to_le_bytes();
    u64::from_le_bytes([mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], low, high])
}

fn word_mac(word: u64) -> [u8; 6] {
    let [a, b, c, d, e, f, _, _] = word.to_le_bytes();
    [a, b, c, d, e, f]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packing_loses_nothing(mut words in any::<[u64; ROW_WORDS]>()) {
            // Every bit is used, but for the reserved half of the last word.
            words[15] &= 0xffff_ffff_ffff;
            prop_assert_eq!(FlowRow::unpack(&words).pack(), words);
        }
    }
}
