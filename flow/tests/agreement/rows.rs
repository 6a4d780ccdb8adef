//! Rows that could come from the node, with every closed field in its range.

use bpf_events::record::*;
use flow::row::FlowRow;
use proptest::prelude::*;

/// Metadata indexes that rows use: reserved ones, five endpoints, a hole and beyond the end.
pub(crate) const METADATA: [u32; 12] = [0, 1, 2, 9, 12, 16, 17, 18, 19, 20, 21, 70_000];

fn pick<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = T> + use<T> {
    proptest::sample::select(values.to_vec())
}

prop_compose! {
    fn numbers()(
        words in any::<[u64; 16]>(),
        packets in pick(&[0u32, 1, 77]),
        ports in any::<[bool; 2]>(),
        source_metadata in pick(&METADATA),
        destination_metadata in pick(&METADATA),
        identities in any::<[u8; 2]>(),
        rule in pick(&[0u32, 1, 2, 3, 4, 5]),
        ifindex in pick(&[0u32, 7, 8, 9, 10]),
    ) -> FlowRow {
        let port = |well_known: bool, port: u16| if well_known { 8080 } else { port };
        let row = FlowRow::unpack(&words);
        FlowRow {
            time_ns: row.time_ns >> 2,
            bytes: row.bytes >> 2,
            packets,
            source_port: port(ports[0], row.source_port),
            destination_port: port(ports[1], row.destination_port),
            source_metadata,
            destination_metadata,
            // Mostly the identity of the metadata, sometimes another one.
            source_identity: identity(source_metadata, identities[0]),
            destination_identity: identity(destination_metadata, identities[1]),
            rule,
            ifindex,
            ..row
        }
    }
}

fn identity(metadata: u32, chance: u8) -> u32 {
    match metadata {
        _ if chance < 20 => chance.into(),
        0..=10 => metadata,
        16..=20 => 284 + metadata,
        21 => 1 << 24,
        _ => 999,
    }
}

prop_compose! {
    /// A row whose closed fields have values that `decode` lets through.
    pub(crate) fn row()(
        row in numbers(),
        kind in pick(&[KIND_DROP, KIND_TRACE, KIND_TRACE, KIND_POLICY_VERDICT, KIND_POLICY_VERDICT]),
        verdict in pick(&[VERDICT_FORWARDED, VERDICT_DROPPED, VERDICT_AUDIT]),
        reason in pick(&[0u8, REASON_POLICY_DENIED, REASON_POLICY_DENY, 166]),
        protocol in pick(&[1u8, 6, 6, 6, 17, 58, 132, 47]),
        observation_point in pick(&[POINT_TO_ENDPOINT, POINT_FROM_ENDPOINT]),
        match_type in 0u8..7,
        trace_reason in 0u8..5,
        direction in pick(&[DIRECTION_INGRESS, DIRECTION_EGRESS]),
        reply in 0u8..3,
        icmp in pick(&[(8u8, 0u8), (0, 0), (3, 3), (135, 0), (250, 9)]),
        marks in any::<u8>(),
        version in 0u8..8,
        network in pick(&[[10u8, 0, 0, 1], [10, 9, 8, 7], [192, 168, 1, 1]]),
        macs in any::<bool>(),
    ) -> FlowRow {
        let no_ip = version == 0;
        let marks = marks & !(MARK_IPV6 | MARK_NO_IP)
            | if no_ip { MARK_NO_IP } else if version < 4 { MARK_IPV6 } else { 0 };
        let mapped = std::net::Ipv4Addr::from(network).to_ipv6_mapped().octets();
        let ipv4 = version >= 4;
        FlowRow {
            kind, verdict, reason, observation_point, match_type, trace_reason, direction, reply, marks,
            protocol: if no_ip { 0 } else { protocol },
            icmp_type: icmp.0,
            icmp_code: icmp.1,
            source_address: if ipv4 { mapped } else { row.source_address },
            destination_address: if ipv4 { mapped } else { row.destination_address },
            source_mac: if macs { row.source_mac } else { [0; 6] },
            destination_mac: if macs { row.destination_mac } else { [0; 6] },
            ..row
        }
    }
}
