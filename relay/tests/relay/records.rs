//! Records as a kernel writes them.

use bpf_events::record::{
    DIRECTION_INGRESS, KIND_TRACE, POINT_TO_ENDPOINT, RECORD_VERSION, REPLY_NO, Record, TRACE_NEW,
    VERDICT_FORWARDED,
};
use zerocopy::FromZeros as _;

use crate::fixture::{ENDPOINT, RULE};

/// A flow of this source port and monotonic time.
pub(crate) fn record(port: u16, time_ns: u64) -> Record {
    Record {
        version: RECORD_VERSION,
        kind: KIND_TRACE,
        time_ns,
        bytes: 100,
        packets: 1,
        source_address: "10.0.0.1"
            .parse::<std::net::Ipv4Addr>()
            .unwrap()
            .to_ipv6_mapped()
            .octets(),
        destination_address: "10.0.0.2"
            .parse::<std::net::Ipv4Addr>()
            .unwrap()
            .to_ipv6_mapped()
            .octets(),
        source_identity: 300,
        source_metadata: ENDPOINT,
        destination_identity: 2,
        destination_metadata: 2,
        rule: RULE,
        policy_revision: 4,
        ifindex: 3,
        protocol: 17,
        source_port: port,
        destination_port: 53,
        verdict: VERDICT_FORWARDED,
        observation_point: POINT_TO_ENDPOINT,
        trace_reason: TRACE_NEW,
        direction: DIRECTION_INGRESS,
        reply: REPLY_NO,
        ..Record::new_zeroed()
    }
}
