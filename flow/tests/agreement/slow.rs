//! The slow way from a row to a message: field by field, through the generated types.

use bpf_events::record::*;
use flow::encode::Names;
use flow::reference::FlowReference;
use flow::row::FlowRow;
use flow::rules::RuleAction;
use proto::flow::layer4::Protocol;
use proto::tycho::v1::FlowDetails;

fn timestamp(time_ns: u64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: (time_ns / 1_000_000_000) as i64,
        nanos: (time_ns % 1_000_000_000) as i32,
    }
}

fn endpoint(names: &Names, metadata: u32, identity: u32) -> proto::flow::Endpoint {
    let known = names.metadata.version(metadata);
    let known = known
        .map(|version| version.content().endpoint())
        .unwrap_or_default();
    proto::flow::Endpoint { identity, ..known }
}

fn address(row: &FlowRow, address: [u8; 16]) -> String {
    let address = std::net::Ipv6Addr::from(address);
    if row.marks & MARK_IPV6 != 0 {
        address.to_string()
    } else {
        address.to_ipv4_mapped().unwrap().to_string()
    }
}

fn mac(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

fn flags(row: &FlowRow) -> proto::flow::TcpFlags {
    let bit = |bit: u8| row.tcp_flags >> bit & 1 == 1;
    proto::flow::TcpFlags {
        fin: bit(0),
        syn: bit(1),
        rst: bit(2),
        psh: bit(3),
        ack: bit(4),
        urg: bit(5),
        ece: bit(6),
        cwr: bit(7),
        ns: row.marks & MARK_TCP_NS != 0,
    }
}

fn layer4(row: &FlowRow) -> Option<proto::flow::Layer4> {
    let (source_port, destination_port) = (row.source_port.into(), row.destination_port.into());
    let (r#type, code) = (row.icmp_type.into(), row.icmp_code.into());
    let protocol = match row.protocol {
        1 => Protocol::IcmPv4(proto::flow::IcmPv4 { r#type, code }),
        6 => Protocol::Tcp(proto::flow::Tcp {
            source_port,
            destination_port,
            flags: Some(flags(row)),
        }),
        17 => Protocol::Udp(proto::flow::Udp {
            source_port,
            destination_port,
        }),
        58 => Protocol::IcmPv6(proto::flow::IcmPv6 { r#type, code }),
        132 => Protocol::Sctp(proto::flow::Sctp {
            source_port,
            destination_port,
        }),
        _ => return None,
    };
    Some(proto::flow::Layer4 {
        protocol: Some(protocol),
    })
}

fn summary(row: &FlowRow) -> String {
    let icmp = match (row.protocol, row.icmp_type, row.icmp_code) {
        (1, 8, 0) => "EchoRequest",
        (1, 0, 0) => "EchoReply",
        (1, 3, 3) => "DestinationUnreachable(Port)",
        (1, 135, 0) => "135(0)",
        (58, 8, 0) => "8(0)",
        (58, 0, 0) => "0(0)",
        (58, 3, 3) => "TimeExceeded(Code: 3)",
        (58, 135, 0) => "NeighborSolicitation",
        _ => "250(9)",
    };
    match row.protocol {
        _ if row.marks & MARK_NO_IP != 0 => "Ethernet".into(),
        1 => format!("ICMPv4 {icmp}"),
        58 => format!("ICMPv6 {icmp}"),
        17 => "UDP".into(),
        132 => "SCTP".into(),
        6 => {
            let flags = flags(row);
            let named = [
                (flags.syn, "SYN"),
                (flags.ack, "ACK"),
                (flags.rst, "RST"),
                (flags.fin, "FIN"),
                (flags.psh, "PSH"),
                (flags.urg, "URG"),
                (flags.ece, "ECE"),
                (flags.cwr, "CWR"),
                (flags.ns, "NS"),
            ];
            let set: Vec<_> = named
                .into_iter()
                .filter(|&(set, _)| set)
                .map(|(_, name)| name)
                .collect();
            format!("TCP Flags: {}", set.join(", "))
        }
        _ if row.marks & MARK_IPV6 != 0 => "IPv6".into(),
        _ => "IPv4".into(),
    }
}

/// The flow of a row, field by field through the generated types.
pub(crate) fn slow_flow(names: &Names, sequence: u64, row: &FlowRow) -> proto::flow::Flow {
    let dropped = row.verdict == VERDICT_DROPPED;
    let is_reply = match row.reply {
        _ if dropped => None,
        REPLY_NO => Some(false),
        REPLY_YES => Some(true),
        _ => (row.kind == KIND_POLICY_VERDICT).then_some(false),
    };
    let sub_type = match row.kind {
        KIND_DROP => row.reason.into(),
        KIND_TRACE if row.observation_point == POINT_FROM_ENDPOINT => 5,
        _ => 0,
    };
    let has_ip = row.marks & MARK_NO_IP == 0;
    let ip = || proto::flow::Ip {
        source: address(row, row.source_address),
        destination: address(row, row.destination_address),
        ip_version: if row.marks & MARK_IPV6 != 0 { 2 } else { 1 },
        ..Default::default()
    };
    let trace = row.kind == KIND_TRACE;
    let mut flow = proto::flow::Flow {
        time: Some(timestamp(row.time_ns)),
        verdict: row.verdict.into(),
        drop_reason: if dropped { row.reason.into() } else { 0 },
        drop_reason_desc: if dropped { row.reason.into() } else { 0 },
        ethernet: (row.source_mac != [0; 6] || row.destination_mac != [0; 6]).then(|| {
            proto::flow::Ethernet {
                source: mac(row.source_mac),
                destination: mac(row.destination_mac),
            }
        }),
        ip: has_ip.then(ip),
        l4: layer4(row),
        source: Some(endpoint(names, row.source_metadata, row.source_identity)),
        destination: Some(endpoint(
            names,
            row.destination_metadata,
            row.destination_identity,
        )),
        r#type: 1,
        node_name: names.node_name.clone(),
        reply: is_reply == Some(true),
        is_reply,
        event_type: Some(proto::flow::CiliumEventType {
            r#type: row.kind.into(),
            sub_type,
        }),
        traffic_direction: row.direction.into(),
        policy_match_type: if row.kind == KIND_POLICY_VERDICT {
            row.match_type.into()
        } else {
            0
        },
        trace_observation_point: if trace {
            row.observation_point.into()
        } else {
            0
        },
        trace_reason: if trace { row.trace_reason.into() } else { 0 },
        interface: (row.ifindex != 0).then(|| proto::flow::NetworkInterface {
            index: row.ifindex,
            name: names
                .interfaces
                .names()
                .name(row.ifindex)
                .unwrap_or_default()
                .into(),
        }),
        uuid: FlowReference {
            epoch: names.epoch,
            sequence,
        }
        .to_string(),
        summary: summary(row),
        ..Default::default()
    };
    name_rule(names, row, &mut flow);
    flow
}

fn name_rule(names: &Names, row: &FlowRow, flow: &mut proto::flow::Flow) {
    let Some(rule) = names.rules.rule(row.rule) else {
        return;
    };
    let info = rule.info();
    let forwarded = row.verdict == VERDICT_FORWARDED;
    let named = match info.action {
        RuleAction::Allow => forwarded && row.kind == KIND_POLICY_VERDICT,
        RuleAction::Deny => !forwarded && row.kind != KIND_TRACE,
    };
    if !named {
        return;
    }
    let policies = info.policies.iter().map(|policy| proto::flow::Policy {
        name: policy.name.clone(),
        namespace: policy.namespace.clone(),
        labels: policy.labels.clone(),
        revision: row.policy_revision.into(),
        kind: policy.kind.clone(),
    });
    let field = match (row.direction, forwarded) {
        (DIRECTION_EGRESS, true) => &mut flow.egress_allowed_by,
        (DIRECTION_EGRESS, false) => &mut flow.egress_denied_by,
        (_, true) => &mut flow.ingress_allowed_by,
        (_, false) => &mut flow.ingress_denied_by,
    };
    field.extend(policies);
}

/// The details of a row.
pub(crate) fn slow_details(names: &Names, sequence: u64, row: &FlowRow) -> FlowDetails {
    let rule = names.rules.rule(row.rule);
    let info = rule.as_ref().map(|rule| rule.info());
    let marked = |mark| row.marks & mark != 0;
    FlowDetails {
        packets: row.packets.into(),
        bytes: row.bytes,
        rule: row.rule,
        rule_index: info
            .and_then(|info| info.index)
            .map_or(0, |index| index + 1),
        rule_name: info
            .map(|info| info.description.clone())
            .unwrap_or_default(),
        edge_slot: row.edge_slot,
        source_metadata: row.source_metadata,
        destination_metadata: row.destination_metadata,
        vlan: if marked(MARK_VLAN) {
            row.vlan.into()
        } else {
            0
        },
        fragment: marked(MARK_FRAGMENT),
        midstream: marked(MARK_MIDSTREAM),
        summary: marked(MARK_SUMMARY),
        rejudged: marked(MARK_REJUDGED),
        ifindex: row.ifindex,
        cpu: row.cpu.into(),
        sequence: row.record_sequence,
        reference: FlowReference {
            epoch: names.epoch,
            sequence,
        }
        .to_string(),
        endpoint: row.endpoint.into(),
        tcp_flags: row.tcp_flags.into(),
        other_end: None,
    }
}

pub(crate) fn time_of(row: &FlowRow) -> Option<prost_types::Timestamp> {
    Some(timestamp(row.time_ns))
}
