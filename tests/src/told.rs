//! Records as lines of text in which every field that must be right shows: a wrong one makes another line.

use std::net::{IpAddr, Ipv6Addr};

use bpf_events::policy::{RULE_FIRST, RULE_LOCAL_HOST, RULE_NONE};
use bpf_events::record::{
    DIRECTION_EGRESS, DIRECTION_INGRESS, KIND_DROP, KIND_POLICY_VERDICT, KIND_TRACE, MARK_FRAGMENT,
    MARK_IPV6, MARK_MIDSTREAM, MARK_NO_IP, MARK_REJUDGED, MARK_SUMMARY, MARK_TCP_NS, MARK_VLAN,
    POINT_FROM_ENDPOINT, POINT_TO_ENDPOINT, REPLY_NO, REPLY_UNKNOWN, REPLY_YES, Record,
    TRACE_ESTABLISHED, TRACE_NEW, TRACE_RELATED, TRACE_REPLY, VERDICT_AUDIT, VERDICT_DROPPED,
    VERDICT_FORWARDED,
};
use policy::MatchType;

use crate::datapath::TestNode;

/// Names of values, for one field of a record.
type Names = &'static [(u8, &'static str)];

const KINDS: Names = &[
    (KIND_POLICY_VERDICT, "verdict"),
    (KIND_TRACE, "trace"),
    (KIND_DROP, "drop"),
];
const VERDICTS: Names = &[
    (VERDICT_FORWARDED, "FORWARDED"),
    (VERDICT_DROPPED, "DROPPED"),
    (VERDICT_AUDIT, "AUDIT"),
];
const DIRECTIONS: Names = &[(DIRECTION_INGRESS, "ingress"), (DIRECTION_EGRESS, "egress")];
const REPLIES: Names = &[
    (REPLY_NO, "original"),
    (REPLY_YES, "reply"),
    (REPLY_UNKNOWN, "unknown"),
];
const POINTS: Names = &[
    (POINT_TO_ENDPOINT, "to-endpoint"),
    (POINT_FROM_ENDPOINT, "from-endpoint"),
];
const REASONS: Names = &[
    (TRACE_NEW, "new"),
    (TRACE_ESTABLISHED, "established"),
    (TRACE_REPLY, "reply"),
    (TRACE_RELATED, "related"),
];
const MARKS: Names = &[
    (MARK_FRAGMENT, "fragment"),
    (MARK_VLAN, "vlan"),
    (MARK_MIDSTREAM, "midstream"),
    (MARK_SUMMARY, "summary"),
    (MARK_REJUDGED, "rejudged"),
    (MARK_NO_IP, "no-ip"),
    (MARK_TCP_NS, "ns"),
];
const TCP_FLAGS: &[(u8, char)] = &[(2, 'S'), (16, 'A'), (1, 'F'), (4, 'R')];

impl TestNode {
    /// One record: `hook: kind VERDICT direction reply source > destination protocol, match by rule, point reason, marks`.
    pub fn tell(&self, record: &Record) -> String {
        let mut line = format!(
            "{}: {} {}{} {} {} {} > {} {}, {} by {}",
            self.hook(record),
            name(KINDS, record.kind),
            name(VERDICTS, record.verdict),
            if record.reason == 0 {
                String::new()
            } else {
                format!("({})", record.reason)
            },
            name(DIRECTIONS, record.direction),
            name(REPLIES, record.reply),
            self.side(record, true),
            self.side(record, false),
            protocol(record),
            match_type(record.match_type),
            self.rule(record),
        );
        if record.kind == KIND_TRACE {
            let (point, reason) = (
                name(POINTS, record.observation_point),
                name(REASONS, record.trace_reason),
            );
            line += &format!(", {point} {reason}");
        }
        for (_, text) in MARKS.iter().filter(|(mark, _)| record.marks & mark != 0) {
            line += &format!(", {text}");
        }
        line
    }

    /// Several records.
    pub fn tell_all(&self, records: &[Record]) -> Vec<String> {
        records.iter().map(|record| self.tell(record)).collect()
    }

    /// The endpoint that reports, if its number and its interface agree.
    fn hook(&self, record: &Record) -> String {
        let (number, ifindex) = (record.endpoint, record.ifindex);
        let mut members = self.members.values();
        members
            .find(|member| member.number == number && member.ifindex == ifindex)
            .map_or(format!("endpoint {number} at {ifindex}"), |member| {
                member.name.clone()
            })
    }

    /// One side by name if identity, metadata and MAC are those of whoever has the address.
    fn side(&self, record: &Record, source: bool) -> String {
        let (address, port, identity, metadata, mac) = if source {
            let (identity, metadata) = (record.source_identity, record.source_metadata);
            (
                record.source_address,
                record.source_port,
                identity,
                metadata,
                record.source_mac,
            )
        } else {
            let (identity, metadata) = (record.destination_identity, record.destination_metadata);
            (
                record.destination_address,
                record.destination_port,
                identity,
                metadata,
                record.destination_mac,
            )
        };
        let ipv6 = record.marks & MARK_IPV6 != 0;
        let address = as_address(address, ipv6);
        let name = self
            .names()
            .into_iter()
            .find(|name| self.address(name, ipv6) == address);
        let (mut text, expected) = match &name {
            Some(name) => (name.clone(), self.who(name)),
            None => (address.to_string(), (2, 2)),
        };
        if (identity, metadata) != expected {
            text += &format!("(identity {identity}, metadata {metadata})");
        }
        if record.protocol == 6 || record.protocol == 17 {
            text += &format!(":{port}");
        } else if port != 0 {
            text += &format!(":{port}?");
        }
        let own_mac = name.is_some_and(|name| self.mac(&name) == mac);
        if !own_mac && mac == self.mac("gateway") {
            text += " via gateway";
        } else if mac == [0; 6] {
            text += " without MAC";
        } else if !own_mac {
            text += &format!(" as {mac:02x?}");
        }
        text
    }

    /// Identity and metadata index of a name.
    fn who(&self, name: &str) -> (u32, u32) {
        match self.members.get(name) {
            Some(member) => (member.identity.0, member.metadata),
            None if name == "gateway" => (1, 1),
            None => (2, 2),
        }
    }

    fn rule(&self, record: &Record) -> String {
        match record.rule {
            RULE_NONE => "none".to_owned(),
            RULE_LOCAL_HOST => "local-host".to_owned(),
            number if number == self.default_rules[0] => "the default of ingress".to_owned(),
            number if number == self.default_rules[1] => "the default of egress".to_owned(),
            number => {
                let name = self.rule_name(number).unwrap_or("a rule of no policy");
                let name = name
                    .strip_prefix("CiliumNetworkPolicy/shop/")
                    .unwrap_or(name);
                if number >= RULE_FIRST && record.policy_revision == 0 {
                    return format!("{name} without revision");
                }
                name.to_owned()
            }
        }
    }
}

/// The address as the record means it; an IPv6 mark on an IPv4 address, or the reverse, gives nobody's address.
fn as_address(bytes: [u8; 16], ipv6: bool) -> IpAddr {
    let address = Ipv6Addr::from(bytes);
    match address.to_ipv4_mapped() {
        Some(address) if !ipv6 => address.into(),
        _ => address.into(),
    }
}

fn protocol(record: &Record) -> String {
    let family = if record.marks & MARK_IPV6 != 0 { 6 } else { 4 };
    match record.protocol {
        6 => {
            let flags = TCP_FLAGS
                .iter()
                .filter(|(flag, _)| record.tcp_flags & flag != 0);
            let flags: String = flags.map(|(_, letter)| letter).collect();
            format!("TCP{family} {flags}")
        }
        17 => format!("UDP{family}"),
        1 | 58 => format!("ICMP{family} {}/{}", record.icmp_type, record.icmp_code),
        other => format!("protocol {other} IPv{family}"),
    }
}

fn name(names: Names, value: u8) -> String {
    let found = names.iter().find(|(number, _)| *number == value);
    found.map_or(format!("?{value}"), |(_, text)| (*text).to_owned())
}

fn match_type(number: u8) -> String {
    MatchType::from_number(number).map_or(format!("?{number}"), |found| format!("{found:?}"))
}
